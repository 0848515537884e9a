"""A clock that only moves when somebody sleeps."""


class FakeClock:
    """Seconds since some moment, as `time.monotonic` tells them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
