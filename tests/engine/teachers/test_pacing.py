"""The pace of questions, by a clock that only moves when somebody sleeps."""

import asyncio
from collections.abc import Sequence

from clocks import FakeClock

from studio.engine.teachers.runs.pacer import Pacer


def admitted(pacer: Pacer, clock: FakeClock, tokens: Sequence[float]) -> list[float]:
    async def run() -> list[float]:
        times = []
        for count in tokens:
            await pacer.admit(count)
            times.append(clock.now - 1000)
        return times

    return asyncio.run(run())


def most_in_a_minute(times: Sequence[float]) -> int:
    return max(sum(1 for later in times if time <= later < time + 60) for time in times)


def test_requests_a_minute_are_never_exceeded_in_any_minute() -> None:
    clock = FakeClock()
    times = admitted(Pacer(30, clock=clock, sleep=clock.sleep), clock, [0] * 100)
    assert most_in_a_minute(times) <= 31
    assert times[-1] > 195


def test_tokens_a_minute_space_out_large_questions() -> None:
    clock = FakeClock()
    times = admitted(Pacer(None, 6000, clock=clock, sleep=clock.sleep), clock, [1000] * 13)
    assert times[-1] > 100
    assert most_in_a_minute(times) <= 8


def test_without_limits_nothing_waits() -> None:
    clock = FakeClock()
    assert set(admitted(Pacer(clock=clock, sleep=clock.sleep), clock, [500] * 50)) == {0.0}


def test_tokens_counted_later_correct_the_pace() -> None:
    clock = FakeClock()
    pacer = Pacer(None, 600, clock=clock, sleep=clock.sleep)
    assert admitted(pacer, clock, [10]) == [0.0]
    pacer.settle(10, 610)
    assert admitted(pacer, clock, [10])[0] > 55


def test_a_pause_holds_everything_back() -> None:
    clock = FakeClock()
    pacer = Pacer(clock=clock, sleep=clock.sleep)
    pacer.pause(17)
    pacer.pause(3)
    assert pacer.paused_for == 17
    assert admitted(pacer, clock, [1, 1]) == [17.0, 17.0]


def test_a_rest_does_not_save_up_a_burst() -> None:
    clock = FakeClock()
    pacer = Pacer(60, clock=clock, sleep=clock.sleep)
    admitted(pacer, clock, [0])
    clock.now += 600
    times = admitted(pacer, clock, [0] * 5)
    assert times[-1] - times[0] > 3.5
