"""Answers that exist already come in as traces with all that their file says, seen whole or not at all."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts.cleaning import Rules
from studio.engine.store.tables import Run, Trace
from studio.engine.traces import TraceFilter, arriving, importing

GOOD = "This is a good answer to it."
CHILD = """
import sys, time
from pathlib import Path
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.studio import studio_in
from studio.engine.traces import importing
importing.BATCH_ROWS = 10
def told(done, total, message):
    if message.startswith("bytes read: 30 answers"):
        print("written", flush=True)
        time.sleep(60)
database = Database(Settings(workspace=Path(sys.argv[1]), database_url=sys.argv[2]))
studio_in(database).traces.import_file(Path(sys.argv[4]), "killed", teacher_name="t", progress=told)
"""


def texts(room: Any, run: str) -> list[Any]:
    page = room.traces.page(TraceFilter.parse({"run": run}), limit=500)
    return room.traces.details(row.id for row in page.rows)


def numbered(lines: Any, count: int) -> Path:
    return lines(*(json.dumps({"prompt": f"question {n}", "response": f"answer {n}"}) for n in range(count)))


def test_answers_are_brought_in_by_somebody(room, lines) -> None:
    room.traces.import_file(numbered(lines, 2), "mine", teacher_name="t")
    with room.database.session() as session:
        run = session.scalars(select(Run).where(Run.name == "mine")).one()
    assert run.person_id == room.traces.access.actor.person_id > 0


def test_a_providers_log_keeps_what_it_says(room, lines) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"}]
    choice = {
        "message": {"role": "assistant", "content": "2", "reasoning_content": "one and one"},
        "finish_reason": "length",
    }
    usage = {"prompt_tokens": 20, "completion_tokens": 7}
    row = {
        "request": {"model": "gpt", "messages": messages},
        "response": {"model": "gpt-1", "choices": [choice], "usage": usage},
    }
    report = room.traces.import_file(lines(json.dumps(row)), "log", teacher_name="openai", terms="no")
    assert report == {"run": "log", "imported": 1, "skipped": 0, "reasons": {}, "examples": []}
    (detail,) = texts(room, "log")
    trace = detail.trace
    assert (trace.teacher, trace.terms, trace.model, trace.finish_reason) == ("openai", "no", "gpt-1", "length")
    assert (trace.input_tokens, trace.output_tokens, trace.flags) == (20, 7, ["length"])
    assert (trace.system_message, detail.text.system_message) == ("own", "Be brief.")
    assert (detail.text.response, detail.text.reasoning) == ("2", "one and one")


def test_columns_of_a_log_are_kept_too(room, lines) -> None:
    row = {
        "prompt": "p",
        "response": "r",
        "model": "m1",
        "finish_reason": "stop",
        "output_tokens": 3,
        "collection": "cot",
    }
    room.traces.import_file(lines(json.dumps(row)), "log", teacher_name="t")
    (detail,) = texts(room, "log")
    trace = detail.trace
    assert (trace.model, trace.finish_reason, trace.output_tokens, trace.collection) == ("m1", "stop", 3, "cot")


def test_openorca_brings_system_message_and_collection(room, lines) -> None:
    row = {"id": "niv.7", "system_prompt": "Think.", "question": "2+2?", "response": "4"}
    room.traces.import_file(lines(json.dumps(row)), "orca", teacher_name="gpt-4")
    (detail,) = texts(room, "orca")
    assert (detail.trace.collection, detail.trace.task, detail.text.system_message) == ("niv", "niv", "Think.")


def test_every_turn_of_a_conversation_when_asked_for(room, lines) -> None:
    said = [("human", "one"), ("gpt", "first"), ("human", "two"), ("gpt", "second"), ("human", "three")]
    file = lines(json.dumps({"conversations": [{"from": role, "value": value} for role, value in said]}))
    with pytest.raises(BadInput, match="no response"):
        room.traces.import_file(file, "last", teacher_name="t")
    report = room.traces.import_file(file, "every", teacher_name="t", every_turn=True)
    assert report["imported"] == 2
    assert [(one.text.prompt, one.text.response, len(one.text.messages or [])) for one in texts(room, "every")] == [
        ("one", "first", 0), ("two", "second", 3),
    ]  # fmt: skip


def test_cleaning_counts_by_rule_in_report_and_run(room, lines) -> None:
    def row(id: str, *said: str) -> str:
        roles = ("human", "gpt") * 9
        return json.dumps(
            {"id": id, "conversations": [{"from": r, "value": v} for r, v in zip(roles, said, strict=False)]}
        )

    file = lines(
        row("1", "one", GOOD, "unanswered"), row("2", "two", "no"), row("3", "three", "OpenAI made me, you know.")
    )
    report = room.traces.import_file(file, "clean", teacher_name="t", rules=Rules())
    assert (report["imported"], report["skipped"]) == (1, 2)
    assert {rule: n for rule, n in report["cleaning"].items() if n} == {"trailing": 1, "short": 1, "provider": 1}
    with room.database.session() as session:
        settings = session.scalars(select(Run)).one().settings
    assert (settings["cleaning"], settings["imported"]) == (report["cleaning"], 1)
    assert settings["rules"]["off"] == []


def test_single_answers_are_cleaned_as_conversations_of_one_exchange(room, lines) -> None:
    rows = [
        {"instruction": "Say it", "input": "", "output": "no"},
        {"instruction": "Add", "input": "1, 2", "output": GOOD},
        {"instruction": "Add", "input": "1, 2", "output": GOOD},
    ]
    report = room.traces.import_file(lines(*map(json.dumps, rows)), "clean", teacher_name="t", rules=Rules())
    assert {rule: n for rule, n in report["cleaning"].items() if n} == {"short": 1, "same-opening": 1}
    assert [(one.text.prompt, one.text.response) for one in texts(room, "clean")] == [("Add\n\n1, 2", GOOD)]


def test_a_preview_shows_answers_and_stores_nothing(room, lines) -> None:
    file = lines(json.dumps({"q": "p", "a": "r"}), json.dumps({"q": "p2", "a": ""}))
    found = room.traces.preview_file(file, mapping={"prompt": "q", "response": "a"})
    assert ([row.text for row in found.rows], [reply.text for reply in found.replies]) == (["p"], ["r"])
    assert (found.mapping, [str(skip) for skip in found.skips]) == ({"prompt": "q", "response": "a"}, ["no response"])
    with pytest.raises(NotFound):
        room.traces.page(TraceFilter.parse({"run": "new"}))


@pytest.mark.parametrize(
    ("name", "teacher", "terms", "words"),
    [
        ("", "t", "yes", "name of the run"),
        ("r", " ", "yes", "name of the teacher"),
        ("r", "t", "maybe", "Terms are yes"),
    ],
)
def test_names_and_terms_are_checked_first(room, lines, name: str, teacher: str, terms: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        room.traces.import_file(numbered(lines, 2), name, teacher_name=teacher, terms=terms)
    with room.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0


# --- whole or not at all


def test_a_killed_import_is_seen_by_nobody_and_cleared_away(room, lines, tmp_path: Path) -> None:
    settings, file = room.database.settings, numbered(lines, 50)
    room.write(("before", "mine"))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, settings.workspace, settings.database_url or "", str(room.project_id), file],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "written\n"
        with room.database.session() as session:
            assert session.scalar(select(func.count()).select_from(Trace)) == 31
        assert room.traces.page().count == 1
        assert room.traces.page(TraceFilter(query="answer")).rows == []
        assert room.traces.page(TraceFilter.parse({"run": "killed"})).count == 0
        assert room.traces.export(tmp_path / "all.jsonl")["rows"] == 1
        assert room.traces.label(TraceFilter(), "keep").changed == 1
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
    assert room.traces.import_file(file, "killed", teacher_name="t")["imported"] == 50
    assert room.traces.page().count == 51
    assert len(room.traces.page(TraceFilter(query="answer 7")).rows) == 1
    with room.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Trace)) == 51
        assert session.scalar(text("SELECT count(*) FROM trace_text")) == 51


def test_a_failure_late_in_a_file_leaves_nothing(room, lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 3)
    monkeypatch.setattr(arriving, "CLEARED_ROWS", 4)

    def told(done: int, total: int | None, message: str) -> None:
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.traces.import_file(numbered(lines, 20), "broken", teacher_name="t", progress=told)
    with room.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Trace)) == 0
        assert session.scalar(select(func.count()).select_from(Run)) == 0
    assert room.traces.import_file(numbered(lines, 20), "broken", teacher_name="t")["imported"] == 20


def test_two_imports_of_one_name_do_not_mix(room, lines) -> None:
    file = numbered(lines, 5)
    faults: list[str] = []

    def told(done: int, total: int | None, message: str) -> None:
        with pytest.raises(BadInput) as caught:
            room.traces.import_file(file, "same", teacher_name="t")
        faults.append(caught.value.message)

    assert room.traces.import_file(file, "same", teacher_name="t", progress=told)["imported"] == 5
    assert faults == ["The run 'same' is being written at this moment. Wait for it, or choose another name."]


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "mapping", "imported", "reasons"),
    [
        ("sharegpt/dummy_conversation.json", None, 500, {}),
        ("t0/t0_sample.jsonl.gz", None, 10_686, {"duplicate": 162, "no response": 280}),
        (
            "gsm8k/example_model_solutions.jsonl",
            {"prompt": "question", "response": "175b_verification.solution", "answer": "ground_truth"},
            1319,
            {},
        ),
    ],
)
def test_real_answers_come_in(
    room, data: Path, file: str, mapping: dict[str, str] | None, imported: int, reasons: dict[str, int]
) -> None:
    report = room.traces.import_file(data / file, "real", mapping=mapping, teacher_name="t")
    assert (report["imported"], report["reasons"]) == (imported, reasons)


def test_what_turns_carry_is_exported_again(room, lines, tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = [
        {"role": "user", "content": "Weather?", "name": "ada"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "18 degrees", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is 18 degrees."},
    ]
    room.traces.import_file(lines(json.dumps({"messages": said})), "tools", teacher_name="t")
    room.traces.export(tmp_path / "m.jsonl")
    written = json.loads((tmp_path / "m.jsonl").read_text())["messages"]
    assert written == [said[0], {**said[1], "content": ""}, *said[2:]]
    room.traces.export(tmp_path / "a.json", format="alpaca")
    (row,) = json.loads((tmp_path / "a.json").read_text())
    assert (row["instruction"], row["output"]) == ("Weather?", "It is 18 degrees.")
    room.traces.export(tmp_path / "s.json", format="sharegpt")
    (row,) = json.loads((tmp_path / "s.json").read_text())
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt", "tool", "gpt"]
    assert room.traces.export(tmp_path / "t.parquet", format="parquet")["rows"] == 1
    assert sum(room.datasets.freeze("tools")["rows"].values()) == 1
