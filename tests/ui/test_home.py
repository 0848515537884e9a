"""Home says where a project stands and what comes next."""

import re
from dataclasses import replace
from typing import Any

import pytest

from studio.engine.demo import DEMO
from studio.engine.job_kinds import ENTRIES
from studio.engine.overview import STEPS, ProjectOverview, Recent, Waiting
from studio.ui.pages.home import body_view, steps_view
from studio.ui.text import LANGUAGES, Texts

EMPTY = ProjectOverview(dict.fromkeys(STEPS, 0), 0, 0.0, [], [], [])
EVIL = "<img src=x onerror=alert(1)>"


def _with(**counts: int) -> ProjectOverview:
    return replace(EMPTY, counts={**EMPTY.counts, **counts})


def _states(drawn: str) -> list[str]:
    return re.findall(r'<li class="(done|next|later)">', drawn)


def test_the_first_step_without_anything_is_next() -> None:
    drawn = steps_view(Texts("en", "home"), _with(teachers=2, prompts=40), "default")
    assert _states(drawn) == ["done", "done", "next", *["later"] * 6]
    assert '<a href="/collect?project=default" class="btn primary">Collect explanations</a>' in drawn


def test_a_gap_in_the_middle_comes_before_what_follows_it() -> None:
    drawn = steps_view(Texts("en", "home"), _with(teachers=1, prompts=1, collect=1, traces=9, train=1), "default")
    assert _states(drawn) == ["done"] * 4 + ["next", "done", "later", "later", "later"]


def test_an_empty_project_has_no_second_main_button() -> None:
    drawn = steps_view(Texts("en", "home"), EMPTY, "default")
    assert "btn primary" not in drawn and "practice teachers" in body_view(Texts("en", "home"), EMPTY, "default")


def test_a_project_that_went_all_the_way_round_leads_to_the_result() -> None:
    drawn = steps_view(Texts("en", "home"), _with(**dict.fromkeys(STEPS, 3)), "default")
    assert _states(drawn) == ["done"] * 9 and "/compare?project=default" in drawn


def test_a_study_that_waits_leads_straight_to_rating() -> None:
    overview = replace(_with(**{**dict.fromkeys(STEPS, 1), "rate": 0}), to_rate=[Waiting("taste", "abc", 50)])
    assert '<a href="/r/abc" class="btn primary">' in steps_view(Texts("en", "home"), overview, "default")
    assert "50 pairs of “taste” wait" in body_view(Texts("en", "home"), overview, "default")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_names_and_errors_are_escaped_in_every_language(language: str) -> None:
    from studio.engine.store.tables import Job

    jobs = [
        Job(id=1, project_id=1, kind="train", title=EVIL, state="failed", error=EVIL),
        Job(id=2, project_id=1, kind="train", title=EVIL, state="running", message=EVIL, done=1, total=2),
    ]
    overview = replace(
        _with(teachers=1), jobs=jobs, unread=3, to_rate=[Waiting(EVIL, "a", 1)], recent=[Recent(0.0, "models", EVIL)]
    )
    t = Texts(language, "home")
    drawn = body_view(t, overview, "default") + steps_view(t, overview, "default")
    assert "<img" not in drawn and drawn.count("&lt;img") >= 5


def test_the_counts_are_the_engines(studio: Any) -> None:
    assert studio.overview().is_empty
    studio.teachers.add_practice()
    studio.prompts.practice(["addition"], 5, 1, "sums")
    overview = studio.overview()
    assert (overview.counts["teachers"], overview.counts["prompts"]) == (2, 5)
    assert overview.next_step == "collect" and overview.recent[0].name == "sums"


def test_the_demo_is_a_kind_of_job_that_can_be_run() -> None:
    assert DEMO in ENTRIES
