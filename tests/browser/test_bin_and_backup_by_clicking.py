"""The bin and a backup by hand, in Settings: what depends is named, something is deleted, comes back, goes for good."""

import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from studio.engine.domain.states import JobState
from studio.engine.jobs import Kind
from studio.engine.settings import Settings
from studio.engine.store import holder_name
from studio.engine.store.tables import Job
from studio.engine.studio import open_studio

pytestmark = pytest.mark.browser

PROJECT = "tidying"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_something_is_deleted_restored_and_deleted_for_good(site: Any, visit: Callable[..., Any]) -> None:
    here = site.studio.at(PROJECT)
    here.prompts.practice(["addition"], 5, 1, "<b>old</b> sums", level=1)
    page = visit(f"/settings?project={PROJECT}")
    page.wait_for_selector("#settings-thing-depends:has-text('prompts: 5')")
    page.wait_for_selector("#settings-bin:has-text('The bin is empty')")
    for nothing_to in ("restore", "empty"):
        page.wait_for_selector(f"#settings-bin-{nothing_to}:disabled")
    page.locator("#settings-thing-delete").click()
    page.wait_for_selector("#settings-bin td:has-text('<b>old</b> sums')")
    goes = time.strftime("%Y-%m-%d", time.localtime(here.bin.list()[0].at + 30 * 86_400))
    page.wait_for_selector(f"#settings-bin td:has-text('{goes}')")
    keeps(page, "-1")
    page.wait_for_selector("#settings-bin-days .field-fault:has-text('36,500')")
    keeps(page, "0")
    page.wait_for_selector("#settings-bin td:has-text('when the bin is emptied')")
    keeps(page, "30")
    page.wait_for_selector(f"#settings-bin td:has-text('{goes}')")
    page.wait_for_selector("#settings-bin-empty:enabled")
    assert not here.prompts.sources()
    page.locator("#settings-bin-restore").click()
    page.wait_for_selector("#settings-bin:has-text('The bin is empty')")
    assert [one.name for one in here.prompts.sources()] == ["<b>old</b> sums"]

    page.goto(f"{site.base}/settings?project={PROJECT}&lang=en")
    page.wait_for_selector("#settings-thing-depends:has-text('prompts: 5')")
    name = page.locator("#settings-thing-to input, #settings-thing-to textarea").first
    name.fill("s" * 101)
    page.locator("#settings-thing-rename").click()
    page.wait_for_selector("#settings-thing-to .field-fault:has-text('1 to 100 printable characters')")
    name.fill("sums")
    page.locator("#settings-thing-rename").click()
    page.wait_for_selector("#settings-thing-depends:has-text('depend on sums')")
    page.locator("#settings-thing-delete").click()
    page.wait_for_selector("#settings-bin td:has-text('sums')")
    page.locator("#settings-bin-empty").click()
    page.locator("dialog button:has-text('Empty the bin')").click()
    page.wait_for_selector("#settings-emptying:has-text('The bin was emptied')")
    assert not here.bin.list()


def test_a_backup_is_made_and_downloaded(site: Any, visit: Callable[..., Any]) -> None:
    page = visit("/settings", language="zh", width=390)
    page.locator("#settings-backup-start").click()
    page.wait_for_selector("#settings-backup a[href*='download/backup']")
    assert page.evaluate(SIDEWAYS) <= 0
    with page.expect_download() as download:
        page.locator("#settings-backup a").click()
    with tarfile.open(download.value.path()) as tar:
        assert "workspace/understudy.db" in tar.getnames() and "workspace/token" not in tar.getnames()


