"""A run that asks question by question leaves alone what another run has paid a Batch API for."""

from collections.abc import Iterator

import pytest
from batch_provider import BatchProvider
from batch_rooms import carry_out, kept
from collecting_rooms import Rooms

from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.wire.retry import Patience


@pytest.fixture
def at() -> Iterator[BatchProvider]:
    one = BatchProvider(polls=10**9)
    yield one
    one.close()


def test_what_is_in_a_paid_batch_is_not_asked_by_another_run(rooms: Rooms, at: BatchProvider) -> None:
    """Nobody is collecting the first run; its batch is at the provider all the same. The provider answers nothing but
    batches, so a question asked live would fail."""
    rooms.add_teacher(at.base_url)
    texts = rooms.add_prompts(6)
    first = rooms.collecting.create("scripted", "questions", RunOptions(send="batch")).name
    carry_out(rooms, first, should_stop=lambda: at.calls["get:after"] > 1)
    second = rooms.collecting.create("scripted", "questions").name
    looks = [0]

    def enough() -> bool:
        looks[0] += 1
        return looks[0] > 8

    report = rooms.collecting.run(second, should_stop=enough, patience=Patience(base=0.01, longest=0.05))
    assert (report["stopped_by"], report["attempts"], report["failed"]) == ("user", 0, 0)

    at.polls = 0
    assert carry_out(rooms, first)["completed"] == 6
    report = rooms.collecting.run(second)
    assert (report["completed"], report["reused"]) == (6, 6)
    assert kept(rooms) == sorted([*texts, *texts]) and max(at.worked.values()) == 1
