"""The browser's console stays silent on an upload and when an action fails, as `visit` hears;
`test_every_page.py` loads each page again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.domain.states import JobState
from studio.engine.store.tables import Job
from tests.browser.small_project import small_project

pytestmark = pytest.mark.browser

SAID = ".fault:visible, .field-fault:visible"
"""Where a form says what is wrong; nothing is said there before."""
FAILING = {
    "/compare": ("#compare-make",),
    "/datasets": ("#datasets-freeze",),
    "/models": ("#models-import",),
    "/teachers": ("#teachers-new", "#teachers-add"),
}
"""A page, and what is pressed on it with nothing filled in."""


@pytest.mark.parametrize("path", list(FAILING))
def test_an_action_that_fails_is_said_on_the_page_and_not_in_the_console(visit: Callable[..., Any], path: str) -> None:
    page = visit(path)
    page.wait_for_selector(".page-wait", state="detached")  # Only then is a form open that is the first of its kind.
    assert page.locator(SAID).count() == 0
    for pressed in FAILING[path]:
        page.locator(pressed).first.click()
    page.wait_for_selector(SAID)


def test_an_upload_that_cannot_be_read_is_said_on_the_page(visit: Callable[..., Any], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"prompt": "What is 2 + 2?"}\n')
    bad.write_bytes(b"\x00\x01 no JSON")
    page = visit("/prompts")
    page.locator("#prompts-import-file input[type=file]").set_input_files(good)
    page.wait_for_selector("#prompts-import-preview:has-text('What is 2 + 2?')")
    page.reload()
    page.wait_for_selector("#prompts-import-file input[type=file]", state="attached")
    page.locator("#prompts-import-file input[type=file]").set_input_files(bad)
    page.wait_for_selector("#prompts-import-preview .note.bad")
    page.wait_for_selector("#prompts-import-format input:visible")  # Which the sentence names as the way on.


def test_an_upload_of_another_kind_is_refused_beside_it_and_not_in_a_notice_that_goes(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    page = visit("/prompts")
    page.locator("#prompts-import-file input[type=file]").set_input_files(picture)
    page.wait_for_selector("#prompts-import-preview .note.bad:has-text('picture.png')")
    assert page.locator(".toast-wrap .error, .toast-body.error").count() == 0


# --- real faults of a person, with something in the project

PROJECT = "faults"
FAULTS: dict[str, tuple[str, dict[str, str], str, str, str]] = {
    "a name that is taken by a student": (
        "/train", {"train-name": "practice-base"}, "train-start", "#train-name .field-fault", "practice-base",
    ),
    "a learning rate that is none": (
        "/train", {"train-first-rate": "fast"}, "train-start", "#train-first-rate .field-fault", "fast",
    ),
    "a name that is taken by a collection": (
        "/collect?prompts=sums", {"collect-name": "run"}, "collect-start", "#collect-name .field-fault", "run",
    ),
    "answers that are no number": (
        "/collect?prompts=sums", {"collect-samples": "some"}, "collect-start", "#collect-samples .field-fault", "some",
    ),
    "a name that is taken by a source": (
        "/prompts", {"prompts-practice-name": "sums"}, "prompts-practice-button",
        "#prompts-practice-name .field-fault", "sums",
    ),
    "a budget that is none": (
        "/settings", {"settings-budget": "lots"}, "settings-budget-keep", "#settings-budget .field-fault", "lots",
    ),
    "a colleague without a name": (
        "/settings", {"settings-person": " "}, "settings-person-add", "#settings-person .field-fault", "",
    ),
}  # fmt: skip
"""Where it happens, what is typed, what is pressed, where it is said, and a word of it."""


@pytest.fixture(scope="module")
def faulty(site: Any) -> Any:
    return small_project(site, PROJECT)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_a_person_does_wrong_is_said_beside_its_field(visit: Callable[..., Any], faulty: Any, fault: str) -> None:
    path, typed, pressed, said, word = FAULTS[fault]
    page = visit(f"{path}{'&' if '?' in path else '?'}project={PROJECT}")
    button = page.locator(f"button#{pressed}, #{pressed} button").first
    page.wait_for_selector(f"#{pressed}:enabled:visible, #{pressed} button:enabled:visible")
    if path == "/train":
        page.wait_for_selector("#train-card .stats")
    for field, text in typed.items():
        page.locator(f"#{field} :is(input, textarea)").first.fill(text)
    button.click()
    page.wait_for_selector(f"{said}:visible:has-text('{word}')")


def test_a_job_that_has_ended_meanwhile_cannot_be_tried_again(visit: Callable[..., Any], faulty: Any) -> None:
    job = _job(faulty, JobState.FAILED)
    page = visit(f"/jobs?job={job}&project={PROJECT}")
    page.wait_for_selector("#jobs-retry:visible")
    _turn(faulty, job, JobState.DONE)
    page.locator("#jobs-retry").click()
    page.wait_for_selector(f".fault-corner .fault:has-text('{job}')")


def test_a_job_that_is_gone_is_said_to_be_on_its_page(visit: Callable[..., Any], faulty: Any) -> None:
    page = visit(f"/jobs?job=99999&project={PROJECT}")
    page.wait_for_selector("#jobs-list .note:has-text('99999')")


def test_a_collection_that_is_gone_is_said_to_be_and_nothing_else_can_be_done_to_another(
    visit: Callable[..., Any], faulty: Any
) -> None:
    page = visit(f"/collect?run=gone&project={PROJECT}")
    page.wait_for_selector("#collect-run .note:has-text('gone')")
    assert page.locator("#collect-actions button:visible").count() == 0
    page.locator("#collect-run .note a").click()
    page.wait_for_selector("#collect-run .card:has-text('run')")


def test_a_project_that_is_gone_is_said_to_be(visit: Callable[..., Any]) -> None:
    page = visit("/?project=nowhere")
    page.wait_for_selector(".fault-corner .fault:has-text('nowhere')")
    assert page.locator(".page-wait").count() == 0


def _job(here: Any, state: JobState) -> int:
    """A job that ended so, of a collection."""
    with here.database.session() as session:
        job = Job(project_id=here.project_id, kind="collect", title="Collect run", payload={}, state=state)
        session.add(job)
        session.flush()
        assert job.id is not None
        return job.id


def _turn(here: Any, job: int, state: JobState) -> None:
    with here.database.session() as session:
        session.get_one(Job, job).state = state
