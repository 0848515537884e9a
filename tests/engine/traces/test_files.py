"""Traces to files and from files."""

import json
from pathlib import Path

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, NameTaken
from studio.engine.store.artifacts import sha256_of
from studio.engine.store.tables import Run
from studio.engine.traces import TraceFilter


def test_export_writes_each_format_the_same_every_time(room, tmp_path: Path) -> None:
    room.write(("Hi 你好", "Hello <b>"), ("Two", "2"), system_message_name="long", system_message_text="Be long.")
    for format, name in (
        ("messages", "m.jsonl"),
        ("alpaca", "a.json"),
        ("sharegpt", "s.json"),
        ("parquet", "t.parquet"),
    ):
        first, again = (room.traces.export(tmp_path / name, format=format) for _ in range(2))
        assert first == again and first["rows"] == 2
        assert first["sha256"] == sha256_of(tmp_path / name)
    message = json.loads((tmp_path / "m.jsonl").read_text().splitlines()[0])["messages"]
    assert [turn["role"] for turn in message] == ["system", "user", "assistant"]
    assert json.loads((tmp_path / "a.json").read_text())[0] == {
        "instruction": "Hi 你好", "input": "", "output": "Hello <b>", "system": "Be long.",
    }  # fmt: skip
    said = json.loads((tmp_path / "s.json").read_text())[1]["conversations"]
    assert [turn["from"] for turn in said] == ["system", "human", "gpt"]
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert table[0]["messages"][-1] == {"role": "assistant", "content": "Hello <b>"}


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
TOOL_TURNS = [
    {"role": "user", "content": "1+1?", "name": "ann"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "2", "tool_call_id": "c1"},
]


def test_export_keeps_names_and_calls_of_tools(room, tmp_path: Path) -> None:
    room.write(("1+1?", "It is 2."), messages=TOOL_TURNS)
    room.write(("plain", "words"), run="second")
    room.traces.export(tmp_path / "m.jsonl")
    turns = json.loads((tmp_path / "m.jsonl").read_text().splitlines()[0])["messages"]
    assert turns[0]["name"] == "ann" and turns[1]["tool_calls"] == [CALL] and turns[1]["content"] == ""
    assert turns[2] == TOOL_TURNS[2]
    import pyarrow.parquet

    room.traces.export(tmp_path / "t.parquet", format="parquet")
    first, second = (row["messages"] for row in pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist())
    assert (first[0]["name"], first[1]["tool_calls"], first[2]["tool_call_id"]) == ("ann", [CALL], "c1")
    assert second[0]["content"] == "plain" and second[0]["tool_calls"] is None


def test_export_for_the_student_tells_what_its_run_stores_for_it(room, tmp_path: Path) -> None:
    told = {"system_message_name": "long", "system_message_text": "Be long."}
    room.write(("p", "r"), run="erased", **told)
    room.write(("q", "s"), run="plain", **told)
    with room.database.session() as session:
        run = session.exec(select(Run).where(Run.name == "erased")).one()
        run.settings = {"student": {"id": None, "name": "brief", "text": "Be brief."}}
    room.datasets.freeze("d")

    room.traces.export(tmp_path / "m.jsonl", for_student=True)

    written = [json.loads(line)["messages"] for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert written == [row["messages"] for row in room.datasets.rows("d")]
    assert written[0][0] == {"role": "system", "content": "Be brief."}
    assert [turn["role"] for turn in written[1]] == ["user", "assistant"]


def test_export_refuses_what_cannot_be_written_and_leaves_the_old_file(room, tmp_path: Path) -> None:
    room.write(("p", "r"))
    old = tmp_path / "old.jsonl"
    old.write_text("old")
    for path, options in (
        (tmp_path, {}),
        (tmp_path / "no" / "x.jsonl", {}),
        (old, {"format": "word"}),
        (old, {"filter": TraceFilter(query="nowhere")}),
    ):
        with pytest.raises(BadInput):
            room.traces.export(path, **options)
    assert old.read_text() == "old" and [path.name for path in tmp_path.glob(".old*")] == []


def test_import_reads_responses_with_what_is_known_about_them(room, lines) -> None:
    rows = lines(
        json.dumps({"q": "1+1?", "a": "The answer is 2.", "gold": "2"}),
        "{broken",
        json.dumps({"q": "1+1?", "a": "The answer is 2.", "gold": "2"}),
        json.dumps({"q": "2+2?", "a": " "}),
        json.dumps({"q": "2+2?", "a": "The answer is 5.", "gold": "4"}),
    )
    mapping = {"prompt": "q", "response": "a", "answer": "gold"}
    found = room.traces.import_file(rows, "old", mapping=mapping, teacher_name="gpt", terms="research")
    assert (found["imported"], found["skipped"]) == (2, 3)
    assert found["reasons"] == {"not valid JSON": 1, "duplicate": 1, "no response": 1}
    assert found["examples"][0]["line"] == 2
    assert room.traces.grade("old") == {"graded": 2, "correct": 1, "wrong": 1, "no_known_answer": 0}
    trace = room.traces.page().rows[0]
    assert (trace.teacher, trace.terms, trace.collection) == ("gpt", "research", "old")
    with pytest.raises(NameTaken):
        room.traces.import_file(rows, "old", mapping=mapping, teacher_name="gpt")


def test_import_guesses_columns_and_reads_conversations(room, lines) -> None:
    replay = lines(json.dumps({"prompt": "p", "response": "r", "answer": "k"}), name="replay.jsonl")
    room.traces.import_file(replay, "replay", teacher_name="t")
    chat = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hey"}, {"from": "human", "value": "So?"},
            {"from": "gpt", "value": "Well."}]  # fmt: skip
    room.traces.import_file(lines(json.dumps({"conversations": chat}), name="s.jsonl"), "share", teacher_name="t")
    alpaca = {"instruction": "Add", "input": "1, 2", "output": "3"}
    room.traces.import_file(lines(json.dumps(alpaca), name="a.jsonl"), "alpaca", teacher_name="t")
    exported = room.traces.export(replay.parent / "m.jsonl")
    room.traces.import_file(Path(exported["path"]), "messages", teacher_name="t")
    texts = {detail.run: detail.text for detail in room.traces.details(row.id for row in room.traces.page().rows)}
    assert (texts["replay"].response, texts["replay"].known_answer) == ("r", "k")
    assert (texts["share"].prompt, texts["share"].response, len(texts["share"].messages)) == ("So?", "Well.", 3)
    assert (texts["alpaca"].prompt, texts["alpaca"].response) == ("Add\n\n1, 2", "3")
    assert room.traces.page(TraceFilter.parse({"run": "messages"})).count == exported["rows"] == 3


@pytest.mark.parametrize(
    ("row", "mapping", "fault"),
    [
        ({"prompt": "p"}, None, "looks like a response"),
        ({"prompt": "p", "response": "r"}, {"prompt": "p2", "response": "response"}, "no column 'p2'"),
        ({"prompt": "p", "response": ""}, None, "nothing was imported"),
        ({"prompt": "p", "response": ["x"]}, None, "nothing was imported"),
    ],
)
def test_a_file_without_answers_is_refused_whole(room, lines, row: dict, mapping: dict | None, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        room.traces.import_file(lines(json.dumps(row)), "bad", mapping=mapping, teacher_name="t")
    assert room.traces.page().count == 0
    room.traces.import_file(lines(json.dumps({"prompt": "p", "response": "r"})), "bad", teacher_name="t")
