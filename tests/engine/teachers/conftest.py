"""A workspace's rooms for collecting, and a teacher that does whatever a test scripts."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batch_provider import BatchProvider
from collecting_rooms import Rooms, rooms_on
from scripted import Reply, ScriptedTeacher, answering

from studio.engine.store.database import Database


@pytest.fixture
def rooms(studio_database: Database) -> Rooms:
    return rooms_on(studio_database)


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedTeacher]]:
    """Starts a teacher whose script gives each request's reply; without one it answers everything."""
    started: list[ScriptedTeacher] = []

    def start(
        script: Callable[[int, dict[str, Any]], Reply] = lambda _number, body: answering(body),
    ) -> ScriptedTeacher:
        started.append(ScriptedTeacher(script))
        return started[-1]

    yield start
    for teacher in started:
        teacher.close()


@pytest.fixture
def provider() -> Iterator[Callable[..., BatchProvider]]:
    """Starts a provider with a Batch API; every one is closed when the test ends."""
    started: list[BatchProvider] = []

    def start(*arguments: Any, **options: Any) -> BatchProvider:
        started.append(BatchProvider(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
