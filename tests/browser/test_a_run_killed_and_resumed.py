"""A person collects from a teacher that fails in many ways, sees the collecting process killed, pauses, goes on from a
phone, and finds every answer there once."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from faulty_teacher import FaultyTeacher
from sqlmodel import select

from studio.engine.prompts import NewPrompt
from studio.engine.store.tables import Run, RunItem, Trace

pytestmark = pytest.mark.browser

PROJECT, RUN, QUESTIONS = "journey", "bumpy", 120
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""How far the page can be scrolled sideways, in pixels: not at all."""


@pytest.fixture
def faulty() -> Iterator[FaultyTeacher]:
    teacher = FaultyTeacher(Random(3))
    yield teacher
    teacher.close()


@pytest.fixture
def here(site: Any, faulty: FaultyTeacher) -> Any:
    studio = site.studio.at(PROJECT)
    studio.teachers.add("bumpy-teacher", faulty.base_url, "m", concurrency=4, timeout=3, input_price=1, output_price=2)
    studio.prompts.add("questions", "import", [NewPrompt(f"Question number {n}?") for n in range(QUESTIONS)])
    return studio


def test_a_killed_run_is_resumed_and_every_row_is_there_once(
    site: Any, here: Any, faulty: FaultyTeacher, visit: Callable[..., Any]
) -> None:
    page = visit(f"/collect?project={PROJECT}&teacher=bumpy-teacher&prompts=questions")
    page.wait_for_selector(f"#collect-start:has-text('{QUESTIONS}')")
    assert faulty.asked == 0, "nothing is asked before the button is pressed"
    page.locator("#collect-name :is(input, textarea)").fill(RUN)
    page.locator("#collect-start").click()
    page.wait_for_url(f"**run={RUN}**")
    page.wait_for_function("() => Number(document.querySelector('#collect-run .stat .value')?.innerText) >= 8")

    os.kill(pid_of(here), signal.SIGKILL)
    page.wait_for_selector("#collect-run .note:has-text('process'):has-text('ended')")
    page.wait_for_selector("#collect-run .badge:has-text('running')")
    page.locator("#collect-stop").click()
    page.wait_for_selector("#collect-run .note:has-text('Everything that was answered is kept')")
    kept = done_of(here)
    assert 8 <= kept < QUESTIONS
    page.reload()
    page.wait_for_selector("#collect-run .note:has-text('Paused')")
    assert shown_as_done(page) == kept

    phone = visit(f"/collect?project={PROJECT}&run={RUN}", width=390, look="dark")
    phone.wait_for_selector("#collect-resume:visible")
    assert shown_as_done(phone) == kept and phone.evaluate(SIDEWAYS) <= 0
    phone.locator("#collect-resume").click()
    phone.wait_for_selector("#collect-run .badge:has-text('done')")
    assert shown_as_done(phone) == QUESTIONS and phone.evaluate(SIDEWAYS) <= 0
    errors = phone.locator("#collect-errors").inner_text()
    assert "limit reached" in errors and "error at the teacher" in errors
    assert phone.locator("#collect-runs td[data-label=Answered]").first.inner_text().startswith(str(QUESTIONS))
    every_row_is_there_once(here)


def pid_of(here: Any) -> int:
    """The process that collects. The engine is asked in a thread: Playwright has an event loop in this one."""
    return int(beside(lambda: here.collecting.job_of(RUN).pid))


def done_of(here: Any) -> int:
    return int(beside(lambda: here.collecting.get(RUN).completed))


def shown_as_done(page: Any) -> int:
    return int(page.locator("#collect-run .stat .value").first.inner_text().replace(",", ""))


def every_row_is_there_once(here: Any) -> None:
    with here.database.session() as session:
        run = session.exec(select(Run).where(Run.name == RUN, Run.project_id == here.project.id)).one()
        items = session.exec(select(RunItem).where(RunItem.run_id == run.id)).all()
        traces = session.exec(select(Trace.run_item_id).where(Trace.run_id == run.id)).all()
    assert (run.state, run.completed, run.failed, run.stopped_by) == ("done", QUESTIONS, 0, None)
    assert Counter(item.state for item in items) == {"done": QUESTIONS}
    assert Counter(traces) == Counter(item.id for item in items)


def beside(ask: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    return found[0]
