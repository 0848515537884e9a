"""A backup takes the place of a workspace in use: looked at, confirmed, switched at the next start. Whoever is killed
leaves the old workspace or the new one, whole."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from studio.app import create_app
from studio.engine.backup import Holding, replacing, switch
from studio.engine.domain.permissions import PersonKind
from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, NotAllowed, NotFound, Stopped
from studio.engine.settings import SWITCHING, Settings
from studio.engine.studio import Studio, open_studio


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("UNDERSTUDY_DATABASE_URL", raising=False)
    return Settings(workspace=tmp_path / "place" / "work space 100%")


@pytest.fixture
def archive(settings: Settings, tmp_path: Path) -> Path:
    """A backup of when there was `old` only; the workspace has `newer` since then."""
    studio = open_studio(settings, "first")
    try:
        studio.prompts.practice(["addition"], 3, 1, "old", level=1)
        studio.at("second").prompts.practice(["addition"], 2, 1, "other", level=1)
        studio.backups.run_here(tmp_path / "all.tar.gz")
        studio.jobs.run_here(studio.backups.start().id or 0)
        studio.prompts.practice(["addition"], 3, 2, "newer", level=1)
    finally:
        studio.close()
    return tmp_path / "all.tar.gz"


@pytest.fixture
def studio(settings: Settings, archive: Path) -> Iterator[Studio]:
    opened = open_studio(settings, "first")
    yield opened
    opened.close()


def sources_in(settings: Settings) -> set[str]:
    studio = open_studio(settings, "first")
    try:
        return {one.name for one in studio.prompts.sources()}
    finally:
        studio.close()


def ready(studio: Studio, archive: Path) -> None:
    studio.restores.confirm(studio.restores.run_here(archive).prepared_at)
    studio.close()


def beside(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.workspace.parent.iterdir() if path != settings.workspace)


OLD, NEW = {"old", "newer"}, {"old"}


def test_a_backup_is_looked_at_before_anything_is_decided(studio: Studio, archive: Path) -> None:
    found = studio.restores.look(archive, lambda *_: None)
    assert {one.name: one.prompts for one in found.projects} == {"first": 3, "second": 2}
    assert found.files >= 1 and found.bytes > 100_000 and not found.without_models and found.version
    assert beside(studio.settings) == []


def test_what_is_unpacked_replaces_nothing_before_it_is_confirmed(studio: Studio, archive: Path) -> None:
    waiting = studio.restores.run_here(archive)
    assert waiting == studio.restores.prepared() and waiting.confirmed_at is None
    assert Holding.of(waiting.holding.as_dict()) == waiting.holding
    studio.close()
    assert switch(studio.settings) is None and sources_in(studio.settings) == OLD


def test_a_confirmed_one_takes_the_place_and_the_present_is_kept_whole(
    studio: Studio, archive: Path, settings: Settings
) -> None:
    ready(studio, archive)
    done = switch(settings)
    assert done is not None and sources_in(settings) == NEW
    again = open_studio(settings)
    assert again.restores.replaced() == done and again.restores.prepared() is None
    assert [one.path.name for one in again.restores.choices()] == ["understudy-backup.tar.gz"]
    assert sources_in(settings.model_copy(update={"workspace": Path(done.before)})) == OLD
    assert beside(settings) == [Path(done.before).name] and switch(settings) is None
    again.close()


def test_the_app_switches_when_it_starts(studio: Studio, archive: Path, settings: Settings) -> None:
    ready(studio, archive)
    create_app(settings, worker=False)
    assert sources_in(settings) == NEW


def test_nothing_is_switched_while_somebody_has_the_workspace_open(
    studio: Studio, archive: Path, settings: Settings
) -> None:
    studio.restores.confirm(studio.restores.run_here(archive).prepared_at)
    assert switch(settings) is None
    waiting = studio.restores.prepared()
    assert waiting is not None and "Another process has this workspace open" in waiting.waits
    studio.prompts.practice(["addition"], 2, 3, "meanwhile", level=1)
    studio.close()
    done = switch(settings)
    assert done is not None and sources_in(settings) == NEW
    assert "meanwhile" in sources_in(settings.model_copy(update={"workspace": Path(done.before)}))


def test_a_confirmation_is_for_what_was_looked_at(studio: Studio, archive: Path) -> None:
    first = studio.restores.run_here(archive)
    studio.restores.run_here(archive)
    with pytest.raises(NotFound, match="Choose the backup again"):
        studio.restores.confirm(first.prepared_at)
    studio.restores.cancel()
    assert studio.restores.prepared() is None and beside(studio.settings) == []
    with pytest.raises(NotFound):
        studio.restores.confirm(first.prepared_at)


def test_one_of_the_workspace_is_unpacked_by_a_job(studio: Studio) -> None:
    job = studio.restores.start("understudy-backup.tar.gz")
    with pytest.raises(BadInput, match=f"jobs stop {job.id}"):
        studio.at("second").restores.start("understudy-backup.tar.gz")
    studio.jobs.run_here(job.id or 0)
    assert studio.restores.newest_job() == studio.jobs.get(job.id or 0)
    waiting = studio.restores.prepared()
    assert waiting is not None and waiting.archive == "understudy-backup.tar.gz"
    for name in ("../all.tar.gz", "nope.tar.gz", ""):
        with pytest.raises(NotFound, match="Choose another"):
            studio.restores.start(name)


def test_a_stopped_one_keeps_nothing(studio: Studio, archive: Path) -> None:
    job = studio.restores.start("understudy-backup.tar.gz")
    studio.jobs.stop(job.id or 0)
    assert studio.jobs.get(job.id or 0).state == JobState.STOPPED
    with pytest.raises(Stopped):
        studio.restores.unpack(str(archive), brought=False, progress=lambda *_: None, should_stop=lambda: True)
    assert studio.restores.prepared() is None and beside(studio.settings) == []


def test_a_file_that_was_brought_is_kept_if_it_is_a_backup(studio: Studio, archive: Path, settings: Settings) -> None:
    uploads = settings.workspace / "uploads"
    uploads.mkdir()
    for _ in "12":
        shutil.copy(archive, uploads / "mine.tgz")
        studio.jobs.run_here(studio.restores.start_brought(uploads / "mine.tgz").id or 0)
    assert {"mine.tgz", "mine-2.tgz"} < {one.path.name for one in studio.restores.choices()}
    (uploads / "cut.tar.gz").write_bytes(archive.read_bytes()[:5_000])
    with pytest.raises(BadInput, match="damaged or cut off"):
        studio.jobs.run_here(studio.restores.start_brought(uploads / "cut.tar.gz").id or 0)
    assert "cut.tar.gz" not in {one.path.name for one in studio.restores.choices()}
    with pytest.raises(BadInput, match="cannot be a backup") as refused:
        studio.restores.start_brought(uploads / "notes.txt")
    assert refused.value.field == "file"


def test_a_refused_archive_leaves_what_waits_and_what_is_there(studio: Studio, archive: Path, tmp_path: Path) -> None:
    """What is refused, and in which words, is in `test_archives.py`: both ways read an archive alike."""
    waiting = studio.restores.run_here(archive)
    (tmp_path / "bad.tar.gz").write_bytes(archive.read_bytes()[:-4_000])
    with pytest.raises(BadInput):
        studio.restores.run_here(tmp_path / "bad.tar.gz")
    assert studio.restores.prepared() == waiting and beside(studio.settings) == [studio.settings.restored.name]


def test_only_the_owner_restores(studio: Studio, archive: Path) -> None:
    studio.people.add("Ann", PersonKind.LOCAL)
    colleague = studio.acting_for(studio.people.named_or_new("Ann")).restores
    for refused in (colleague.choices, colleague.cancel, colleague.prepared, lambda: colleague.start("a.tar.gz"),
                    lambda: colleague.run_here(archive), lambda: colleague.confirm(0.0)):  # fmt: skip
        with pytest.raises(NotAllowed):
            refused()


def test_a_workspace_that_cannot_be_put_aside_says_so(
    studio: Studio, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda self: True)
    with pytest.raises(BadInput, match="cannot be put aside as a whole"):
        studio.restores.start("understudy-backup.tar.gz")
    with pytest.raises(BadInput, match="cannot be put aside as a whole"):
        studio.restores.check()


def test_a_linked_workspace_stays_where_its_data_are(archive: Path, settings: Settings, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(settings.workspace, target_is_directory=True)
    linked = settings.model_copy(update={"workspace": link})
    ready(open_studio(linked, "first"), archive)
    assert switch(linked) is not None
    assert link.is_symlink() and sources_in(linked) == sources_in(settings) == NEW


def test_a_disk_that_refuses_leaves_everything(
    studio: Studio, archive: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(studio, archive)
    rename, refused = Path.rename, [False]

    def once(self: Path, to: Path) -> Path:
        if self.parent == settings.restored and not refused[0]:
            refused[0] = True
            raise PermissionError(13, "Permission denied")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", once)
    assert switch(settings) is None and refused == [True]
    assert sources_in(settings) == OLD and "Permission denied" in (replacing.prepared_in(settings) or waiting()).waits
    assert switch(settings) is not None and sources_in(settings) == NEW


def waiting() -> replacing.Prepared:
    raise AssertionError("Nothing waits.")


KILLED = """
import os, sys
from studio.engine.backup import switch
from studio.engine.settings import Settings

