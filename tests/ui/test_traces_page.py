"""The pages of traces and datasets: what they draw, that model text never becomes markup, what the script may ask."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event
from starlette.datastructures import QueryParams
from written import write_trace

from studio.engine.domain.permissions import Actor
from studio.engine.jobs import Kind
from studio.engine.store.tables import Run
from studio.engine.traces import TraceFilter, operations
from studio.ui.pages import datasets_views, traces_views
from studio.ui.pages.datasets import filter_of
from studio.ui.pages.traces import counted, look_at
from studio.ui.pages.traces_actions import Actions
from studio.ui.pages.traces_look import may_fill
from studio.ui.parts.handlers import ACTOR
from studio.ui.text import Texts

EVIL = "<script>alert(1)</script> ${alert(2)} {{7*7}} <img src=x onerror=alert(3)> ![x](https://evil.example/x.png)"
T = Texts("en", "traces")


class Request:
    """As much of gr.Request as the handlers read."""

    def __init__(self, actor: Actor, **query: str) -> None:
        self.query_params = QueryParams(query)
        self.request = SimpleNamespace(scope={ACTOR: actor})


@pytest.fixture
def here(studio: Any) -> Iterator[Any]:
    with studio.database.session() as session:
        run = Run(project_id=studio.project.id, name="<i>run</i>")
        session.add(run)
        session.flush()
        for number in range(60):
            write_trace(
                session,
                run=run,
                prompt_text=EVIL if number == 0 else f"Question {number}",
                response=EVIL if number < 2 else f"The answer is {number}.",
                teacher='"><u>',
                model="m",
                terms="yes",
                system_message_name="",
                system_message_text=EVIL,
                known_answer="5",
            )
    yield studio


def test_an_empty_list_fills_itself_while_work_goes_on(studio: Any) -> None:
    kind = Kind("collect")
    assert not may_fill(studio, TraceFilter())
    studio.jobs.enqueue(kind, "Collect", {})
    assert may_fill(studio, TraceFilter()) and may_fill(studio, TraceFilter.parse({"run": "first"}))
    assert not may_fill(studio, TraceFilter.parse({"label": "keep"}))
    assert not may_fill(studio, TraceFilter.parse({}, query="word"))


def ask(studio: Any, name: str, **given: Any) -> dict[str, Any]:
    functions = {function.__name__: function for function in Actions(studio, T).functions}
    return functions[name](given, Request(studio.people.named_or_new("ann")))


def test_nothing_a_model_wrote_becomes_markup(here: Any) -> None:
    look = look_at(here, {"project": "default"}, "ann")
    drawn = str(traces_views.body(T, look, here)) + str(traces_views.facets(T, counted(here, {}), {}))
    here.datasets.freeze("d")
    one = here.datasets.get("d")
    drawn += str(datasets_views.detail(Texts("en", "datasets"), one, list(here.datasets.rows("d", limit=2)), "f", here))
    for markup in ("<script", "<img", "<i>run", '"><u>'):
        assert markup not in drawn
    assert "onerror=alert(3)&gt;" in drawn and "&#34;&gt;&lt;u&gt;" in drawn and "&lt;i&gt;run&lt;/i&gt;" in drawn


def test_the_page_follows_the_address(here: Any) -> None:
    first = look_at(here, {"project": "default"}, "ann")
    assert len(first.details) == 50 and first.chosen.trace.id == first.details[0].trace.id
    second = look_at(here, {"after": first.page.next}, "ann")
    assert len(second.details) == 10 and second.page.next is None
    assert look_at(here, {"trace": "57"}, "ann").chosen.trace.id == 57
    assert look_at(here, {"q": "Question 58"}, "ann").page.count == 1
    for wrong in ({"run": "nowhere"}, {"label": "maybe"}, {"after": "x"}, {"trace": "999"}):
        drawn = str(traces_views.body(T, look_at(here, wrong, "ann"), here))
        assert "cannot be used" in drawn and "Clear the filters" in drawn
    assert counted(here, {"label": "maybe"}) is None


def test_links_of_filters_keep_the_others_and_take_themselves_off(here: Any) -> None:
    here.traces.label([1, 2], "reject")
    query = {"project": "default", "label": "reject", "after": "9", "request": "x"}
    drawn = str(traces_views.facets(T, counted(here, query), query))
    assert 'href="?project=default&amp;label=none"' in drawn
    assert 'href="?project=default" aria-current="true"' in drawn
    assert "after=9" not in drawn


def test_the_script_marks_undoes_and_repairs(here: Any) -> None:
    said = ask(here, "mark_trace", id="3", verdict="keep")
    assert said["ok"] and "kept" in said["rows"]["3"] and "1 trace kept" in said["last"]
    assert here.traces.get(3).trace.labelled_by == "ann"
    assert ask(here, "mark_trace", id="3", rating=4)["ok"]
    mended = ask(here, "repair_trace", id="3", response="The answer is 5.")
    assert mended["ok"] and "The teacher&#39;s own words" in mended["reader"] and "right" in mended["rows"]["3"]
    for _ in range(3):
        undone = ask(here, "undo_last", ids=["3"])
        assert undone["ok"] and re.fullmatch(r"Undone \([^)]+\): 1 trace is as before: #3", undone["said"])
    assert here.traces.get(3).trace.label is None and undone["last"] == ""
    assert ask(here, "undo_last", ids=[])["said"] == "There is nothing to undo."


def test_the_script_previews_and_changes_all_that_match(here: Any) -> None:
    seen = ask(here, "preview_all", query="?q=Question")
    assert (seen["count"], "59 not labelled" in seen["preview"]) == (59, True)
    assert ask(here, "change_all", query="?q=Question", verdict="reject")["changed"] == 59
    assert ask(here, "change_all", query="?label=reject", tag="bad")["changed"] == 59
    assert ask(here, "undo_last", ids=[])["said"].startswith("Undone (tagged bad): 59 traces are as before: #")


def test_the_script_follows_a_change_that_is_under_way_until_it_ends(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "PIECE", 20)
    said = ask(here, "change_all", query="?q=Question", verdict="reject")
    assert said["changed"] == 20 and "under way" in said["said"]
    assert T("under.way.running") in str(traces_views.body(T, look_at(here, {}, "ann"), here))
    sent: list[str] = []
    note = lambda *given: sent.append(given[2])  # noqa: E731
    event.listen(here.database.engine, "before_cursor_execute", note)
    now = ask(here, "follow_changes", ids=["3", "40"])
    event.remove(here.database.engine, "before_cursor_execute", note)
    assert now["busy"] and "20" in now["note"] and T("under.way.running") in now["note"] and "rows" not in now
    assert len([one for one in sent if "person" not in one]) <= 2, sent
    here.jobs.run_here(here.jobs.list("queued")[0].id)
    then = ask(here, "follow_changes", ids=["3", "40"])
    assert (then["busy"], then["note"]) == (False, "")
    assert "reject" in then["rows"]["40"] and "59 traces rejected" in then["last"]


def test_the_script_grades_all_that_match_and_says_so(here: Any) -> None:
    said = ask(here, "grade_all", query="?q=Question")
    assert said["ok"] and said["graded"] == 59 and "1 right, 58 wrong" in said["said"]
    assert here.traces.page(TraceFilter.parse({"correct": "yes"})).count == 1
    assert here.traces.page(TraceFilter.parse({"correct": "none"})).count == 1, "the one outside the search"


def test_grading_without_known_answers_says_why_nothing_changed(here: Any) -> None:
    assert ask(here, "grade_all", query="?q=nobody+said+this") == {"ok": True, "said": T("grade.nothing"), "graded": 0}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("open_trace", {"id": "999"}),
        ("open_trace", {"id": "x"}),
        ("open_trace", {"id": "1", "project": "nowhere"}),
        ("mark_trace", {"id": "1"}),
        ("mark_trace", {"id": "1", "verdict": "maybe"}),
        ("repair_trace", {"id": "1", "response": " "}),
        ("change_all", {"query": "?label=maybe", "verdict": "keep"}),
    ],
)
def test_what_the_script_may_not_ask_is_refused_in_a_sentence(here: Any, name: str, given: dict[str, Any]) -> None:
    said = ask(here, name, **given)
    assert said["ok"] is False and said["error"].endswith(".")
    assert here.traces.last_operation() is None


def test_a_function_that_is_sent_nonsense_does_not_break(here: Any) -> None:
    for function in Actions(here, T).functions:
        assert function(["not", "an", "object"], Request(here.actor))["ok"] is False  # type: ignore[arg-type]


def test_an_empty_project_says_what_to_do_next(studio: Any) -> None:
    drawn = str(traces_views.body(T, look_at(studio, {}, "ann"), studio))
    assert "Collect answers" in drawn and "/collect?project=default" in drawn
    t = Texts("en", "datasets")
    drawn = str(datasets_views.funnel(t, studio.datasets.outlook(None, datasets_views.REMARKED), TraceFilter(), studio))
    assert "/collect?project=default" in drawn


def test_the_funnel_says_why_and_links_to_what_deserves_a_look(here: Any) -> None:
    here.traces.grade()
    here.traces.label([1], "reject")
    t, filter = Texts("en", "datasets"), filter_of({"family": "none", "q": ""}, "", "not-rejected", False)
    drawn = str(datasets_views.funnel(t, here.datasets.outlook(filter, datasets_views.REMARKED), filter, here))
    assert "60 match, 59 enter" in drawn and "59 answers are graded wrong." in drawn
    assert "family=none&amp;correct=no" in drawn
    assert filter_of({"teacher": "x", "run": "gone"}, "r", "kept", True).as_dict() == {
        "label": ["keep"], "correct": ["yes"], "teacher": ["x"], "run": ["r"],
    }  # fmt: skip


def test_both_languages_have_every_word() -> None:
    from studio.ui.text import catalogue

    for page in ("traces", "datasets"):
        for key, entry in catalogue(T.folder, page).items():
            assert set(entry) == {"en", "zh"}, key


def test_what_a_search_found_is_marked_in_the_list_and_in_the_reader(here: Any) -> None:
    look = look_at(here, {"project": "default", "q": '"question 7"'}, "ann")
    drawn = str(traces_views.body(T, look, here))
    assert drawn.count("<mark>Question 7</mark>") == 2
    read = ask(here, "open_trace", id=str(look.details[0].trace.id), query="?q=answer")["reader"]
    assert read.count("The <mark>answer</mark> is 7.") == 2  # As markdown and as plain text.
    assert "<mark>" not in ask(here, "open_trace", id=str(look.details[0].trace.id), query="")["reader"]


def test_a_mark_brings_no_markup_of_a_model_along(here: Any) -> None:
    drawn = str(traces_views.body(T, look_at(here, {"project": "default", "q": "script alert"}, "ann"), here))
    assert "&lt;<mark>script</mark>&gt;" in drawn and "<script" not in drawn and "<img" not in drawn


def test_an_undo_says_what_was_taken_back_and_of_which_traces(here: Any) -> None:
    for id in ("5", "6"):
        ask(here, "mark_trace", id=id, verdict="reject")
    assert ask(here, "undo_last", ids=["6"])["said"] == "Undone (rejected): 1 trace is as before: #6"
    ask(here, "change_all", query="?q=Question", verdict="keep")
    ask(here, "undo_last", ids=[])
    assert ask(here, "undo_last", ids=[])["said"] == "Undone (rejected): 1 trace is as before: #5"