def test_a_backup_takes_the_place_of_the_workspace_when_the_app_starts_next(
    chromium: Any, served: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = tmp_path / "place" / "workspace"
    fill(workspace)
    with served(workspace) as link, browsing(chromium, link, "/settings?project=kept") as page:
        page.locator("#settings-restore-look:enabled").click()
        page.wait_for_selector("#settings-restore tr:has-text('kept'):has-text('5')")
        assert not page.locator("#settings-restore td:has-text('newer')").count()
        page.locator("#settings-restore-decide").click()
        page.wait_for_selector("dialog:has-text('This workspace is not deleted')")
        page.locator("dialog button:has-text('Restore it at the next start')").click()
        page.wait_for_selector("#settings-restore .note:has-text('is restored when the app starts next')")
        assert page.locator("#settings-restore-decide").is_hidden()
        page.reload()
        page.wait_for_selector("#settings-restore .note:has-text('is restored when the app starts next')")
    with served(workspace) as link, browsing(chromium, link, "/settings?project=kept") as page:
        page.wait_for_selector("#settings-restore .note:has-text('This workspace was restored from')")
        assert "kept" in page.content() and "newer" not in page.content()
    (before,) = workspace.parent.glob("workspace-before-*")
    assert (before / "understudy.db").is_file()


def test_a_file_from_elsewhere_is_looked_at_or_refused_and_the_workspace_kept(
    site: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    good, cut = tmp_path / "from elsewhere.tar.gz", tmp_path / "cut.tar.gz"
    site.understudy("backup", good, "--without-models")
    cut.write_bytes(good.read_bytes()[:4_000])
    page = visit("/settings", language="zh", width=390)
    bring(page, cut)
    page.wait_for_selector("#settings-unpacking .note:has-text('已损坏或被截断')")
    assert page.locator("#settings-restore-decide").is_hidden()
    bring(page, good)
    page.wait_for_selector("#settings-restore tr:has-text('default'):has-text('12')")
    assert page.evaluate(SIDEWAYS) <= 0
    page.locator("#settings-restore-cancel").click()
    page.wait_for_selector("#settings-restore .note:has-text('选择一个备份')")
    assert not site.studio.settings.restored.exists()


def keeps(page: Any, days: str) -> None:
    page.locator("#settings-bin-days :is(input, textarea)").fill(days)
    page.locator("#settings-bin-keep:enabled").click()


def bring(page: Any, file: Path) -> None:
    with page.expect_file_chooser() as asked:
        page.locator("button#settings-restore-file:visible").click()
    asked.value.set_files(file)


def fill(workspace: Path) -> None:
    """A backup of a time when there was `kept`, then `newer`."""
    studio = open_studio(Settings(workspace=workspace), "kept")
    studio.prompts.practice(["addition"], 5, 1, "sums", level=1)
    studio.jobs.run_here(studio.backups.start().id or 0)
    studio.at("newer").prompts.practice(["addition"], 5, 1, "sums", level=1)
    studio.close()


@contextmanager
def browsing(chromium: Any, link: str, path: str) -> Iterator[Any]:
    """A page of an app of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(link)
    page.goto(f"{link.split('/?')[0]}{path}&lang=en")
    yield page
    context.close()


def test_a_job_is_asked_to_stop_where_it_is_listed(site: Any, visit: Callable[..., Any]) -> None:
    """One that this process holds, and that ends when the test says so."""
    here = site.studio.at(PROJECT)
    job = here.jobs.add(Kind("grade"), "Long work", {}, state=JobState.RUNNING)
    held = {"holder": holder_name(), "held_until": time.time() + 600, "started_at": time.time()}
    change(here, job.id, **held)
    page = visit(f"/jobs?project={PROJECT}")
    page.locator("[data-jobs-stop]:has-text('Stop')").click()
    page.wait_for_selector("#jobs-list .badge:has-text('stopping')")
    assert here.jobs.get(job.id).stop_requested and page.locator("[data-jobs-stop]").is_disabled()
    change(here, job.id, state=JobState.STOPPED, holder=None, held_until=None, ended_at=time.time())
    page.wait_for_selector("#jobs-list td:has-text('Long work')")


def change(studio: Any, job_id: int, **values: Any) -> None:
    with studio.database.session() as session:
        session.execute(update(Job).where(col(Job.id) == job_id).values(**values))
