"""Traces to files and from files."""

import json
from pathlib import Path

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, Failed, NameTaken, Stopped
from studio.engine.jobs.queue import claim
from studio.engine.store.artifacts import sha256_of
from studio.engine.store.tables import Job, Run
from studio.engine.traces import TraceFilter
from studio.engine.traces.exporting import ExportOptions
from studio.engine.traces.paging import PAGE


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


def test_an_export_is_a_job_that_says_how_far_it_is_and_leaves_nothing_when_stopped(room, tmp_path: Path) -> None:
    room.write(*[(f"p{n}", f"r{n}") for n in range(PAGE + 5)])
    exports, jobs, out = room.studio.trace_exports, room.studio.jobs, tmp_path / "out.jsonl"
    seen: list[tuple[int, int | None]] = []
    report = exports.run_here(
        out, TraceFilter(), ExportOptions(), on_progress=lambda done, total, _: seen.append((done, total))
    )
    assert report == {"rows": PAGE + 5, "path": str(out), "sha256": sha256_of(out)}
    assert seen == [(PAGE, PAGE + 5)] and len(out.read_text().splitlines()) == PAGE + 5

    job = exports.start(tmp_path / "other.parquet", TraceFilter(), ExportOptions("parquet"))

    def stopped(*_: object) -> None:
        raise Stopped("It was stopped.")

    with pytest.raises(Stopped):
        room.traces.export(tmp_path / "third.jsonl", progress=stopped)
    assert [path.name for path in tmp_path.iterdir() if "out" not in path.name and path.is_file()] == []
    assert jobs.run_here(job.id)["rows"] == PAGE + 5


def test_what_a_killed_export_left_beside_its_file_is_removed_by_its_next_try(room, tmp_path: Path) -> None:
    room.write(("p", "r"))
    job = room.studio.trace_exports.start(tmp_path / "out.jsonl", TraceFilter(), ExportOptions())
    (tmp_path / f".out.jsonl.job{job.id}-abc").write_text("half")
    (tmp_path / f".out.jsonl.job{job.id + 10}-abc").write_text("of another job")
    assert room.studio.jobs.run_here(job.id)["rows"] == 1
    assert sorted(path.name for path in tmp_path.glob(".out*")) == [f".out.jsonl.job{job.id + 10}-abc"]


def test_what_killed_exports_left_is_removed_when_the_next_one_is_asked_for(room, tmp_path: Path) -> None:
    room.write(("p", "r"))
    exports, jobs = room.studio.trace_exports, room.studio.jobs
    names = ("stopped", "killed", "at work")
    stopped, killed, at_work = (exports.start(tmp_path / name, TraceFilter(), ExportOptions()).id for name in names)
    for name, job_id in zip(names, (stopped, killed, at_work), strict=True):
        (tmp_path / f".{name}.job{job_id}-abc").write_text("half")
    (tmp_path / f".stopped.job{killed}-abc").write_text("of another workspace's job")
    jobs.stop(stopped)
    for job_id in (killed, at_work):
        assert claim(room.database, job_id) is not None
    with room.database.session() as session:
        job = session.get_one(Job, killed)
        job.held_until, job.holder = 0.0, "elsewhere:1"
    exports.run_here(tmp_path / "next", TraceFilter(), ExportOptions())
    left = sorted(path.name for path in tmp_path.glob(".*"))
    assert left == [f".at work.job{at_work}-abc", f".stopped.job{killed}-abc"]


@pytest.mark.parametrize("before", [None, "as it was"])
def test_an_export_that_comes_back_leaves_a_newer_file_alone(room, tmp_path: Path, before: str | None) -> None:
    room.write(("p", "r"))
    jobs, out = room.studio.jobs, tmp_path / "out.jsonl"
    if before is not None:
        out.write_text(before)
    overtaken, untouched = (
        room.studio.trace_exports.start(path, TraceFilter(), ExportOptions()).id
        for path in (out, tmp_path / "other.jsonl")
    )
    for job_id in (overtaken, untouched):
        assert claim(room.database, job_id) is not None
        with room.database.session() as session:
            session.get_one(Job, job_id).held_until = 0.0
    out.write_text("newer")
    with pytest.raises(Failed, match="was written after this export was asked for"):
        jobs.run_here(overtaken)
    assert out.read_text() == "newer" and jobs.get(overtaken).state == "failed"
    assert [path.name for path in tmp_path.glob(".o*")] == []
    assert jobs.run_here(untouched)["rows"] == 1


def test_a_file_that_is_written_during_an_export_that_came_back_is_left_alone(room, tmp_path: Path) -> None:
    room.write(("p", "r"))
    out = tmp_path / "out.parquet"
    with pytest.raises(Failed, match="is left as it is"):
        room.traces.export(out, format="parquet", only_over="", progress=lambda *_: out.write_text("newer"))
    assert out.read_text() == "newer" and [path.name for path in tmp_path.glob(".out*")] == []
    assert room.traces.export(out, format="parquet")["rows"] == 1


def test_an_export_is_readable_like_any_file_and_follows_a_link(room, tmp_path: Path) -> None:
    room.write(("p", "r"))
    far, link, plain = tmp_path / "far" / "out.jsonl", tmp_path / "link.jsonl", tmp_path / "plain"
    far.parent.mkdir()
    far.write_text("old")
    far.chmod(0o604)
    link.symlink_to(far)
    plain.touch()
    job = room.studio.trace_exports.start(link, TraceFilter(), ExportOptions())
    left = far.with_name(f".out.jsonl.job{job.id}-abc")
    left.write_text("half")
    room.studio.jobs.run_here(job.id)
    assert link.is_symlink() and json.loads(far.read_text()) and not left.exists()
    room.traces.export(tmp_path / "new.jsonl")
    modes = [path.stat().st_mode & 0o777 for path in (far, tmp_path / "new.jsonl", plain)]
    assert modes == [0o604, modes[2], modes[2]]


def test_an_export_of_nothing_or_to_nowhere_leaves_no_job(room, tmp_path: Path) -> None:
    start = room.studio.trace_exports.start
    with pytest.raises(BadInput, match="No trace matches"):
        start(tmp_path / "out.jsonl", TraceFilter(), ExportOptions())
    room.write(("p", "r"))
    for path, format in ((tmp_path, "messages"), (tmp_path / "no" / "x", "messages"), (tmp_path / "x", "word")):
        with pytest.raises(BadInput):
            start(path, TraceFilter(), ExportOptions(format))
    assert room.studio.jobs.list() == []
