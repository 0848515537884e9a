"""What replies' headers say about limits, and what the pace makes of it."""

import math
from random import Random

import pytest

from studio.engine.teachers.runs.pacer import Pacer, fair_share
from studio.engine.teachers.runs.throttle import IN_A_ROW, LOOKED_AT, Throttle
from studio.engine.teachers.wire.limits import rate_limits, seconds_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def headers(**named: object) -> dict[str, str]:
    return {f"x-ratelimit-{name.replace('_', '-')}": str(value) for name, value in named.items()}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("250ms", 0.25), ("1h2m3.5s", 3723.5), ("17", 17), ("", None), ("soon", None)],
)
def test_reset_times_are_read(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_replies_without_such_headers_tell_nothing() -> None:
    assert rate_limits({"content-type": "application/json"}) is None


def test_a_limit_per_day_is_not_taken_for_one_per_minute() -> None:
    told = rate_limits(headers(limit_requests=200, remaining_requests=100, reset_requests="12h0m0s"))
    assert told is not None and told.requests.per_minute is None
    told = rate_limits(headers(limit_requests=200, remaining_requests=199, reset_requests="300ms"))
    assert told is not None and told.requests.per_minute == 200


def test_the_pace_is_seeded_from_the_headers() -> None:
    clock = Clock()
    pacer = Pacer(clock=clock)
    assert pacer.wait() == 0
    told = rate_limits(headers(limit_requests=60, remaining_requests=59, reset_requests="1s"))
    assert told is not None
    pacer.learn(told, refused=False)
    assert pacer.requests_per_minute == 60
    pacer.take(0)
    pacer.take(0)
    assert pacer.wait() == pytest.approx(1.5, abs=0.1)


def test_a_configured_limit_is_lowered_by_the_headers_and_never_raised() -> None:
    pacer = Pacer(100)
    for limit, in_force in ((600, 100), (50, 50)):
        told = rate_limits(headers(limit_requests=limit))
        assert told is not None
        pacer.learn(told, refused=False)
        assert pacer.requests_per_minute == in_force


def test_nothing_left_holds_back_for_the_reset_after_a_refusal_and_a_moment_after_an_answer() -> None:
    told = rate_limits(headers(limit_requests=60, remaining_requests=0, reset_requests="40s"))
    assert told is not None
    answered, refused = Pacer(clock=Clock()), Pacer(clock=Clock())
    answered.learn(told, refused=False)
    refused.learn(told, refused=True)
    assert (answered.paused_for, refused.paused_for) == (1, 40)


@pytest.mark.parametrize("rpm", [6, 600, 6000])
def test_no_sliding_minute_holds_more_than_the_limit_and_little_is_left_unused(rpm: int) -> None:
    clock, rng = Clock(), Random(5)
    pacer, sent = Pacer(rpm, clock=clock), []
    while clock.now < 1000 + 300:
        if (wait := pacer.wait()) > 0:
            clock.now += wait + rng.choice((0.0, 0.0, 0.001, 0.3))  # A loop that is late now and then.
            continue
        pacer.take(0)
        sent.append(clock.now)
    ends = iter(range(len(sent)))
    end, most = next(ends), 0
    for start, at in enumerate(sent):
        while end < len(sent) - 1 and sent[end + 1] < at + 60:
            end = next(ends)
        most = max(most, end - start + 1)
    assert most <= rpm
    assert len(sent) >= 0.97 * rpm * 5 if rpm > 6 else len(sent) >= 29


def test_reserved_tokens_that_were_not_used_are_given_back() -> None:
    pacer = Pacer(None, 600, clock=Clock())
    pacer.take(600)
    assert pacer.wait() > 55
    pacer.settle(600, 0)
    assert pacer.wait() == 0


def test_a_share_of_the_limits_slows_the_pace() -> None:
    clock = Clock()
    pacer = Pacer(60, clock=clock)
    pacer.share(0.25)
    for _ in range(3):
        pacer.take(0)
    assert pacer.wait() == pytest.approx(12, abs=1)


@pytest.mark.parametrize(
    ("own", "others", "mine"),
    [
        (math.inf, [], 10),
        (math.inf, [math.inf], 5),
        (math.inf, [2], 8),
        (2, [math.inf], 2),
        (math.inf, [1, math.inf], 4.5),
        (4, [math.inf, math.inf], 10 / 3),
        (3, [3], 3),
    ],
)
def test_limits_are_shared_so_that_nobody_who_wants_more_gets_less(
    own: float, others: list[float], mine: float
) -> None:
    assert fair_share(10, own, others) == pytest.approx(mine)


def test_a_stray_refusal_changes_nothing() -> None:
    throttle = Throttle(64)
    rng = Random(3)
    throttle.answered()
    pauses = 0
    for _ in range(5000):
        if rng.random() < 0.05:
            pauses += throttle.pushed_back(1.0, 63) is not None
        else:
            throttle.answered()
    assert throttle.allowed == 64
    assert pauses == 0


def test_many_refusals_cut_back_and_answers_let_it_grow_again() -> None:
    throttle = Throttle(16)
    throttle.answered()
    waits = [throttle.pushed_back(2.0, 0) for _ in range(LOOKED_AT - 1)]
    assert waits[: IN_A_ROW - 1] == [None, None] and set(waits[IN_A_ROW - 1 :]) == {2.0}
    assert throttle.allowed == 8
    for _ in range(200):
        throttle.answered()
    assert throttle.allowed == 16


def test_a_refusal_before_any_answer_holds_everything_back() -> None:
    assert Throttle(8).pushed_back(30.0, 2) == 30.0


def test_refusals_that_overtake_the_answers_of_their_round_are_still_strays() -> None:
    throttle = Throttle(64)
    for refused in range(1, 6):
        assert throttle.pushed_back(1.0, 64 - refused) is None
    assert throttle.allowed == 64
