"""The promises of collecting, kept through the command line against the benchmarks' server: short versions of
`tests/benchmarks/killing.py` and `faults.py`, read back with plain SQL."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from scene import GOOD, Scene
from serving import Served, answers_by_row, served
from store_check import kept_in, rows_kept
from studio_runs import Collecting, Workspace

CONCURRENCY = 16
PATIENCE = 60.0
"""Seconds after which a run that makes no way is taken to be stuck."""


@pytest.fixture
def place(tmp_path: Path, run_cli: Callable[..., Any]) -> Workspace:
    """A workspace that is furnished in this process, which saves the imports of many; `collect` has its own."""

    class Furnished(Workspace):
        def command(self, *arguments: object) -> dict[str, Any]:
            done = run_cli("--workspace", self.folder / "home", *arguments, "--json")
            assert done.code == 0, done.err
            return dict(done.json)

    return Furnished(tmp_path, core=None)


def until_asked(server: Served, collecting: Collecting, requests: int) -> None:
    """Waits until the server has seen so many requests."""
    until = time.monotonic() + PATIENCE
    while server.count()["requests"] < requests:
        assert collecting.process.poll() is None, collecting.err.read_text("utf-8")
        assert time.monotonic() < until, "no requests"
        time.sleep(0.01)


def test_kills_at_any_moment_lose_nothing_and_ask_nothing_twice_that_was_kept(place: Workspace) -> None:
    rows = 600
    with served(Scene(latency=0.02, jitter=0.015), core=None) as server:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=CONCURRENCY)
        collecting = place.collect()
        kept: set[int] = set()
        for asked in (70, 330):
            seen = len(server.log())
            until_asked(server, collecting, asked)
            collecting.kill()
            life = {entry.row for entry in server.log()[seen:]}
            assert not life & kept
            kept = rows_kept(place.database)
            assert len(life - kept) <= CONCURRENCY
            seen = len(server.log())
            collecting = place.resume()
        report = collecting.report(PATIENCE)
        log = server.log()
    assert (report["exit_code"], report["completed"], report["failed"]) == (0, rows, 0)
    assert kept_in(place.database).faults(rows) == []
    assert not {entry.row for entry in log[seen:]} & kept
    assert len(log) - rows <= 2 * CONCURRENCY


def test_a_teacher_with_every_fault_leaves_every_row_done_once(place: Workspace) -> None:
    rows = 500
    scene = Scene(
        latency=0.02, limited_share=0.06, error_share=0.04, malformed_share=0.02, hang_share=0.006, seed=3,
        retry_after_share=0.3,
    )  # fmt: skip
    with served(scene, core=None) as server:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=CONCURRENCY, timeout=1.5)
        report = place.collect().report(PATIENCE)
        log = server.log()
    kinds = Counter(entry.kind for entry in log)
    assert min(kinds[kind] for kind in ("limited", "error", "malformed", "hang")) > 0, "the server drew no faults"
    kept = kept_in(place.database)
    assert (report["exit_code"], report["completed"], report["failed"]) == (0, rows, 0)
    assert kept.faults(rows) == []
    assert kept.counts["attempts"] == len(log) == report["attempts"]
    assert max(answers_by_row(log).values()) == 1 and kinds[GOOD] == rows


def test_a_run_that_is_interrupted_keeps_what_was_paid_for(place: Workspace) -> None:
    rows = 600
    with served(Scene(latency=0.05, jitter=0.04), core=None) as server:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=CONCURRENCY)
        collecting = place.collect()
        until_asked(server, collecting, 100)
        collecting.interrupt()
        stopped = collecting.report(PATIENCE)
        asked = len(server.log())
        assert (stopped["exit_code"], stopped["stopped_by"]) == (0, "user")
        assert stopped["completed"] == asked == len(rows_kept(place.database)) < rows
        assert place.resume().report(PATIENCE)["completed"] == rows
        assert len(server.log()) == rows
    assert kept_in(place.database).faults(rows) == []


def test_no_second_of_a_limited_run_holds_more_than_its_share(place: Workspace) -> None:
    with served(Scene(latency=0.01, requests_per_minute=315), core=None) as server:
        place.add_prompts(400)
        place.add_teacher(server.base_url, concurrency=CONCURRENCY, rpm=300)
        collecting = place.collect()
        until_asked(server, collecting, 14)
        collecting.interrupt()
        collecting.report(PATIENCE)
        log = server.log()
    assert {entry.kind for entry in log} == {GOOD}
    assert sum(entry.arrived < log[0].arrived + 1 for entry in log) <= 8
