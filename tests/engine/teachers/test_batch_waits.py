"""Calling batches back writes in short pieces: the answers to a large run arrive beside other writers."""

from collections.abc import Callable

import pytest
from batch_provider import BatchProvider
from batch_rooms import batches, carry_out, states
from collecting_rooms import Rooms
from long_work import rows_a_transaction, writing_beside

from studio.engine.prompts import NewPrompt
from studio.engine.teachers.plans import RunOptions

Start = Callable[..., BatchProvider]
FEW, MANY = 1_200, 200_000
MOST_ROWS = 2_600
"""Rows of one transaction: some hundreds of answers, each with its attempt, texts and index rows."""
LONGEST_WAIT = 1.0
"""Seconds."""


def sent(rooms: Rooms, provider: Start, count: int) -> str:
    """A run whose questions are all at the provider, which is at work on them."""
    at = provider(polls=10**9)
    rooms.add_teacher(at.base_url, "t")
    rooms.prompts.add("many", "import", [NewPrompt(f"Explain number {number}.") for number in range(count)])
    name = rooms.collecting.create("t", "many", RunOptions(send="batch"), name="run").name
    carry_out(rooms, name, should_stop=lambda: at.calls["get:after"] > 1)
    assert sum(batch.requests for batch in batches(rooms)) == count
    return name


def test_no_transaction_writes_many_rows(rooms: Rooms, provider: Start) -> None:
    name = sent(rooms, provider, FEW)
    with rows_a_transaction(rooms.database) as written:
        report = carry_out(rooms, name, cancel=True)
    assert report["completed"] == FEW and states(rooms) == {"done"}
    assert max(written) <= MOST_ROWS, sorted(written)[-3:]


@pytest.mark.slow
def test_others_write_while_200_000_answers_are_called_back(rooms: Rooms, provider: Start) -> None:
    name = sent(rooms, provider, MANY)
    with writing_beside(rooms.settings) as waits:
        report = carry_out(rooms, name, cancel=True)
    assert report["completed"] == MANY
    assert waits.longest < LONGEST_WAIT
