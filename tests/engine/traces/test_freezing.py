"""A freeze is a job in pieces: the same version as in one transaction, unseen until it is whole, gone on with after a
kill and taken back when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from written import write_trace

from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput, NotFound, Stopped
from studio.engine.jobs.execution import Interruption, execute
from studio.engine.jobs.queue import claim
from studio.engine.store.tables import Dataset, DatasetRow, Job
from studio.engine.studio import RUNNER
from studio.engine.traces import TraceFilter, arriving
from studio.engine.traces.dataset_writer import DatasetWriter
from studio.engine.traces.freezing import FreezeOptions
from studio.engine.traces.paging import PAGE

EVERYTHING = FreezeOptions(TraceFilter())
AS_ONE_TRANSACTION = [
    ({}, (2099, 0), "e5660b478a6a735272723df1c9619ac8b27a1294984b1546ac1e4991aa3b3cd1"),
    ({"test_share": 0.2, "seed": 3}, (1775, 324), "12e00caafea74ca8b2b2f4d5b0f7fc941482467d567ba22c8710be5db1dd7ea5"),
    ({"test_share": 0.2, "avoid": 1}, (1774, 324), "0528d17c175799947495671fcfedafc12458e2102f5b94aa75ce25b156d3e4fa"),
    ({"keep_system_message": True}, (2099, 0), "d6f37b9e3dee5741c4f51b74ccf755b3525954a4699da491f129606cd375649c"),
    ({"run": "second", "test_share": 0.5}, (400, 0),
     "f1ed683e51e50bf384b1afedd87caf5f13f4b0f832cf5608d293519abdedf061"),
]  # fmt: skip
"""(options, rows of the training and the test split, sha256) as the version before wrote them."""


def count_of(room: Any, table: Any) -> int:
    with room.database.session() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def growing(room: Any) -> list[Path]:
    return list(room.artifacts.folder.glob("growing-*"))


def test_the_same_traces_give_the_bytes_that_one_transaction_gave(room, lines) -> None:
    avoid = lines(json.dumps({"question": "Question 7?"}), json.dumps({"question": "Question 1500?"}))
    told = {"system_message_name": "long", "system_message_text": "Explain at length."}
    ids = room.write(*[(f"Question {n}?", f"Answer {n} 好." if n % 50 else " ") for n in range(2_600)], **told)
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
             {"role": "user", "content": "And?"}]  # fmt: skip
    other = {"run": "second", "messages": turns, "teacher": "bob", "terms": "no"}
    room.write(*[(f"question  {n}", f"b{n}") for n in range(400)], **other)
    room.traces.label(ids[::3], "reject")
    for options, (train, test), sha256 in AS_ONE_TRANSACTION:
        found = room.datasets.freeze("d", **{**options, **({"avoid": [avoid]} if "avoid" in options else {})})
        assert (found["sha256"], found["rows"]) == (sha256, {"train": train, "test": test})
        inside = {row["trace_id"]: row["split"] for row in room.datasets.rows("d")}
        with room.database.session() as session:
            mine = select(DatasetRow.trace_id, DatasetRow.split).where(
                DatasetRow.dataset_id == room.datasets.get("d").id
            )
            assert dict(session.execute(mine).all()) == inside and len(inside) == train + test
    funnel = dict(room.datasets.get("d-v3").detail["funnel"])
    assert funnel == {"matching": 3000, "rejected": 867, "empty": 34, "contaminated": 1, "kept": 2098}


def test_while_it_is_written_nobody_sees_it_and_its_name_is_taken(room) -> None:
    room.write(*[(f"p{n}", f"r{n}") for n in range(PAGE + 10)])
    room.datasets.freeze("d")
    seen: list[Any] = []

    def look(done: int, total: int | None, message: str) -> None:
        with pytest.raises(BadInput, match="being written at this moment"):
            room.datasets.freeze("d")
        with pytest.raises(BadInput, match="being frozen"):
            room.datasets.get("d-v2")
        overview = room.studio.overview().counts["datasets"]
        seen.append(([one.ref for one in room.datasets.list()], room.datasets.get("d").version, overview))
        assert count_of(room, Dataset) == 2 and (done, total) in ((PAGE, PAGE + 10), (PAGE + 10, PAGE + 10))

    assert room.datasets.freeze("d", progress=look)["version"] == 2
    assert seen == [(["d-v1"], 1, 1)] * 2
    assert room.datasets.get("d").version == 2 and count_of(room, DatasetRow) == 2 * (PAGE + 10)


def test_what_arrives_or_is_whole_only_later_is_not_in_it(room) -> None:
    room.write(*[(f"p{n}", f"r{n}") for n in range(PAGE)])
    arrival = arriving.begin(room.database, room.project_id, "late")
    later = {"system_message_name": "", "system_message_text": "", "teacher": "t", "model": "m", "terms": "yes"}

    def arrive(done: int, total: int | None, message: str) -> None:
        if not seen:
            arriving.finish(arrival, {}, None)
            room.write(("new", "new"), run="newer")
        seen.append(done)

    with arrival.piece() as session:
        write_trace(session, run=arrival.row, prompt_text="x", response="y", **later)
    room.write(("last", "last"), run="again")
    seen: list[int] = []
    assert room.datasets.freeze("d", progress=arrive)["rows"]["train"] == PAGE + 1
    assert room.datasets.freeze("d")["rows"]["train"] == PAGE + 3


def test_a_search_is_asked_once_however_many_pages_it_finds(room, tmp_path: Path) -> None:
    ids = room.write(*[(f"needle {n}" if n % 2 else f"hay {n}", f"r{n}") for n in range(2 * PAGE + 20)])
    room.traces.label(ids[:10], "reject")
    wanted = [id for n, id in enumerate(ids) if n % 2]
    searches: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "MATCH" in statement or "@@" in statement:
            searches.append(statement)

    event.listen(room.database.engine, "before_cursor_execute", note)
    room.datasets.freeze("d", filter=TraceFilter(query="needle"), test_share=0.2)
    frozen, searches[:] = len(searches), []
    report = room.traces.export(tmp_path / "out.jsonl", filter=TraceFilter(query="needle"))
    event.remove(room.database.engine, "before_cursor_execute", note)
    assert [row["trace_id"] for row in room.datasets.rows("d")] == wanted[5:] and report["rows"] == len(wanted)
    assert 0 < frozen <= 3 and 0 < len(searches) <= 2


CHILD = """
import os, signal, sys
from studio.engine import job_process
from studio.engine.traces.dataset_writer import DatasetWriter
write = DatasetWriter.write
def dying(self, *args):
    write(self, *args)
    os.kill(os.getpid(), signal.SIGKILL)