steps, at, settings = 0, 0, Settings()

def watch(event, arguments):
    global steps
    if event in ("os.rename", "os.link", "os.mkdir", "os.rmdir", "os.remove", "sqlite3.connect", "shutil.rmtree") or (
        event == "open" and arguments[2] & os.O_CREAT
    ):
        steps += 1
        if steps == at:
            os.kill(os.getpid(), 9)

for line in sys.stdin:
    at = int(line)
    if (child := os.fork()) == 0:
        sys.addaudithook(watch)
        switch(settings)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def killed_at(settings: Settings) -> Iterator[Callable[[int], int]]:
    """Switches in a process that is killed before the step of that number; tells how it ended."""
    environment = {
        **os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "UNDERSTUDY_WORKSPACE": str(settings.workspace)
    }  # fmt: skip
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        to, said = process.stdin, process.stdout

        def switched(step: int) -> int:
            to.write(f"{step}\n")
            to.flush()
            return int(said.readline())

        yield switched


def test_a_kill_at_any_step_leaves_the_old_or_the_new_one(
    studio: Studio, archive: Path, settings: Settings, killed_at: Callable[[int], int]
) -> None:
    """Killed before every single thing that it does to the disk, each from the same state."""
    ready(studio, archive)
    place, safe = settings.workspace.parent, settings.workspace.parent.with_name("safe")
    shutil.copytree(place, safe)
    found: list[tuple[int, set[str]]] = []
    while not found or found[-1][0] != 0:
        shutil.rmtree(place)
        shutil.copytree(safe, place)
        code = killed_at(step := len(found) + 1)
        assert len([*place.rglob("understudy.db")]) == 2, f"After step {step} one of the two is not there."
        sources = sources_in(settings)
        assert sources in (OLD, NEW), step
        found.append((code, sources))
        switch(settings)
        assert sources_in(settings) == NEW and not settings.restored.exists(), step
    assert {code for code, _ in found[:-1]} == {-9} and len(found) > 8
    kept = [sources for _, sources in found]
    assert kept[0] == OLD and kept[-1] == NEW and kept == sorted(kept, key=lambda one: one == NEW)


def test_what_is_left_between_two_renames_is_ended_by_whoever_opens_it(
    studio: Studio, archive: Path, settings: Settings
) -> None:
    ready(studio, archive)
    (settings.restored / SWITCHING).write_text("elsewhere")
    settings.workspace.rename(settings.workspace.with_name("elsewhere"))
    assert sources_in(settings) == NEW
    switch(settings)
    assert beside(settings) == ["elsewhere"]
