"""The Collect page: what it shows of a run, and what its form gives to the engine."""

from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.store.tables import Job, Run, Trace
from studio.engine.teachers.forecast import Forecast
from studio.engine.teachers.progress import ErrorKind, RunProgress
from studio.ui.pages import collect_views as views
from studio.ui.pages.collect import messages_of, parameters_of, samples_of, state_of
from studio.ui.text import Texts

HOSTILE = "<img src=x onerror=alert(1)> ${7*7}"
T = Texts("en", "collect")


def progress(**fields: Any) -> RunProgress:
    usual: dict[str, Any] = {
        "name": "r", "state": "running", "stopped_by": None, "total": 60, "done": 10, "reused": 4, "failed": 1,
        "left": 49, "attempts": 9, "spent_usd": 1.5, "input_tokens": 100, "output_tokens": 200, "rate_per_minute": 30.0,
        "eta_seconds": 98.0, "errors": (), "newest": None,
    }  # fmt: skip
    return RunProgress(**{**usual, **fields})


def job(**fields: Any) -> Job:
    return Job(**{"project_id": 1, "kind": "collect", "title": "x", "entry": "x", **fields})


def test_a_running_card_has_counts_spend_rate_and_time_left() -> None:
    html = views.run_card(T, "default", progress(), "running", job(state="running", message="asking again in 12 s"))
    for words in (
        "10 / 60",
        "49",
        "$1.50",
        "30 a minute",
        "1 min 38 s left",
        "4 from earlier answers",
        "asking again in 12 s",
    ):
        assert words in html


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        ("queued", {}, "Waiting to start"),
        ("paused", {"stopped_by": "user"}, "Paused"),
        ("paused", {"stopped_by": "budget"}, "The budget is used"),
        ("paused", {}, "Broken off"),
        ("done", {"failed": 37}, "37 questions got no answer"),
    ],
)
def test_a_run_that_stands_still_says_why(state: str, fields: dict[str, Any], words: str) -> None:
    assert words in views.run_card(T, "default", progress(**fields), state, None)


def test_a_failed_run_shows_its_fault() -> None:
    html = views.run_card(T, "default", progress(), "failed", job(error="The teacher 'x' refused the key (HTTP 401)."))
    assert "refused the key" in html


def test_what_a_teacher_said_is_escaped() -> None:
    trace = Trace(project_id=1, run_id=1, id=3, teacher="t", prompt_preview=HOSTILE, response_preview=HOSTILE)
    error = ErrorKind("server_error", 3, HOSTILE, "Wait.")
    now = progress(name=HOSTILE, newest=trace, errors=(error,))
    for html in (
        views.newest_view(T, "default", now),
        views.errors_view(T, now),
        views.run_card(T, "default", now, "failed", job(error=HOSTILE)),
        views.runs_list(T, "default", [Run(project_id=1, name=HOSTILE)], {}, ""),
    ):
        assert "<img" not in html and "&lt;img" in html


def test_kinds_of_fault_have_words_count_example_and_advice() -> None:
    html = views.errors_view(T, progress(errors=(ErrorKind("rate_limited", 37, "HTTP 429.", "Slow down."),)))
    for words in ("limit reached", "37", "HTTP 429.", "what your account allows"):
        assert words in html
    assert views.errors_view(T, progress()) == ""


def test_every_kind_of_fault_has_its_words_in_both_languages() -> None:
    from studio.engine.teachers.faults import FaultKind

    for language in ("en", "zh"):
        words = Texts(language, "collect")
        assert all(words.has(f"error.{kind.value}") and words.has(f"advice.{kind.value}") for kind in FaultKind)


def test_the_button_says_what_it_will_take() -> None:
    assert views.start_label(T, None) == "Collect"
    assert views.start_label(T, Forecast(5000, 1, None, None, None, 0)) == "Collect 5,000 answers"
    label = views.start_label(T, Forecast(5000, 1, 1, 14.0, 7200.0, 10))
    assert label == "Collect 5,000 answers (≈ $14.00, 2 h 0 min)"


def test_no_runs_yet_says_what_to_do_next() -> None:
    assert "Choose a teacher" in views.runs_list(T, "default", [], {}, "")


def test_a_run_whose_job_waits_is_queued() -> None:
    assert state_of("ready", job(state="queued")) == "queued"
    assert state_of("running", job(state="running")) == "running"
    assert state_of("paused", job(state="stopped")) == "paused"
    assert state_of("ready", None) == "ready"


def wanted(**fields: Any) -> dict[str, Any]:
    return {
        "system": [],
        "manner": "draw",
        "samples": "1",
        "temperature": "",
        "max_tokens": "",
        "further": "",
        **fields,
    }


def test_several_system_messages_are_drawn_or_asked_each() -> None:
    assert messages_of(wanted()) == {"system_message": None}
    assert messages_of(wanted(system=["brief"])) == {"system_message": ["brief"]}
    assert messages_of(wanted(system=["a", "b"])) == {"system_mix": {"system_messages": {"a": 1, "b": 1}}}
    assert messages_of(wanted(system=["a", "b"], manner="each")) == {"system_message": ["a", "b"]}


def test_parameters_are_read_from_the_form() -> None:
    assert parameters_of(wanted(), T) == {}
    assert parameters_of(wanted(temperature="0", max_tokens="256", further='{"top_p": 0.9}'), T) == {
        "temperature": 0.0, "max_tokens": 256, "top_p": 0.9,
    }  # fmt: skip
    for wrong in ({"further": "[1]"}, {"further": "{"}, {"temperature": "warm"}):
        with pytest.raises(BadInput):
            parameters_of(wanted(**wrong), T)
    with pytest.raises(BadInput):
        samples_of(wanted(samples="few"), T)


class Asking:
    """As much of a request as a handler looks at."""

    def __init__(self, **query: str) -> None:
        self.query_params = query
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.username = None


def handler(house: Any, name: str) -> Any:
    """One of the page's handlers, by its name."""
    import asyncio

    import gradio as gr

    from studio.ui.pages import collect as page

    async def built() -> Any:
        with gr.Blocks() as blocks:
            page.build(blocks, house, T)
        return blocks

    blocks = asyncio.run(built())
    return next(fn.fn for fn in blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)


def test_starting_makes_a_run_and_queues_its_job(house: Any) -> None:
    house.projects.get("collect-page")
    here = house.at("collect-page")
    here.teachers.add_practice()
    here.prompts.practice(["addition"], 3, 1, "sums")
    fields = ["practice-plain", "sums", ["brief", "helpful"], "each", "1", "", "0", "", "", "mine"]
    request = Asking(project="collect-page")
    assert handler(house, "foresee")(request, *fields)._constructor_args[0]["value"] == "Collect 6 answers"
    assert handler(house, "create")(request, *fields) == "/collect?project=collect-page&run=mine"
    run, job = here.collecting.get("mine"), here.collecting.job_of("mine")
    assert (run.requested, run.settings["parameters"]) == (6, {"temperature": 0.0})
    assert job is not None and job.state == "queued"
    handler(house, "ask_to_stop")(Asking(project="collect-page", run="mine"))
    stopped = here.collecting.job_of("mine")
    assert stopped is not None and stopped.state == "stopped"
    handler(house, "go_on")(Asking(project="collect-page", run="mine"))
    assert here.collecting.job_of("mine").state == "queued"
    here.collecting.stop("mine")
