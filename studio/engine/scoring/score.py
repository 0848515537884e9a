"""What every scorer is given and returns: a prompt, an answer and the known answer become a score and its reason."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Score:
    """`value` is between 0 and 1, None where nothing could be measured; `why` says in words how it came about."""

    value: float | None
    extracted: str
    """What was taken out of the answer and judged."""
    why: str

    @property
    def is_right(self) -> bool | None:
        return None if self.value is None else self.value == 1


class Scorer(Protocol):
    name: str

    def score(self, prompt: str, answer: str, known: str | None) -> Score: ...
