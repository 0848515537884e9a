"""The Collect page: what it shows of a run, and what its form gives to the engine."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.engine.current_states import state_of
from studio.engine.errors import BadInput
from studio.engine.store.tables import Batch, Job, Run, Teacher, Trace, TraceText
from studio.engine.teachers import RunEndings
from studio.engine.teachers.money.forecast import Forecast
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.runs.progress import ErrorKind, ReturnedModel, RunProgress, Waiting
from studio.engine.teachers.wire.faults import FaultKind
from studio.engine.traces.browse import TraceDetail
from studio.ui.page import Page as OpenPage
from studio.ui.pages import collect as page
from studio.ui.pages.collect import collect_views as views
from studio.ui.pages.collect import form, run_views, starting
from studio.ui.pages.collect.watching import matches
from studio.ui.parts.reading import Shown
from studio.ui.text import LANGUAGES, Texts

HOSTILE = "<img src=x onerror=alert(1)> ${7*7}"
T = Texts("en", "collect")


def progress(**given: Any) -> RunProgress:
    usual: dict[str, Any] = {
        "name": "r", "state": "running", "stopped_by": None, "total": 60, "done": 10, "reused": 4, "failed": 1,
        "left": 49, "attempts": 9, "spent_usd": 1.5, "input_tokens": 100, "output_tokens": 200, "rate_per_minute": 30.0,
        "eta_seconds": 98.0, "errors": (), "newest": None,
    }  # fmt: skip
    return RunProgress(**{**usual, **given})


def job(**given: Any) -> Job:
    return Job(**{"project_id": 1, "kind": "collect", "title": "x", "entry": "x", **given})


def card(state: str, at_work: Job | None = None, **given: Any) -> str:
    return str(run_views.run_card(T, "default", progress(**given), state, at_work))


# --- one run


def test_a_running_card_has_counts_spend_pace_and_time_left() -> None:
    html = card("running", job(state="running"), at_once=3.6, cost_per_kept=0.15)
    for words in (
        "10 / 60", "17%", "49", "$1.50", "30 a minute", "1 min 38 s left", "4 from earlier answers", "of 9 attempts",
        "about 4 at once", "$0.15 for each kept answer",
    ):  # fmt: skip
        assert words in html


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (Waiting("pause", 12.0, "rate_limited"), ["Limit reached", "Asks again in 12 s"]),
        (Waiting("pause", 200.0, None), ["asked to wait", "3 min 20 s"]),
        (Waiting("limits"), ["Held back by the limits"]),
        (Waiting("limits", key="TEAM_KEY"), ["The key is TEAM_KEY."]),
        (Waiting("silence", 90.0, questions=3), ["does not answer", "3 questions are under way", "1 min 30 s"]),
        (Waiting("other_run"), ["Waiting for another run"]),
        (Waiting("budget"), ["project&#39;s budget"]),
    ],
)
def test_a_running_card_says_why_it_waits(waiting: Waiting, words: list[str]) -> None:
    html = card("running", job(state="running"), waiting=waiting)
    assert all(word in html for word in words)
    assert words[0] not in card("paused", waiting=waiting)


def test_a_running_card_says_since_when_it_waits() -> None:
    waiting = Waiting("pause", 12.0, "rate_limited", "TEAM_KEY", time.time() - 120)
    html = card("running", job(state="running"), waiting=waiting)
    assert "TEAM_KEY" in html and "has been so for 2 min" in html


def test_a_change_of_what_answers_is_pointed_out() -> None:
    one, two = ReturnedModel("gpt-1", "fp_a", time.time()), ReturnedModel("gpt-1", "fp_b", time.time())
    assert "has changed" not in card("running", returned_models=(one,))
    html = card("done", returned_models=(one, two))
    assert "has changed" in html and "fp_a" in html and "fp_b" in html


def test_what_is_perhaps_spent_stands_beside_what_is_spent() -> None:
    html = card("paused", perhaps_usd=0.25)
    assert "$1.50" in html and "and perhaps $0.25 for answers that never came" in html
    assert "perhaps" not in card("paused")


@pytest.mark.parametrize(
    ("state", "at_work", "given", "words"),
    [
        ("queued", None, {}, "Waiting to start"),
        ("queued", job(state="queued", tries=1), {}, "process that collected was ended"),
        ("running", job(state="running", tries=3), {}, "ended 2 times and another went on"),
        ("running", job(state="running", stop_requested=True), {}, "Stopping"),
        ("paused", None, {"stopped_by": "user"}, "Paused"),
        ("paused", None, {"stopped_by": "budget"}, "Set a higher budget"),
        ("paused", None, {}, "Broken off"),
        ("stopped", None, {}, "49 questions were not asked"),
        ("failed", job(error="The teacher 'x' refused the key (HTTP 401)."), {}, "refused the key"),
        ("done", None, {"failed": 37}, "37 questions got no answer"),
        ("failed", job(error="None was answered."), {"done": 0, "failed": 60}, "60 questions got no answer"),
        ("running", None, {"batches": (("submitted", 2), ("collected", 1))}, "2 being answered, 1 collected"),
    ],
)
def test_a_run_says_how_it_stands(state: str, at_work: Job | None, given: dict[str, Any], words: str) -> None:
    assert words in card(state, at_work, **given)


def test_a_run_that_a_worker_has_just_taken_is_starting_and_nothing_was_ended() -> None:
    html = run_views.run_card(T, "default", progress(state="paused"), "running", job(state="running", tries=1))
    assert "Starting" in html and "was ended" not in html


def test_what_a_teacher_said_is_escaped() -> None:
    trace = Trace(project_id=1, run_id=1, id=3, teacher="t", prompt_preview=HOSTILE, response_preview=HOSTILE)
    trace.system_message = HOSTILE
    detail = TraceDetail(trace, TraceText(trace_id=3, prompt=HOSTILE, response=HOSTILE, system_message=""), [], "r")
    error, voice = ErrorKind("server_error", 3, HOSTILE, "Wait."), ReturnedModel(HOSTILE, HOSTILE, 0.0)
    now = progress(name=HOSTILE, newest=trace, errors=(error,), returned_models=(voice, voice))
    for html in (
        run_views.newest_view(T, "default", now),
        run_views.answers_view(T, "default", now, [detail]),
        run_views.errors_view(T, now),
        run_views.run_card(T, "default", now, "failed", job(error=HOSTILE)),
        views.runs_list(T, "default", [Run(project_id=1, name=HOSTILE)], {}, ""),
        views.runs_list(T, "default", [], {}, "", query=HOSTILE),
    ):
        assert "<img" not in html and "&lt;img" in html


def test_kinds_of_fault_have_words_count_example_and_advice() -> None:
    html = run_views.errors_view(T, progress(errors=(ErrorKind("rate_limited", 37, "HTTP 429.", "Slow down."),)))
    for words in ("limit reached", "37", "HTTP 429.", "what your account allows"):
        assert words in html
    assert run_views.errors_view(T, progress()) == ""


def test_every_kind_of_fault_has_its_words_in_both_languages() -> None:
    for language in LANGUAGES:
        words = Texts(language, "collect")
        assert all(words.has(f"error.{kind.value}") and words.has(f"advice.{kind.value}") for kind in FaultKind)


def test_a_run_whose_job_waits_is_queued_and_one_whose_job_gave_up_failed() -> None:
    assert state_of(progress(state="ready"), job(state="queued")) == "queued"
    assert state_of(progress(state="running"), job(state="running")) == "running"
    assert state_of(progress(state="paused"), job(state="stopped")) == "paused"
    assert state_of(progress(state="paused"), job(state="failed")) == "failed"
    assert state_of(progress(state="ready"), None) == "ready"


# --- the list and the forecast


def test_no_runs_yet_says_what_to_do_next() -> None:
    assert "Choose a teacher" in views.runs_list(T, "default", [], {}, "")


def test_the_list_says_what_became_of_the_job_of_a_run(built: "Page", here: Any, asked: Callable[..., Any]) -> None:
    run = here.collecting.create("practice-plain", "sums", name="mine")
    here.collecting.start(run.name)
    assert T("state.queued") in built.read(asked())["collect-runs"]
    assert "mine" in built.read(asked(), "queued")["collect-runs"]
    assert "mine" not in built.read(asked(), "ready")["collect-runs"]


def test_runs_are_found_by_name_teacher_and_state() -> None:
    known = ("sums-brief", "gpt", "paused")
    assert matches("", *known) and matches("SUMS paused gp", *known)
    assert not matches("sums done", *known)


def forecast(**given: Any) -> Forecast:
    usual = dict.fromkeys(("output_tokens", "cost_usd", "seconds"), None) | {"input_tokens": 1, "from_answers": 0}
    return Forecast(**{"requests": 5000, **usual, **given})


def test_the_button_says_what_it_will_take() -> None:
    assert views.start_label(T, None) == "Collect"
    assert views.start_label(T, forecast()) == "Collect 5,000 answers"
    known = {"cost_usd": 14.0, "seconds": 7200.0}
    assert views.start_label(T, forecast(**known)) == "Collect 5,000 answers (≈ $14.00, 2 h 0 min)"
    assert "at most $14.00" in views.start_label(T, forecast(**known, lengths_from="limit"))


def test_the_forecast_says_how_far_off_it_may_be_and_what_it_rests_on() -> None:
    given = {"output_tokens": 900, "cost_low_usd": 12.0, "cost_high_usd": 16.0, "seconds_low": 60, "seconds_high": 120}
    html = views.forecast_view(T, forecast(**given, from_answers=200, lengths_from="same system message"))
    for words in ("$12.00 to $16.00", "1 min 0 s to 2 min 0 s", "200 earlier answers under these", "900 to receive"):
        assert words in html
    assert "sample 10 first" in views.forecast_view(T, forecast())
    for origin in ("other answers", "limit"):
        assert views.forecast_view(T, forecast(lengths_from=origin))


def test_what_terms_forbid_is_said_before_asking() -> None:
    teacher = Teacher(project_id=1, name="gpt", base_url="https://x.example/v1", model="m", terms="no")
    assert "do not allow training" in views.about(T, "default", teacher, "s")
    assert "do not allow" not in views.about(T, "default", teacher.model_copy(update={"terms": "yes"}), "s")
    assert "/teachers" in views.about(T, "default", None, None) and "/prompts" in views.about(T, "default", teacher, "")


def test_a_batch_is_offered_where_it_is_cheaper() -> None:
    teacher = Teacher(project_id=1, name="gpt", base_url="https://x.example/v1", model="m", input_price=1)
    assert starting.takes_batches(teacher)
    for change in ({"batch_price_share": 1.0}, {"base_url": "practice://"}, {"input_price": None}):
        assert not starting.takes_batches(teacher.model_copy(update=change))
    assert not starting.takes_batches(None)


# --- the form


def wanted(**given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("weights", "budget", "temperature", "max_tokens", "further", "name", "student", "seed"), "")
    return (
        empty | {"teacher": "t", "prompts": "p", "choice": "own", "system": [], "samples": "1", "batch": False} | given
    )


def test_system_messages_are_the_prompts_own_each_or_drawn_by_weight() -> None:
    assert form.messages_of(wanted(system=["brief"]), T) == {}
    assert form.messages_of(wanted(choice="draw", system=["brief"]), T) == {"system_message": ["brief"]}
    assert form.messages_of(wanted(choice="each", system=["a", "b"]), T) == {"system_message": ["a", "b"]}
    drawn = form.messages_of(wanted(choice="draw", system=["a", "b"], weights="1, 2.5"), T)
    assert drawn == {"system_mix": {"system_messages": {"a": 1, "b": 2.5}}}
    alike = form.messages_of(wanted(choice="draw", system=["a", "b"]), T)
    assert alike == {"system_mix": {"system_messages": {"a": 1, "b": 1}}}
    for wrong in ({"system": []}, {"system": ["a", "b"], "weights": "1"}, {"system": ["a", "b"], "weights": "1, x"}):
        with pytest.raises(BadInput):
            form.messages_of(wanted(choice="draw", **wrong), T)


def test_parameters_are_read_from_the_form() -> None:
    assert form.parameters_of(wanted(), T) == {}
    assert form.parameters_of(wanted(temperature="0", max_tokens="256", further='{"top_p": 0.9}'), T) == {
        "temperature": 0.0, "max_tokens": 256, "top_p": 0.9,
    }  # fmt: skip
    for wrong in ({"further": "[1]"}, {"further": "{"}, {"temperature": "warm"}):
        with pytest.raises(BadInput):
            form.parameters_of(wanted(**wrong), T)


def test_the_form_is_what_the_engine_takes() -> None:
    found = form.wanted_of(wanted(samples="3", seed="7", budget="2.5", batch=True, student="brief", name=" x "), T)
    assert found.options == RunOptions(
        samples=3, seed=7, parameters={}, send="batch", budget_usd=2.5, store_system_message="brief"
    )
    assert found.name == "x"
    for wrong in ({"samples": "few"}, {"samples": "1.5"}, {"teacher": None}):
        with pytest.raises(BadInput):
            form.wanted_of(wanted(**wrong), T)


# --- handlers


class Page:
    """The built page: its handlers by name, and what reading it shows by element id."""

    def __init__(self, house: Any) -> None:
        asyncio.run(self._build(house))

    async def _build(self, house: Any) -> None:
        with gr.Blocks() as self.blocks:
            page.build(OpenPage(self.blocks, house, T), house)

    def __call__(self, name: str, *values: Any) -> Any:
        handler = next(unwrap(fn.fn) for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)
        result = handler(*values)
        if not isinstance(result, dict):
            return result
        return {component.elem_id: value for component, value in result.items()}

    def read(self, request: Any, search: str = "") -> dict[str, Any]:
        reading = next(fn for fn in self.blocks.fns.values() if getattr(fn.fn, "__name__", "") == "take")
        return {component.elem_id: value for component, value in reading.fn(request, Shown(), search, {}).items()}


_numbers = itertools.count()


@pytest.fixture(scope="module")
def built(house: Any) -> Page:
    return Page(house)


@pytest.fixture
def here(house: Any) -> Any:
    name = f"collect-{next(_numbers)}"
    house.projects.get(name)
    studio = house.at(name)
    studio.teachers.add_practice()
    studio.prompts.practice(["addition"], 12, 1, "sums")
    return studio


@pytest.fixture
def asked(here: Any) -> Callable[..., Any]:
    def request(**query: str) -> Any:
        return SimpleNamespace(
            query_params={"project": here.project.name, **query}, cookies={}, headers={}, username=None
        )  # fmt: skip

    return request


def values(**typed: Any) -> list[Any]:
    order = ("teacher", "prompts", "choice", "system", "weights", "seed", "samples", "budget", "name", "temperature",
             "max_tokens", "further", "student", "batch")  # fmt: skip
    filled = wanted(teacher="practice-plain", prompts="sums", **typed)
    return [filled[name] for name in order]


def is_shown(update: Any) -> bool:
    return bool(update._constructor_args[0].get("visible"))


def test_starting_makes_a_run_and_queues_its_job(built: Page, here: Any, asked: Callable[..., Any]) -> None:
    typed = values(choice="each", system=["brief", "helpful"], temperature="0", name="mine", student="empty")
    foreseen = built("foresee", asked(), *typed)
    assert foreseen["collect-start"]._constructor_args[0]["value"].startswith("Collect 24 answers")
    assert foreseen["collect-sample"]._constructor_args[0]["value"] == "Sample 10 first"
    few = built("foresee", asked(), *values(choice="own", system=[]))["collect-sample"]
    assert few._constructor_args[0]["value"] == f"Sample {min(10, here.prompts.source('sums').count)} first"
    assert is_shown(foreseen["collect-messages"]) and not is_shown(foreseen["collect-batch"])
    for wrong in ({"samples": "-5"}, {"samples": "1.5"}, {"budget": "-1"}, {"temperature": "warm"}):
        assert 'class="note' in built("foresee", asked(), *values(**wrong))["collect-forecast"], wrong
    nobody = values(samples="-5")
    nobody[0] = None
    assert built("foresee", asked(), *nobody)["collect-forecast"] == ""
    assert built("create", asked(), *typed).endswith("&run=mine")
    run, at_work = here.collecting.get("mine"), here.collecting.job_of("mine")
    assert (run.requested, run.settings["parameters"]) == (24, {"temperature": 0.0})
    assert run.settings["student"]["name"] == "empty"
    assert at_work is not None and at_work.state == "queued"
    assert "Waiting to start" in built.read(asked(run="mine"))["collect-run"]
    built("ask_to_stop", asked(run="mine"))
    assert here.collecting.job_of("mine").state == "stopped"
    built("resume_run", asked(run="mine"))
    assert here.collecting.job_of("mine").state == "queued"
    built("end_here", asked(run="mine"))
    assert here.collecting.get("mine").state == "stopped"
    shown = built.read(asked(run="mine"))
    assert "24 questions were not asked" in shown["collect-run"] and is_shown(shown["collect-resume"])
    assert not is_shown(shown["collect-end"])


def test_the_first_ten_are_shown_and_lead_to_the_whole(built: Page, here: Any, asked: Callable[..., Any]) -> None:
    typed = values(choice="draw", system=["brief", "step-by-step"], weights="1, 2", seed="3")
    address = built("create_sample", asked(), *typed)
    name = address.rpartition("=")[2]
    run = threading.Thread(target=here.collecting.run, args=(name,))
    run.start()
    run.join()
    here.collecting.stop(name)
    shown = built.read(asked(run=name))
    assert shown["collect-newest"].count("collect-answer") == 10
    assert shown["collect-whole"]._constructor_args[0]["value"].startswith("Collect 12 answers")
    foreseen = list(built("foresee_whole", name, asked(run=name)).values())
    assert foreseen[0][name].startswith("Collect 12 answers") and len(foreseen) == 2
    whole = built("collect_whole", asked(run=name)).rpartition("=")[2]
    made, sample = here.collecting.get(whole), here.collecting.get(name)
    assert made.requested == 12 and made.settings["seed"] == 3
    assert made.settings["manners"] == sample.settings["manners"]
    here.collecting.stop(whole)


def test_a_run_stopped_by_its_budget_asks_for_another(built: Page, here: Any, asked: Callable[..., Any]) -> None:
    run = here.collecting.create("practice-plain", "sums", RunOptions(budget_usd=1.0), name="poor")
    with here.database.session() as session:
        row = session.get_one(Run, run.id)
        row.state, row.stopped_by = "paused", "budget"
    shown = built.read(asked(run="poor"))
    assert is_shown(shown["collect-raise"]) and not is_shown(shown["collect-resume"])
    built("raise_budget", asked(run="poor"), "2.5")
    assert here.collecting.get("poor").settings["budget_usd"] == 2.5
    assert here.collecting.job_of("poor").state == "queued"
    here.collecting.stop("poor")
    assert "poor" in built.read(asked(), "practice-plain")["collect-runs"]
    assert "No collection matches" in built.read(asked(), "zebra")["collect-runs"]


def test_failed_questions_are_counted_on_the_button_and_asked_again(
    built: Page, here: Any, asked: Callable[..., Any]
) -> None:
    from sqlalchemy import update
    from sqlmodel import col

    from studio.engine.store.tables import RunItem

    run = here.collecting.create("practice-plain", "sums", name="part")
    with here.database.session() as session:
        some = col(RunItem.run_id) == run.id, col(RunItem.position) < 3
        session.execute(update(RunItem).where(*some).values(state="failed"))
        row = session.get_one(Run, run.id)
        row.failed, row.completed, row.state = 3, 9, "done"
    button = built.read(asked(run="part"))["collect-retry"]._constructor_args[0]
    assert button["value"] == "Ask these 3 again" and button["visible"]
    built("retry_failed", asked(run="part"))
    assert here.collecting.get("part").failed == 0 and here.collecting.job_of("part").state == "queued"
    here.collecting.stop("part")


def test_stopping_a_batch_for_good_calls_back_what_the_provider_has(
    built: Page, here: Any, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    called_back: list[str] = []

    def cancel(self: Any, name: str, **_: Any) -> dict[str, Any]:
        """As the engine does: the run is collected for a moment, and left paused."""
        called_back.append(name)
        with here.database.session() as session:
            session.get_one(Run, run.id).state = "paused"
        return {"run": name}

    monkeypatch.setattr(RunEndings, "cancel_batches", cancel)
    run = here.collecting.create("practice-plain", "sums", name="batched")
    built("end_here", asked(run="batched"))
    assert here.collecting.get("batched").state == "stopped" and called_back == []
    with here.database.session() as session:
        session.add(Batch(run_id=run.id, state="submitted", token="t"))
    built("end_here", asked(run="batched"))
    built("end_here", asked(run="batched"))
    job = here.endings.job_of("batched")
    assert not is_shown(built.read(asked(run="batched"))["collect-end"]) and called_back == []
    here.jobs.run_here(job.id)
    assert here.collecting.get("batched").state == "stopped" and called_back == ["batched"]
    assert here.endings.job_of("batched") is None
    assert "1 being answered" in built.read(asked(run="batched"))["collect-run"]
