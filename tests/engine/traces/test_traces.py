"""Browsing, filtering, labelling, undo, repair and grading of stored traces."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from studio.engine.errors import BadInput, NotFound
from studio.engine.store.tables import Run, Trace, TraceText
from studio.engine.traces import TraceFilter

MARKUP = "<script>alert(1)</script> **bold** {{7*7}} ${x} \\boxed{18}"


def test_pages_reach_every_trace_once_in_both_directions(room) -> None:
    count = 20_000
    with room.database.session() as session:
        run = Run(project_id=room.project_id, name="many")
        session.add(run)
        session.flush()
        rows = [
            {"id": n, "project_id": room.project_id, "run_id": run.id, "teacher": "ada", "flags": []}
            for n in range(1, count + 1)
        ]
        texts = [{"trace_id": n, "prompt": "p", "response": "r"} for n in range(1, count + 1)]
        session.connection().execute(insert(Trace.__table__), rows)
        session.connection().execute(insert(TraceText.__table__), texts)
    seen: list[int] = []
    page = room.traces.page(limit=1000)
    assert (page.count, page.count_is_exact, page.previous) == (count, True, None)
    while True:
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        page = room.traces.page(after=page.next, limit=1000)
    assert seen == list(range(1, count + 1))
    back = room.traces.page(before=page.previous, limit=1000)
    assert [row.id for row in back.rows] == list(range(18_001, 19_001))
    assert (back.previous, back.next) == ("18001", "19000")
    assert room.traces.page(before="1001", limit=1000).previous is None


def test_counting_stops_at_a_bound(room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.engine.traces.browse.COUNTED", 3)
    room.write(*[(f"p{n}", "r") for n in range(5)])
    page = room.traces.page(limit=2)
    assert (page.count, page.count_is_exact) == (3, False)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "²", ""])
def test_a_bad_cursor_is_refused_and_an_empty_one_is_the_start(room, cursor: str) -> None:
    room.write(("p", "r"))
    if cursor:
        with pytest.raises(BadInput, match="not a cursor"):
            room.traces.page(after=cursor)
    else:
        assert room.traces.page(after=cursor).count == 1


def test_filters_of_every_key_choose_their_traces(room) -> None:
    [a, b] = room.write(("one", "the answer is 1", "1"), ("two", "the answer is 3", "2"), run="r1", family="addition",
                        system_message_name="brief", collection="c1", task="t1")  # fmt: skip
    [c] = room.write(("three", "Sorry, I cannot", "3"), run="r2", finish_reason="length", teacher="bob", terms="no")
    room.traces.grade()
    room.traces.label([a], "keep", tag="good", rating=5, by="ann")

    def ids(**given: str | list[str]) -> list[int]:
        return [row.id for row in room.traces.page(TraceFilter.parse(given)).rows]

    assert ids(label="keep") == ids(tag="good") == ids(rating="4+") == ids(rating="5") == [a]
    assert ids(label="none") == ids(tag="none") == ids(rating="none") == [b, c]
    assert ids(correct="yes") == [a] and ids(correct="no") == [b, c]
    assert ids(family="addition", correct="no") == [b]
    assert ids(task="t1") == ids(collection="c1") == ids(system_message="brief") == ids(teacher="ada") == [a, b]
    assert ids(system_message="none") == ids(family="none") == ids(terms="no") == ids(finish_reason="length") == [c]
    assert ids(flag="length") == ids(flag="refusal") == [c] and ids(flag="none") == [a, b]
    assert ids(run="r2") == [c] and ids(run=["r1", "r2"]) == [a, b, c]
    assert ids(edited="no") == [a, b, c] and ids(family="' OR 1=1 --") == []


def test_an_unknown_filter_key_names_the_known_ones_and_an_unknown_run_the_runs(room) -> None:
    room.write(("p", "r"), run="spring")
    with pytest.raises(BadInput, match=r"no filter key 'colour'.*label, tag, rating, correct"):
        TraceFilter.parse({"colour": "red"})
    with pytest.raises(BadInput, match="KEY=VALUE"):
        TraceFilter.from_pairs(["label"])
    with pytest.raises(BadInput, match="keep, reject or none"):
        TraceFilter.parse({"label": "kept"})
    with pytest.raises(NotFound, match="spring"):
        room.traces.page(TraceFilter.parse({"run": "autumn"}))


def test_search_finds_two_chinese_characters_and_takes_markup_as_words(room) -> None:
    [chinese, marked, _] = room.write(("今天天气怎么样？", "今天北京下雨。"), ("markup", MARKUP), ("plain", "nothing"))

    def found(text: str) -> list[int]:
        return [row.id for row in room.traces.page(TraceFilter(query=text)).rows]

    assert found("北京") == found("天气 下雨") == [chinese]
    assert found("<script>alert") == found("boxed") == [marked]
    assert found('" OR NEAR( *') == []
    assert room.traces.get(marked).text.response == MARKUP


def test_facets_count_what_another_choice_would_give(room) -> None:
    room.write(("a", "1"), ("b", "2"), family="addition")
    [c] = room.write(("c", "Sorry, I cannot do that"), run="second", family="sorting")
    room.traces.label([c], "reject", tag="bad")
    facets = room.traces.facets(TraceFilter.parse({"family": "sorting"}))
    assert facets.of("family") == [("addition", 2), ("sorting", 1)]
    assert facets.of("label") == [("reject", 1)]
    assert facets.of("run") == [("second", 1)]
    assert facets.of("flag") == [("refusal", 1)]
    assert facets.of("tag") == [("bad", 1)]


def test_undo_takes_back_operations_one_by_one_to_the_very_same_state(room) -> None:
    ids = room.write(*[(f"p{n}", f"the answer is {n}", "3") for n in range(6)])
    traces, states = room.traces, [room.labels()]
    assert traces.label(ids[:4], "keep", by="ann").changed == 4
    states.append(room.labels())
    assert traces.label(TraceFilter(), "reject", tag="x", rating=2, by="bob").changed == 6
    states.append(room.labels())
    traces.repair(ids[0], "the answer is 3", by="ann")
    assert traces.label(ids, tag="x", by="ann").changed == 0
    assert traces.label(ids[:1], "none", by="ann").changed == 1
    traces.undo()
    assert traces.get(ids[0]).text.response == "the answer is 3"
    traces.undo()
    assert traces.get(ids[0]).text.response == "the answer is 0"
    assert room.labels() == states[2]
    assert traces.facets().of("tag") == [("x", 6)]
    assert traces.undo().changed == 6
    assert room.labels() == states[1] and traces.facets().of("tag") == []
    assert traces.undo().changed == 4
    assert room.labels() == states[0]
    assert traces.undo() is None


def test_undo_of_one_person_leaves_a_later_decision_of_another(room) -> None:
    [a, b] = room.write(("a", "1"), ("b", "2"))
    room.traces.label([a, b], "keep", by="ann")
    room.traces.label([b], "reject", by="bob")
    assert room.traces.undo(by="ann").changed == 1
    assert {id: state[0] for id, state in room.labels().items()} == {a: None, b: "reject"}


def test_a_label_that_changes_nothing_leaves_nothing_to_undo(room) -> None:
    [a] = room.write(("a", "1"))
    first = room.traces.label([a], "keep")
    again = room.traces.label([a], "keep")
    assert (again.changed, again.id) == (0, None)
    assert room.traces.last_operation().id == first.id


def test_labels_that_make_no_sense_change_nothing(room) -> None:
    [a] = room.write(("a", "1"))
    for bad in ({"verdict": "maybe"}, {"rating": 6}, {"tag": " "}, {}):
        with pytest.raises(BadInput):
            room.traces.label([a], **bad)
    with pytest.raises(NotFound, match="no trace 99"):
        room.traces.label([a, 99], "keep")
    assert room.labels() == {a: (None, None, None)}


def test_repair_keeps_the_original_grades_again_and_is_searchable(room) -> None:
    [a] = room.write(("What is 1 + 1?", "Clearly eleven. The answer is 11.", "2"), finish_reason="length")
    room.traces.grade()
    assert room.traces.get(a).trace.correct is False
    detail = room.traces.repair(a, "One and one make two. The answer is 2.")
    assert (detail.trace.correct, detail.trace.edited, detail.trace.flags) == (True, True, [])
    assert detail.text.original_response == "Clearly eleven. The answer is 11."
    assert detail.trace.response_preview.startswith("One and one")
    assert room.traces.page(TraceFilter(query="eleven")).count == 0
    assert room.traces.page(TraceFilter(query="make two")).count == 1
    again = room.traces.repair(a, "Two. The answer is 2.")
    assert again.text.original_response == "Clearly eleven. The answer is 11."
    room.traces.undo()
    room.traces.undo()
    detail = room.traces.get(a)
    assert (detail.text.response, detail.text.original_response) == ("Clearly eleven. The answer is 11.", None)
    assert (detail.trace.correct, detail.trace.edited, detail.trace.flags) == (False, False, ["length"])
    assert room.traces.page(TraceFilter(query="eleven")).count == 1
    with pytest.raises(BadInput, match="may not be empty"):
        room.traces.repair(a, "  ")


def test_grade_counts_right_wrong_and_what_has_no_known_answer(room) -> None:
    room.write(("a", "The answer is 4.", "4"), ("b", "The answer is 5.", "4"), ("c", "whatever"))
    room.write(("d", "The answer is 1,000.", "1000"), run="second")
    assert room.traces.grade("first") == {"graded": 2, "correct": 1, "wrong": 1, "no_known_answer": 1}
    assert room.traces.grade() == {"graded": 3, "correct": 2, "wrong": 1, "no_known_answer": 1}
    with pytest.raises(NotFound):
        room.traces.grade("third")


def test_traces_of_another_project_are_out_of_reach(room, tmp_path: Path) -> None:

    [a] = room.write(("a", "1"))
    other = room.studio.at("other").traces
    for act in (lambda: other.get(a), lambda: other.label([a], "keep"), lambda: other.repair(a, "2")):
        with pytest.raises(NotFound):
            act()
    assert other.page().count == 0
    with pytest.raises(BadInput, match="nothing to export"):
        other.export(tmp_path / "out.jsonl")
