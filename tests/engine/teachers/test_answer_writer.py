"""How answers are kept: together, one by one when one is bad, and patiently when the disk is full."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from studio.engine.errors import Failed, Lost
from studio.engine.store.database import BUSY_SECONDS
from studio.engine.teachers.runs import answer_writer
from studio.engine.teachers.runs.answer_writer import AnswerWriter
from studio.engine.teachers.runs.kept_answers import Kept


def kept(names: Sequence[str], commit: Callable[[Sequence[Kept]], None]) -> list[BaseException | None]:
    async def run() -> list[BaseException | None]:
        house = AnswerWriter(commit)
        try:
            return await asyncio.gather(*(house.keep(cast(Kept, name)) for name in names), return_exceptions=True)
        finally:
            await house.close()

    return asyncio.run(run())


def test_answers_that_arrive_together_share_a_transaction() -> None:
    commits: list[list[Any]] = []
    assert kept("abcdef", lambda rows: commits.append(list(rows))) == [None] * 6
    assert commits == [list("abcdef")]


def test_one_bad_row_does_not_take_the_others_with_it() -> None:
    stored: list[Any] = []

    def commit(rows: Sequence[Any]) -> None:
        if "x" in rows:
            raise ValueError("not this one")
        stored.extend(rows)

    outcome = kept("abxcd", commit)
    assert stored == list("abcd")
    assert [type(trouble) for trouble in outcome] == [type(None), type(None), ValueError, type(None), type(None)]


def test_a_disk_that_is_full_for_a_moment_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_writer, "AGAIN", 0.01)
    stored: list[Any] = []
    tries = iter(range(100))

    def commit(rows: Sequence[Any]) -> None:
        if next(tries) < 5:
            raise Failed("There is no disk space left.")
        stored.extend(rows)

    assert kept("ab", commit) == [None, None]
    assert stored == ["a", "b"]


def test_answers_outlast_several_writes_that_wait_in_vain_for_a_locked_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_writer, "AGAIN", 0.01)
    clock = [0.0]
    monkeypatch.setattr(answer_writer, "monotonic", lambda: clock[0])
    stored: list[Any] = []

    def commit(rows: Sequence[Any]) -> None:
        clock[0] += BUSY_SECONDS
        if clock[0] <= 4 * BUSY_SECONDS:
            raise Failed("Another process has kept the database busy.")
        stored.extend(rows)

    assert kept("ab", commit) == [None, None]
    assert stored == ["a", "b"]


def test_a_disk_that_stays_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_writer, "AGAIN", 0.01)
    monkeypatch.setattr(answer_writer, "FULL_DISK_SECONDS", 0.05)

    def commit(rows: Sequence[Any]) -> None:
        raise Failed("There is no disk space left.")

    assert [str(trouble) for trouble in kept("ab", commit)] == ["There is no disk space left."] * 2


def test_a_lost_run_is_not_tried_again() -> None:
    calls: list[int] = []

    def commit(rows: Sequence[Any]) -> None:
        calls.append(threading.get_ident())
        raise Lost("Another process has it.")

    assert [type(trouble) for trouble in kept("a", commit)] == [Lost]
    assert len(calls) == 1
