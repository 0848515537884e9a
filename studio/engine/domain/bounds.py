"""What a number that somebody gives may be: checked by the engine, said beside its field by the page.

COUNT.check(0, "The count of practice prompts", field="count")    # BadInput: ... must be a whole number from 1 to ...
"""

import math
from dataclasses import dataclass

from studio.engine.errors import BadInput


@dataclass(frozen=True)
class Bounds:
    """From `least` to `most`, both allowed unless `above`, which asks for more than `least`."""

    least: float
    most: float
    whole: bool = True
    above: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        first = f"above {_text(self.least)} and at most" if self.above else f"from {_text(self.least)} to"
        return f"{kind} {first} {_text(self.most)}"

    def hold(self, value: object) -> bool:
        """Whether the value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if self.whole and value != int(value):
            return False
        return (self.least < value if self.above else self.least <= value) and value <= self.most

    def check(self, value: object, what: str, field: str = "") -> None:
        """Raises BadInput, naming what it is, for anything else. `what` begins the sentence."""
        if not self.hold(value):
            raise BadInput(f"{what} must be {self}, not {_text(value)}.", field=field)


def _text(value: object) -> str:
    """A number with its thousands separated; anything else as it is, cut short."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return repr(value)[:80]
    is_whole = math.isfinite(value) and value == int(value)
    return f"{int(value):,}" if is_whole else f"{value:,}"


SEED = Bounds(0, 2**31 - 1)
DOLLARS = Bounds(0, 1e9 - 1, whole=False)
"""A budget of a run, an invention or a project."""
PRICE = Bounds(0, 1e9 - 1, whole=False)
"""US dollars per million tokens."""
A_MINUTE = Bounds(1, 2**31 - 1)
"""Requests, or tokens."""
CONCURRENCY = Bounds(1, 1024)
TIMEOUT = Bounds(0, 86_400, whole=False, above=True)
"""Seconds that an answer may take."""
BIN_DAYS = Bounds(0, 36_500)
"""For how long a deleted thing can be restored."""
SHARE = Bounds(0, 1, whole=False)
PRACTICE_PROMPTS = Bounds(1, 1_000_000)
INVENTED_PROMPTS = Bounds(1, 1_000_000)
GENERATIONS = Bounds(1, 100)
QUOTA = Bounds(1, 10_000_000)
"""Prompts that a collection of a mixture gives."""
PLACE = Bounds(1, 2**31 - 1)
"""Of a prompt in its source."""
SAMPLES = Bounds(1, 1000)
"""Answers to each question of a run."""
TEMPERATURE = Bounds(0, 100, whole=False)
TOKENS = Bounds(1, 10_000_000)
"""Of an answer, a prompt or a conversation."""
WEIGHT = Bounds(0, 1e9 - 1, whole=False)
ITEMS = Bounds(1, 10_000)
"""Of a study."""
THREADS = Bounds(1, 1024)
STEPS = Bounds(1, 1_000_000_000)
EPOCHS = Bounds(0, 1000, whole=False, above=True)
TRAINED_TOKENS = Bounds(1, 10**15)
RATE = Bounds(0, 1, whole=False, above=True)
BATCH = Bounds(1, 65_536)
"""Conversations a step."""
LENGTH = Bounds(8, 10_000_000)
"""Tokens of a conversation that is trained on."""
RANK = Bounds(1, 1024)
"""Of a low-rank adapter."""
