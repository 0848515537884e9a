"""Servers that send a question on elsewhere, and fields of a teacher that no database or address can hold."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import Rooms
from scripted import Reply, ScriptedTeacher

from studio.engine.errors import BadInput
from studio.engine.store.database import Database
from studio.engine.teachers.batch.api import BatchApi
from studio.engine.teachers.plans.mix import read_mix
from studio.engine.teachers.plans.run_plan import RunPlan, check_plan
from studio.engine.teachers.wire.client import TeacherClient
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.faults import Fault, FaultKind

KEY = "sk-odd-0123456789abcdef"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_neither_key_nor_question_follows_to_another_address(
    scripted: Callable[..., ScriptedTeacher], status: int
) -> None:
    """Azure's header would be sent to whatever host the answer names."""
    elsewhere = scripted()
    at = elsewhere.base_url.replace("127.0.0.1", "localhost")
    moved = scripted(lambda *_: Reply(status, "", {"Location": f"{at}/chat/completions?k={KEY}"}))
    base_url = f"{moved.base_url}?api-version=2024-10-21"
    fault = asyncio.run(refusal(Endpoint("The teacher 't'", base_url, "m", KEY, timeout=5, concurrency=1)))
    assert (fault.kind, fault.status) == (FaultKind.NOT_FOUND, status)
    assert f"HTTP {status}" in fault.text and at in fault.text and KEY not in fault.text
    assert not elsewhere.bodies


async def refusal(endpoint: Endpoint) -> Fault:
    async with TeacherClient(endpoint) as client:
        with pytest.raises(Fault) as caught:
            await client.ask([{"role": "user", "content": "hello"}], {})
    return caught.value


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "a\0b"},
        {"model": "\x1b[31mred"},
        {"model": "m" * 5000},
        {"base_url": "http://a b/v1"},
        {"base_url": "http://h/v1\u202e"},
        {"base_url": "http://" + "h" * 5000},
        {"base_url": "https://h/v1?api-key=0123456789"},
        {"base_url": "https://h/v1?key=0123456789"},
        {"terms_note": "a\0b"},
        {"terms_note": "x" * 50_000},
        {"rpm": 2**31},
        {"tpm": 2**40},
    ],
)
def test_a_field_that_cannot_be_kept_is_refused(rooms: Rooms, changes: dict[str, Any]) -> None:
    given = {"base_url": "http://h/v1", "model": "m"} | changes
    with pytest.raises(BadInput) as caught:
        rooms.teachers.add("t", **given)
    assert "0123456789" not in caught.value.message
    assert not rooms.teachers.list()


def test_azures_version_stays_in_the_address(rooms: Rooms) -> None:
    address = "https://me.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21"
    assert rooms.teachers.add("t", address, "gpt").base_url == address


def test_the_highest_limits_are_kept(database: Database) -> None:
    """On either database: a number that fits one of them and not the other is found late."""
    from collecting_rooms import rooms_on

    teachers = rooms_on(database).teachers
    teachers.add("t", "http://h/v1", "m", rpm=2**31 - 1, tpm=2**31 - 1)
    assert teachers.get("t").tokens_per_minute == 2**31 - 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**70, "\ud800", {"deep": [float("nan")]}])
def test_a_parameter_that_would_arrive_as_another_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match="'temperature' cannot be sent"):
        check_plan(RunPlan(parameters={"temperature": value}))


@pytest.mark.parametrize("weight", [10**400, float("nan"), float("inf")])
def test_a_weight_beyond_all_numbers_is_refused(weight: Any) -> None:
    with pytest.raises(BadInput, match="must be a number"):
        read_mix({"system_messages": {"brief": weight}})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_batch_follows_to_another_address(scripted: Callable[..., ScriptedTeacher], status: int) -> None:
    elsewhere = scripted()
    at = elsewhere.base_url.replace("127.0.0.1", "localhost")
    moved = scripted(lambda *_: Reply(status, "", {"Location": f"{at}/batches?k={KEY}"}))
    endpoint = Endpoint("The teacher 't'", f"{moved.base_url}?api-version=1", "m", KEY, timeout=5, concurrency=1)
    with BatchApi(endpoint) as api, pytest.raises(Fault) as caught:
        api.create("file-1", "token")
    assert (caught.value.kind, caught.value.status) == (FaultKind.NOT_FOUND, status)
    assert at in caught.value.text and KEY not in caught.value.text
    assert not elsewhere.bodies and len(moved.bodies) == 1
