"""The Jobs page: what is shown of each job, and that what a job wrote is only ever text."""

import time
from typing import Any

import pytest
from sqlalchemy import text

from studio.engine.domain.states import JobState
from studio.engine.job_kinds import ENTRIES
from studio.engine.jobs import Kind
from studio.engine.store.tables import Job
from studio.engine.studio import Studio
from studio.ui.pages import jobs as page
from studio.ui.shell import PAGES
from studio.ui.text import LANGUAGES, Texts, catalogue

OTHER = Kind("of another version")


@pytest.fixture(params=LANGUAGES)
def t(request: pytest.FixtureRequest) -> Texts:
    return Texts(request.param, "jobs")


def test_an_empty_project_says_what_to_do_next(studio: Studio, t: Texts) -> None:
    look = page.look_at(studio, "", "")
    assert t("empty.do") in page.list_view(t, look, studio)
    assert 'href="/collect?project=default"' in page.list_view(t, look, studio)
    for state in page.STATES:
        assert t("show.all") in page.list_view(t, page.look_at(studio, state, ""), studio)


def test_a_failed_job_shows_its_cause_before_everything_else(studio: Studio, t: Texts) -> None:
    job_id = _failed(studio)
    look = page.look_at(studio, "", str(job_id))
    detail, why = page.detail_view(t, look, studio), {"en": "cannot run", "zh": "无法运行"}[t.language]
    assert detail.index(why) < detail.index('<dl class="facts">')
    assert why in page.list_view(t, look, studio)
    assert page.can_retry(look.chosen or Job(), look.waiting)


def test_what_a_job_wrote_is_shown_as_text(studio: Studio, t: Texts) -> None:
    job = studio.jobs.enqueue(OTHER, "<img src=x onerror=alert(1)>", {})
    studio.jobs.log_path(job.id or 0).write_text("<script>alert(1)</script> ${1+1}\n")
    look = page.look_at(studio, "", str(job.id))
    shown = page.log_view(t, look) + page.detail_view(t, look, studio) + page.list_view(t, look, studio)
    assert "<script>" not in shown and "<img" not in shown
    assert "&lt;script&gt;" in shown


def test_each_state_is_an_icon_and_a_word(studio: Studio, t: Texts) -> None:
    for state in page.STATES:
        badge = page.state_view(t, Job(id=1, state=state), frozenset())
        assert "<svg" in badge and t(f"state.{state}") in badge
    assert t("interrupted") in page.state_view(t, Job(id=1, state="running"), frozenset({1}))
    assert t("stopping") in page.state_view(t, Job(id=1, state="running", stop_requested=True), frozenset())


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.name)
def test_what_a_next_try_makes_of_the_work_is_said_for_each_kind(studio: Studio, t: Texts, kind: Kind) -> None:
    job = studio.jobs.add(kind, "Work", {}, state=JobState.RUNNING)
    look = page.look_at(studio, "", str(job.id))
    assert t.has(f"asked.retry.{look.retry}") and look.retry == kind.retry
    assert t(f"interrupted.{kind.retry}") in page.detail_view(t, look, studio)


def test_nothing_is_promised_for_a_kind_of_another_version(studio: Studio, t: Texts) -> None:
    job = studio.jobs.add(OTHER, "Work", {}, state=JobState.RUNNING)
    look = page.look_at(studio, "", str(job.id))
    assert t("interrupted.unknown") in page.detail_view(t, look, studio) and t.has(f"asked.retry.{look.retry}")


def test_tabs_count_and_filter(studio: Studio, t: Texts) -> None:
    _failed(studio)
    queued = studio.jobs.enqueue(OTHER, "Waits", {})
    look = page.look_at(studio, "queued", "")
    assert [job.id for job in look.jobs] == [queued.id]
    assert 'href="/jobs?project=default&amp;state=queued" aria-current="page"' in page.tabs_view(t, look, studio)
    assert page.look_at(studio, "no-such-state", "").state == ""


def test_a_state_of_a_later_version_is_shown_as_unknown(studio: Studio, t: Texts) -> None:
    job = studio.jobs.enqueue(OTHER, "Strange", {})
    with studio.database.session() as session:
        session.execute(text("UPDATE job SET state = 'dreaming'"))
    look = page.look_at(studio, "", str(job.id))
    assert look.chosen is not None and not page.can_retry(look.chosen, look.waiting)
    for view in (page.list_view(t, look, studio), page.detail_view(t, look, studio)):
        assert t("state.unknown") in view and "Strange" in view
    assert str(sum(look.counts.values())) == "1" and page.tabs_view(t, look, studio)


def test_a_job_of_another_project_is_not_shown(studio: Studio, t: Texts) -> None:
    foreign = studio.at("other").jobs.enqueue(OTHER, "Secret", {})
    look = page.look_at(studio, "", str(foreign.id))
    assert look.chosen is None and "Secret" not in page.list_view(t, look, studio)
    assert t("missing") in page.list_view(t, look, studio)
    assert page.look_at(studio, "", "x").chosen is None


def test_the_time_left_is_only_told_when_the_pace_is_known() -> None:
    running: dict[str, Any] = {"state": "running", "done": 10, "total": 30, "epoch": 1, "started_at": time.time() - 100}
    assert page.time_left(Job(**running)) == pytest.approx(200, rel=0.05)
    for unknown in ({"done": 0}, {"total": None}, {"epoch": 2}, {"state": "queued"}):
        assert page.time_left(Job(**{**running, **unknown})) is None


def test_every_word_is_there_in_every_language(studio: Studio) -> None:
    words = catalogue(studio.settings.assets / "translations", "jobs")
    assert words and all(set(entry) == set(LANGUAGES) for entry in words.values())


def test_every_kind_of_job_has_its_words_and_a_page(t: Texts) -> None:
    pages = {entry.name for entry in PAGES}
    names = [kind.name for kind in ENTRIES]
    assert len(names) == len(set(names)) and {name for name in names if not t.has(f"kind.{name}")} == set()
    assert set(page.ROOMS) == set(names) and set(page.ROOMS.values()) <= pages


def _failed(studio: Studio) -> int:
    job = studio.jobs.enqueue(OTHER, "Will fail", {})
    with pytest.raises(Exception, match="cannot run"):
        studio.jobs.run_here(job.id or 0)
    return job.id or 0
