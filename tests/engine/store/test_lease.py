"""Claims on rows: one holder at a time, told apart by epoch, and alive as far as can be told."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, create_engine, insert, select, update

from studio.engine.store.lease import FREED, HOST, Claim, has_ended, holder_name, is_held

WORK = Table(
    "work", MetaData(), Column("id", Integer, primary_key=True), Column("holder", String),
    Column("held_until", Float), Column("epoch", Integer),
)  # fmt: skip


def row(holder: str | None, until: float | None, epoch: int = 0) -> SimpleNamespace:
    return SimpleNamespace(holder=holder, held_until=until, epoch=epoch)


@pytest.fixture(scope="module")
def ended() -> str:
    """The name of a holder whose process is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return holder_name(process.pid)


def test_a_row_is_held_until_its_time_is_over(ended: str) -> None:
    soon, before = time.time() + 60, time.time() - 1
    assert is_held(row(holder_name(), soon)) and not is_held(row(holder_name(), before))
    assert is_held(row("elsewhere:1:abc", soon)) and is_held(row("elsewhere:1", soon))
    assert not is_held(row(None, None)) and not is_held(row(None, soon))


def test_a_process_of_this_machine_that_ended_holds_nothing(ended: str) -> None:
    soon = time.time() + 60
    assert has_ended(ended) and has_ended(ended.rpartition(":")[0]) and not has_ended(holder_name())
    assert not is_held(row(ended, soon))


def test_of_another_machine_of_the_same_name_only_time_tells(ended: str) -> None:
    name, _, process = ended.partition(":")
    other = f"{name.partition('~')[0]}~0f{name.partition('~')[2][2:]}:{process}"
    assert not has_ended(other) and is_held(row(other, time.time() + 60))
    assert not is_held(row(other, time.time() - 1))


def test_a_machine_keeps_its_number_from_process_to_process() -> None:
    said = [sys.executable, "-c", "from studio.engine.store.lease import HOST; print(HOST)"]
    assert subprocess.run(said, capture_output=True, text=True, check=True).stdout.strip() == HOST
    assert HOST.partition("~")[2] and ":" not in HOST


def test_only_the_newest_claim_may_write() -> None:
    with create_engine("sqlite://").begin() as connection:
        WORK.metadata.create_all(connection)
        connection.execute(insert(WORK).values(id=1, epoch=3))
        read = connection.execute(select(WORK)).one()
        first, second = Claim.next(1, read), Claim.next(1, read)
        for claim, count in ((first, 1), (second, 0)):
            taken = connection.execute(update(WORK).where(claim.taking(WORK.c)).values(**claim.values()))
            assert taken.rowcount == count, "both read the same row; only one takes it"
        assert is_held(connection.execute(select(WORK)).one())
        later = Claim.next(1, connection.execute(select(WORK)).one())
        connection.execute(update(WORK).where(later.taking(WORK.c)).values(**later.values()))
        for claim, count in ((first, 0), (second, 0), (later, 1)):
            freed = update(WORK).where(claim.holding(WORK.c)).values(**FREED)
            assert connection.execute(freed).rowcount == count
        assert not is_held(connection.execute(select(WORK)).one())


def test_a_process_of_another_namespace_is_not_known_to_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers may have one name: a number that is free here may be at work there."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert has_ended(holder_name(ended.pid))
    name = holder_name(ended.pid)
    monkeypatch.setattr("studio.engine.store.lease.HOST", f"{HOST}/4026532000")
    assert not has_ended(name) and has_ended(holder_name(ended.pid))
