"""Freezing traces: what enters, the split, contamination, versions, and that a killed freeze leaves nothing."""

import json
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import event

from studio.engine.domain.terms import strictest
from studio.engine.errors import BadInput, NotFound
from studio.engine.traces import TraceFilter


def test_rejected_and_empty_answers_never_enter_and_unlabelled_do(room) -> None:
    [a, b, c, d] = room.write(("p1", "1"), ("p2", "2"), ("p3", "3"), ("p4", " "))
    room.traces.label([a], "keep")
    room.traces.label([b], "reject")
    found = room.datasets.freeze("d")
    assert found["rows"] == {"train": 2, "test": 0}
    assert {row["trace_id"] for row in room.datasets.rows("d")} == {a, c}
    kept = room.datasets.freeze("d", filter=TraceFilter.parse({"label": "keep"}))
    assert (kept["version"], kept["rows"]["train"]) == (2, 1)
    assert room.datasets.funnel() == [("matching", 4), ("rejected", 1), ("empty", 1), ("kept", 2)]
    with pytest.raises(BadInput, match=r"left out \(1 rejected\)"):
        room.datasets.freeze("d", filter=TraceFilter.parse({"label": "reject"}))
    assert room.datasets.get("d").version == 2
    assert d not in {row["trace_id"] for row in room.datasets.rows("d-v1")}


def test_a_prompt_never_stands_on_both_sides_and_stays_on_its_side(room) -> None:
    room.write(*[(f"Question {n}?", "a") for n in range(200)], run="plain")
    room.write(*[(f"question  {n}", "b") for n in range(200)], run="thorough")
    found = room.datasets.freeze("d", test_share=0.2)
    sides: dict[str, set[str]] = {}
    for row in room.datasets.rows("d"):
        sides.setdefault(row["messages"][0]["content"].lower().replace("  ", " ").strip("?"), set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values()) and len(sides) == 200
    assert 40 <= found["rows"]["test"] <= 120
    test = {row["trace_id"] for row in room.datasets.rows("d", "test")}
    room.write(*[(f"More {n}?", "c") for n in range(50)], run="more")
    room.datasets.freeze("d", test_share=0.2)
    assert test <= {row["trace_id"] for row in room.datasets.rows("d", "test")}
    room.datasets.freeze("d", test_share=0.2, seed=1)
    assert test != {row["trace_id"] for row in room.datasets.rows("d", "test")}


def test_a_small_dataset_still_gets_a_test_row_when_one_is_asked_for(room) -> None:
    room.write(*[(f"Question {n}?", "a") for n in range(3)])
    for seed in range(5):
        assert room.datasets.freeze("d", test_share=0.01, seed=seed)["rows"] == {"train": 2, "test": 1}
        assert room.datasets.freeze("d", test_share=0.99, seed=seed)["rows"]["train"] >= 1
    with pytest.raises(BadInput, match="below 1"):
        room.datasets.freeze("d", test_share=1)


def test_prompts_of_avoided_files_are_left_out_and_counted(room, lines) -> None:
    long = "a farmer has seventeen sheep and all but nine of them run away how many are left"
    room.write(
        ("What is 2+2?", "4"), (f"Think hard: {long} in the end?", "9"), ("中文 问题？", "好"), ("Fresh one", "yes")
    )
    avoid = lines(*(json.dumps({"question": text}) for text in ("what is 2 + 2", f"{long} now", "中文问题")))
    found = room.datasets.freeze("d", avoid=[avoid])
    assert (found["rows"]["train"], found["contaminated"]) == (1, 3)
    assert next(room.datasets.rows("d"))["messages"][0]["content"] == "Fresh one"
    detail = room.datasets.get("d").detail
    assert detail["avoid"][0]["prompts"] == 3 and ["contaminated", 3] in detail["funnel"]
    everything = lines("What is 2+2?", long, "中文问题", "fresh one", name="all.txt")
    with pytest.raises(BadInput, match="4 contaminated"):
        room.datasets.freeze("d", avoid=[everything])
    with pytest.raises(BadInput, match="no file"):
        room.datasets.freeze("d", avoid=[avoid.with_name("none.jsonl")])
    assert len(room.datasets.list()) == 1


