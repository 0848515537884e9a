"""Waiting before a repeat, and giving up."""

from datetime import UTC, datetime
from random import Random

import pytest

from studio.engine.teachers.wire.faults import Fault, FaultKind, kind_of_status
from studio.engine.teachers.wire.retry import Patience, delay_before_retry, retry_after_seconds

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
PATIENCE = Patience()


def delays(kind: FaultKind, *, answered: bool = False, retry_after: float | None = None) -> list[float]:
    fault, rng, found = Fault(kind, "x", retry_after=retry_after), Random(1), []
    while (delay := delay_before_retry(PATIENCE, fault, len(found) + 1, rng, answered_before=answered)) is not None:
        found.append(delay)
    return found


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    waits = delays(FaultKind.RATE_LIMITED, answered=True)
    for index, wait in enumerate(waits):
        whole = min(PATIENCE.longest, PATIENCE.base * 2**index)
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == len(waits)


@pytest.mark.parametrize(
    "kind", ["key_refused", "not_found", "bad_request", "not_recorded", "no_credit", "not_allowed"]
)
def test_what_cannot_pass_by_itself_is_not_repeated(kind: str) -> None:
    assert delays(FaultKind(kind)) == []


def test_a_limit_is_borne_longer_by_a_teacher_that_has_answered() -> None:
    assert len(delays(FaultKind.RATE_LIMITED, answered=True)) > len(delays(FaultKind.RATE_LIMITED))


def test_the_wait_a_teacher_names_is_kept_in_full() -> None:
    assert delays(FaultKind.RATE_LIMITED, retry_after=90.0) == [90.0] * (PATIENCE.tries - 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", "key_refused"), (403, "", "not_allowed"), (404, "", "not_found"), (429, "", "rate_limited"),
        (404, "no_recorded_answer", "not_recorded"), (429, "insufficient_quota", "no_credit"), (402, "", "no_credit"),
        (500, "", "server_error"), (503, "", "server_error"), (529, "", "server_error"), (400, "", "bad_request"),
        (422, "", "bad_request"), (408, "", "timeout"),
    ],
)  # fmt: skip
def test_statuses_have_kinds(status: int, code: str, kind: str) -> None:
    assert kind_of_status(status, code) == kind
