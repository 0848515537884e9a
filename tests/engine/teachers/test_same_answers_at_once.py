"""Two runs that want the same answers at the same moment pay for them once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from collecting_rooms import Rooms, rooms_on
from scripted import answering

from studio.engine.prompts.record import NewPrompt
from studio.engine.store.database import Database
from studio.engine.teachers.invocation import rows_of
from studio.engine.teachers.plans.run_plan import RunPlan
from studio.engine.teachers.runs import requests
from studio.engine.teachers.runs.kept_answers import Kept, Timing
from studio.engine.teachers.runs.run_lease import claim_run
from studio.engine.teachers.runs.run_store import RunStore
from studio.engine.teachers.wire.reply import read_reply


def ledger_of(rooms: Rooms, name: str) -> RunStore:
    run_id = rooms.collecting.get(name).id or 0
    lease = claim_run(rooms.database, run_id)
    run, teacher, source = rows_of(rooms.database, run_id)
    return RunStore(rooms.database, run, teacher, RunPlan.from_settings(run.settings), lease, source)


@pytest.mark.parametrize("known", [False, True], ids=["never asked", "asked and given back"])
def test_requests_are_taken_by_one_run_alone(database: Database, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    rooms = rooms_on(database)
    rooms.add_teacher("http://127.0.0.1:9/v1")
    rooms.add_prompts(20)
    first, second = (
        ledger_of(rooms, rooms.collecting.create("scripted", "questions", name=name).name) for name in ("a", "b")
    )
    if known:
        first.give_back(list({one.request_id: one for one in first.next_page(-1, 50, []).to_ask}))
    read, order = threading.Event(), []
    write_down = requests._write_down

    def slowly(*args: Any) -> None:
        order.append(1)
        if len(order) == 1:
            read.set()
            time.sleep(0.5)  # The other one gets to read what is not written down yet.
        write_down(*args)

    monkeypatch.setattr(requests, "_write_down", slowly)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first.next_page, -1, 50, [])
        assert read.wait(10)
        other = threads.submit(second.next_page, -1, 50, [])
        taken, left = one.result(30), other.result(30)
    assert (len(taken.to_ask), len(left.to_ask), left.deferred) == (20, 0, 20)


def test_runs_in_opposite_orders_do_not_lock_each_other_out(database: Database) -> None:
    """One keeps answers in one order while the other looks at the same questions in another."""
    rooms = rooms_on(database)
    rooms.add_teacher("http://127.0.0.1:9/v1")
    texts = rooms.add_prompts(200)
    rooms.prompts.add("backwards", "import", [NewPrompt(text=text) for text in reversed(texts)])
    first, second = (
        ledger_of(rooms, rooms.collecting.create("scripted", source, name=name).name)
        for name, source in (("a", "questions"), ("b", "backwards"))
    )
    raw = answering({"model": "m", "messages": [{"content": "x"}]}).body.encode()
    questions = list(reversed(first.next_page(-1, 200, []).to_ask))
    kept = threading.Event()

    def look() -> None:
        while not kept.is_set():
            second.next_page(-1, 200, [])

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        try:
            for start in range(0, 200, 50):
                some = questions[start : start + 50]
                first.keep([Kept(one, read_reply("t", raw, one.messages), Timing(0, 0)) for one in some])
        finally:
            kept.set()
        looking.result(60)
    second.next_page(-1, 200, [])
    runs = [rooms.collecting.get(name) for name in "ab"]
    assert [(run.completed, run.attempts, run.reused) for run in runs] == [(200, 200, 0), (200, 0, 200)]