DatasetWriter.write = dying
from studio.engine.jobs.child import main
from studio.engine.studio import RUNNER
sys.exit(main(RUNNER, sys.argv[1:]))
"""


def killed(room: Any, job: Job) -> None:
    """Runs the job in a process that is killed after its first piece."""
    settings = room.studio.settings
    given = {
        "UNDERSTUDY_WORKSPACE": str(settings.workspace),
        "UNDERSTUDY_DATABASE_URL": room.database.settings.database_url,
    }
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(job.id)], env={**os.environ, **given}, capture_output=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    with room.database.session() as session:
        session.get_one(Job, job.id).held_until = 0


@pytest.fixture
def twelve_hundred(room) -> Any:
    """A room with a page of traces and some, and the digest of freezing them in one go."""
    ids = room.write(*[(f"Question {n}?", f"r{n}") for n in range(PAGE + 200)])
    room.traces.label(ids[:50], "reject")
    room.whole = room.datasets.freeze("whole", test_share=0.2)
    return room


def test_killed_it_is_unseen_and_the_next_worker_goes_on_where_it_was(
    twelve_hundred, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = twelve_hundred
    job = room.studio.freezes.start("d", FreezeOptions(TraceFilter(), test_share=0.2))
    killed(room, job)
    room.write(("later", "later"), run="later")
    assert [one.ref for one in room.datasets.list()] == ["whole-v1"] and len(growing(room)) == 1
    pieces: list[int] = []
    write = DatasetWriter.write

    def counted(self: DatasetWriter, sides: Any, so_far: Any) -> None:
        pieces.append(len(sides))
        write(self, sides, so_far)

    monkeypatch.setattr(DatasetWriter, "write", counted)
    assert room.studio.jobs.run_here(job.id) == {**room.whole, "dataset": "d"}
    assert pieces == [200] and growing(room) == []
    assert count_of(room, DatasetRow) == 2 * (PAGE + 150)
    assert room.datasets.get("d").detail == room.datasets.get("whole").detail


def test_put_down_by_a_worker_that_ends_it_keeps_what_it_has_and_goes_on(
    twelve_hundred, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, interruption, pieces = twelve_hundred, Interruption(), []
    job = room.studio.freezes.start("d", FreezeOptions(TraceFilter(), test_share=0.2))
    write = DatasetWriter.write

    def put_down(self: DatasetWriter, sides: Any, so_far: Any) -> None:
        pieces.append(len(sides))
        write(self, sides, so_far)
        interruption.ask(JobState.QUEUED)

    monkeypatch.setattr(DatasetWriter, "write", put_down)
    execute(room.database, RUNNER, claim(room.database, job.id), interruption=interruption)
    assert room.studio.jobs.get(job.id).state == "queued" and len(growing(room)) == 1
    with pytest.raises(BadInput, match="being written"):
        room.studio.freezes.start("d", EVERYTHING)
    assert room.studio.jobs.run_here(job.id) == {**room.whole, "dataset": "d"} and pieces == [950, 200]


def test_without_the_file_that_was_written_it_begins_anew(twelve_hundred) -> None:
    room = twelve_hundred
    job = room.studio.freezes.start("d", FreezeOptions(TraceFilter(), test_share=0.2))
    killed(room, job)
    [file] = growing(room)
    file.write_bytes(file.read_bytes()[:-10])
    assert room.studio.jobs.run_here(job.id) == {**room.whole, "dataset": "d"}
    assert growing(room) == [] and count_of(room, DatasetRow) == 2 * (PAGE + 150)


def test_killed_its_name_is_free_for_who_wants_it_and_nothing_of_it_is_left(twelve_hundred) -> None:
    room = twelve_hundred
    job = room.studio.freezes.start("d", EVERYTHING)
    killed(room, job)
    assert room.studio.freezes.run_here("d", EVERYTHING)["version"] == 1
    ended = room.studio.jobs.get(job.id)
    assert (ended.state, ended.subject_id) == ("stopped", None)
    assert growing(room) == [] and count_of(room, Dataset) == 2 and count_of(room, DatasetRow) == 2 * (PAGE + 150)


def test_what_was_killed_before_it_could_be_noted_is_removed_by_the_next_freeze(twelve_hundred) -> None:
    room = twelve_hundred
    job = room.studio.freezes.start("going-on", FreezeOptions(TraceFilter(), test_share=0.2))
    killed(room, job)
    [noted] = growing(room)
    code = (
        "import os, signal, sys; from pathlib import Path; from studio.engine.store.artifacts import Artifacts\n"
        "from studio.engine.store.growing_file import GrowingFile\n"
        "GrowingFile(Artifacts(Path(sys.argv[1]))).write(['half']); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(room.artifacts.folder)], check=False)
    assert len(growing(room)) == 2
    room.studio.freezes.run_here("d", EVERYTHING)
    assert growing(room) == [noted]
    assert room.studio.jobs.run_here(job.id) == {**room.whole, "dataset": "going-on"} and growing(room) == []


def test_stopped_it_is_taken_back_and_its_job_can_be_tried_again(twelve_hundred) -> None:
    room, jobs = twelve_hundred, twelve_hundred.studio.jobs
    job = room.studio.freezes.start("d", EVERYTHING)
    assert room.studio.freezes.newest().id == job.id

    def stop_and_let_it_hear(done: int, total: int | None, message: str) -> None:
        [running] = jobs.list("running")
        jobs.stop(running.id)
        until = time.monotonic() + 20
        while time.monotonic() < until and jobs.get(running.id).held_until == running.held_until:
            time.sleep(0.05)

    with pytest.raises(BadInput, match="being written"):
        room.studio.freezes.start("d", EVERYTHING)
    jobs.stop(job.id)
    with pytest.raises(Stopped, match="Nothing of it is kept"):
        room.studio.freezes.run_here("e", EVERYTHING, on_progress=stop_and_let_it_hear)
    assert [one.ref for one in room.datasets.list()] == ["whole-v1"] and growing(room) == []
    jobs.retry(job.id)
    assert jobs.run_here(job.id)["version"] == 1
    assert jobs.get(job.id).subject_id == room.datasets.get("d").id


def test_nothing_is_begun_for_what_can_be_told_at_once(room, lines, tmp_path: Path) -> None:
    start = room.studio.freezes.start
    with pytest.raises(BadInput, match="No trace matches"):
        start("d", EVERYTHING)
    room.write(("p", "r"))
    for name, options in (
        ("a/b", EVERYTHING),
        ("d", FreezeOptions(TraceFilter(), test_share=1)),
        ("d", FreezeOptions(TraceFilter(), avoid=[tmp_path / "none.jsonl"])),
        ("d", FreezeOptions(TraceFilter.parse({"label": "reject"}))),
    ):
        with pytest.raises(BadInput):
            start(name, options)
    with pytest.raises(NotFound, match="There are: first"):
        start("d", FreezeOptions(TraceFilter.parse({"run": "nowhere"})))
    assert room.studio.jobs.list() == [] and count_of(room, Dataset) == 0


def test_uploaded_files_to_keep_out_are_kept_until_it_is_done(room) -> None:
    room.write(("seen before", "r"), ("fresh", "r"))
    uploads = room.studio.settings.workspace / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    (uploads / "held.txt").write_text("seen before\n")
    job = room.studio.freezes.start("d", FreezeOptions(TraceFilter(), avoid=[uploads / "held.txt"]))
    (uploads / "held.txt").unlink()
    report = room.studio.jobs.run_here(job.id)
    assert (report["contaminated"], report["rows"]["train"]) == (1, 1)
    assert list(uploads.rglob("*.txt")) == []