def test_the_system_message_is_erased_unless_asked_for(room) -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And?"},
    ]
    room.write(("And?", "Fine"), system_message_name="long", system_message_text="Explain at length.", messages=turns)
    room.datasets.freeze("d")
    room.datasets.freeze("d", keep_system_message=True)
    erased, kept = (next(room.datasets.rows(f"d-v{version}"))["messages"] for version in (1, 2))
    assert erased == [*turns, {"role": "assistant", "content": "Fine"}]
    assert kept == [{"role": "system", "content": "Explain at length."}, *erased]


def test_terms_of_every_teacher_inside_are_recorded(room) -> None:
    room.write(("a", "1"), ("b", "2"), run="r1", teacher="open", terms="yes")
    room.write(("c", "3"), run="r2", teacher="closed", terms="no")
    room.datasets.freeze("d")
    detail = room.datasets.get("d").detail
    assert detail["terms"] == {"yes": 2, "no": 1}
    assert detail["teachers"] == {"open": {"rows": 2, "terms": "yes"}, "closed": {"rows": 1, "terms": "no"}}
    assert strictest("yes", "unknown") == "unknown" and strictest("yes", "no") == "no"


def test_the_same_traces_give_the_same_file_and_the_file_is_named_by_its_content(room) -> None:
    room.write(*[(f"p{n}", f"r{n}") for n in range(10)])
    first, second = (room.datasets.freeze("d", test_share=0.3) for _ in range(2))
    assert first["sha256"] == second["sha256"] and (first["version"], second["version"]) == (1, 2)
    assert first["sha256"] in room.datasets.path("d").name
    assert len(list(islice(room.datasets.rows("d"), 4))) == 4


def test_a_freeze_that_is_killed_leaves_no_version(room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.write(*[(f"p{n}", f"r{n}") for n in range(2500)])

    def killed(done: int, total: int | None, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.datasets.freeze("d", progress=killed)
    assert room.datasets.list() == []
    assert room.datasets.freeze("d")["version"] == 1


@pytest.mark.parametrize("name", ["", "x-v2", "a/b", "../up", "x" * 81, "a\nb"])
def test_a_name_that_could_be_mistaken_is_refused(room, name: str) -> None:
    room.write(("p", "r"))
    with pytest.raises(BadInput):
        room.datasets.freeze(name)


def test_an_unknown_version_names_those_there_are(room) -> None:
    room.write(("p", "r"))
    room.datasets.freeze("d")
    assert room.datasets.get("d").id == room.datasets.get("d-v1").id
    with pytest.raises(NotFound, match="d-v1"):
        room.datasets.get("d-v7")
    with pytest.raises(BadInput, match="No trace matches"):
        room.datasets.freeze("e", filter=TraceFilter(query="nowhere"))


def test_what_would_enter_is_counted_once_until_somebody_writes(room) -> None:
    ids = room.write(("a", "1", "1"), ("b", "2", "3"))
    counted, remarked = [], [("correct", "no")]

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FILTER" in statement:
            counted.append(statement)

    event.listen(room.database.engine, "before_cursor_execute", note)
    first = room.datasets.outlook(remarked=remarked)
    assert room.datasets.outlook(remarked=remarked) == first
    assert len(counted) == 1 or not room.database.is_sqlite  # A server's counter moves for others, too.
    assert dict(first.steps)["kept"] == 2 and first.remarked == {("correct", "no"): 0}
    room.traces.grade()
    assert room.datasets.outlook(remarked=remarked).remarked == {("correct", "no"): 1}
    room.traces.label(ids[:1], "reject", by="me")
    assert dict(room.datasets.outlook(remarked=remarked).steps)["kept"] == 1
    room.write(("c", "3"), run="second")
    assert dict(room.datasets.outlook(remarked=remarked).steps)["kept"] == 2
    event.remove(room.database.engine, "before_cursor_execute", note)
