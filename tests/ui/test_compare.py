"""Compare: its views from plain values, its handlers against a real workspace, and the page in the app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.errors import StudioError
from studio.engine.evaluation.statistics import VOTES_NEEDED, Interval, binomial_p_value, wilson
from studio.engine.prompts import NewPrompt
from studio.engine.settings import Settings
from studio.engine.store.tables import Job, Study
from studio.engine.studio import open_studio
from studio.ui.page import Page
from studio.ui.pages import compare
from studio.ui.pages import compare_views as views
from studio.ui.text import LANGUAGES, Texts, catalogue

T = Texts("en", "compare")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A workspace with one study `duel` of `<b>one` against `two`, judged by two raters."""
    folder = tmp_path_factory.mktemp("compare")
    bundle = open_studio(Settings(workspace=folder / "workspace").prepare())
    bundle.prompts.add("quiz", "import", [NewPrompt(text=f"Question {n}?") for n in range(10)])
    for arm in ("<b>one", "two"):
        rows = [{"prompt": f"Question {n}?", "response": f"{arm[-3:]} {n}"} for n in range(10)]
        (folder / f"{arm}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    bundle.studies.create("duel", str(folder / "<b>one.jsonl"), str(folder / "two.jsonl"), "quiz", items=10)
    yield bundle
    bundle.close()


def vote(here: Any, rater: str, losses: int) -> None:
    """Ten votes: the first `losses` for `two`, the others for `<b>one`."""
    token = here.studies.get("duel").token
    for number in range(10):
        pair = here.studies.next_pair(token, rater)
        wanted = "two" if number < losses else "one"
        here.studies.vote(token, rater, pair.id, "left" if pair.left.startswith(wanted) else "right")


def request(**query: str) -> Any:
    return SimpleNamespace(
        query_params=query, headers={"origin": "http://studio.test:7860"}, username="local", cookies={}
    )


def card(here: Any, t: Texts = T) -> str:
    study = here.studies.get("duel")
    return str(views.study_card(t, here, study, None, f"http://x/r/{study.token}"))


def test_before_any_vote_the_card_says_what_to_do(here: Any) -> None:
    shown = card(here)
    assert T("no.votes") in shown
    assert f'data-copy="http://x/r/{here.studies.get("duel").token}"' in shown


def test_the_card_draws_the_interval_and_escapes_names(here: Any) -> None:
    vote(here, "r1", losses=5)
    shown = card(here)
    assert T("no.difference") in shown
    assert "50.0 % (23.7 % – 76.3 %)" in shown
    assert "&lt;b&gt;one" in shown and "<b>one" not in shown
    assert "10 so far, 184 more to go" in shown


def test_agreement_appears_with_a_second_rater(here: Any) -> None:
    vote(here, "r2", losses=5)
    assert "of 10 pairs of votes agree" in card(here)
    (summary,) = here.studies.list()
    listed = str(views.studies_list(T, here, [summary]))
    assert "/compare?project=default&amp;study=duel" in listed and ">20<" in listed


def test_the_list_says_what_became_of_the_job_of_a_study(here: Any) -> None:
    (summary,) = here.studies.list()
    at_work = Job(project_id=1, kind="answer", title="", state="failed")
    preparing = replace(summary, study=Study(project_id=1, name="x", arms=["a", "b"], state="preparing"), job=at_work)
    assert T("state.failed") in views.studies_list(T, here, [preparing])


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_card_reads_in_every_language(here: Any, language: str) -> None:
    t = Texts(language, "compare")
    assert t("position") in card(here, t)
    assert str(views.studies_list(t, here, []))


def test_every_text_has_every_language(here: Any) -> None:
    for page in ("compare", "rate"):
        for key, entry in catalogue(here.settings.assets / "translations", page).items():
            assert all(entry.get(language) for language in LANGUAGES), f"{page}: {key}"


def test_the_verdict_names_the_preferred_side() -> None:
    assert views.verdict(T, ["a", "b"], wilson(19, 20)) == "a is preferred"
    assert views.verdict(T, ["a", "b"], wilson(1, 20)) == "b is preferred"
    assert views.verdict(T, ["a", "b"], wilson(12, 20)) == "No clear difference"
    assert views.verdict(T, ["a", "b"], Interval(None, None, None)) == "No clear difference"


def test_enough_votes_are_said_to_be_enough() -> None:
    assert "174 more" in views.power(T, 20)
    assert "enough" in views.power(T, VOTES_NEEDED[0.6])


def test_position_bias_is_named_only_when_it_shows() -> None:
    assert T("position.suspicious") in views.position_words(T, {"left": 419, "right": 348, "p_value": 0.011})
    assert T("position.fine") in views.position_words(T, {"left": 10, "right": 9, "p_value": 1.0})
    assert views.position_words(T, {"left": 0, "right": 0, "p_value": None}) == "—"


def test_no_study_leads_to_the_form(here: Any) -> None:
    assert 'href="#compare-form"' in str(views.studies_list(T, here, []))


@pytest.mark.parametrize(
    ("state", "job_state", "error", "shown"),
    [
        ("preparing", "running", None, "7 / 20"),
        ("preparing", "stopped", None, "Stopped before all answers were there"),
        ("failed", "failed", "The teacher hung up.", "The teacher hung up."),
        ("failed", "running", "The teacher hung up.", "7 / 20"),
    ],
)
def test_a_study_on_its_way_shows_how_far_or_why_not(
    here: Any, state: str, job_state: str, error: str | None, shown: str
) -> None:
    study = Study(project_id=1, name="s", token="t", arms=["a", "b"], state=state, detail={"error": error})
    job = Job(project_id=1, kind="answer", title="", state=job_state, done=7, total=20, error=error)
    assert shown in str(views.study_card(T, here, study, job, ""))


def test_more_than_two_arms_show_scores(here: Any) -> None:
    report = {"bradley_terry": [{"name": "a & b", "score": 0.5, "low": 0.25, "high": 0.75}]}
    study = Study(project_id=1, name="s", token="t", arms=["a & b", "c", "d"])
    shown = str(views.results_view(T, study, report))
    assert "a &amp; b" in shown and "0.2500 – 0.7500" in shown


@pytest.fixture(scope="module")
def blocks(here: Any) -> gr.Blocks:
    async def build() -> gr.Blocks:
        with gr.Blocks() as made:
            compare.build(Page(made, here, T), here)
        return made

    return asyncio.run(build())


@pytest.fixture
def handlers(blocks: gr.Blocks) -> dict[str, Any]:
    """The page's handlers by name."""
    return {fn.fn.__name__: unwrap(fn.fn) for fn in blocks.fns.values() if fn.fn is not None}


def test_the_form_starts_a_study_and_leads_to_it(here: Any, handlers: dict[str, Any]) -> None:
    here.teachers.add_practice()
    create = handlers["create"]
    address = create(
        request(), "new", "practice-plain", "practice-thorough", "quiz", "brief", 4, 7, '{"max_tokens": 90}', ""
    )
    assert address == "/compare?project=default&study=new"
    study = here.studies.get("new")
    assert (study.state, study.seed, study.detail["items"]) == ("preparing", 7, 4)
    assert here.jobs.get(study.job_id).kind == "answer"
    assert [arm["parameters"] for arm in study.detail["arms"]] == [{"max_tokens": 90}, {}]


def test_parameters_that_are_no_json_object_are_one_sentence(handlers: dict[str, Any]) -> None:
    for typed in ("[1]", "max_tokens=9", "{"):
        with pytest.raises(StudioError, match="JSON object"):
            handlers["create"](request(), "x", "practice-plain", "practice-base", "quiz", "", 4, 0, "", typed)


def test_a_form_left_empty_is_one_sentence(handlers: dict[str, Any]) -> None:
    with pytest.raises(StudioError, match="first side, a second side and a prompt source"):
        handlers["create"](request(), "other", None, None, None, "", 4, 0, "", "")


def test_the_form_offers_what_there_is(handlers: dict[str, Any]) -> None:
    offered = list(handlers["open_form"](request()).values())
    names = [value for _, value in offered[0].choices]
    assert "practice-base" in names
    assert [value for _, value in offered[2].choices] == ["quiz"]


def test_a_model_that_the_address_names_is_chosen_and_the_form_is_open(handlers: dict[str, Any]) -> None:
    offered = list(handlers["open_form"](request(first="practice-base")).values())
    assert (offered[0].value, offered[1].value, offered[4].open) == ("practice-base", None, True)
    assert next(iter(handlers["open_form"](request()).values())).value is None


def test_closing_and_opening_again(here: Any, handlers: dict[str, Any]) -> None:
    turn = handlers["turn"]
    for state in ("closed", "ready"):
        turn(request(study="duel"))
        assert here.studies.get("duel").state == state


def test_the_raters_link_is_the_one_this_browser_can_reach(here: Any) -> None:
    study = here.studies.get("duel")
    assert compare._link(here, study, request()) == f"http://studio.test:7860/r/{study.token}"


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("http://studio-x.localhost:7860", "on this machine only"),
        ("http://192.168.0.9:7860", "of this network only"),
        ("https://rate.example.org", "anybody who has it"),
    ],
)
def test_the_raters_link_says_whom_it_reaches(here: Any, origin: str, words: str) -> None:
    shown = str(views.study_card(T, here, here.studies.get("duel"), None, f"{origin}/r/token"))
    assert words in shown


def test_the_page_is_built_in_the_app(running: Any, browser: Any, house: Any) -> None:
    shown = browser.get("/compare")
    assert shown.status_code == 200
    assert "compare-form" in shown.text and "could not be built" not in shown.text


def test_events_are_private_and_stay_on_their_page(blocks: gr.Blocks) -> None:
    config = blocks.get_config_file()
    ids = {component["id"] for component in config["components"]}
    for dependency in config["dependencies"]:
        assert dependency["api_visibility"] == "private"
        assert {*dependency["inputs"], *dependency["outputs"]} <= ids
    names = [component["props"].get("elem_id") for component in config["components"]]
    given = [name for name in names if name]
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ("left", "right", "identifiable", "said"),
    [(1, 0, True, "too few"), (5, 0, True, "too few"), (9, 0, False, "cannot be told"), (9, 0, True, "favour one side"),
     (5, 4, True, "no sign of bias")],
)  # fmt: skip
def test_a_sides_bias_is_told_only_where_the_votes_can_tell_it(
    left: int, right: int, identifiable: bool, said: str
) -> None:
    p_value = binomial_p_value(left, right)
    words = views.position_words(T, {"left": left, "right": right, "p_value": p_value, "identifiable": identifiable})
    assert said in words
