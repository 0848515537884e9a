"""One round of an invention: what a method is given, and what it brings back."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from studio.engine.prompts.invention.asking import InventionQuestion, InventionReply
from studio.engine.prompts.invention.lists import Fields, records
from studio.engine.prompts.invention.plan import Plan
from studio.engine.prompts.invention.pool import Pool
from studio.engine.prompts.invention.seeds import Seed
from studio.engine.prompts.invention.wording import Wording

Ask = Callable[[str, Sequence[InventionQuestion], Mapping[str, Any]], list[InventionReply | None]]
"""(step, questions, decoding parameters of the method) -> replies."""
NO_REPLY = "no_reply"
BEYOND_COUNT = "beyond_count"
CUT_OFF = "cut_off"
NOT_A_LIST = "not_a_list"


class Material(Protocol):
    """What a round may read of the store."""

    @property
    def seed_count(self) -> int: ...

    def seeds(self, start: int = 0, stop: int | None = None) -> Sequence[Seed]:
        """The seeds at these places; all of them without places."""
        ...

    def newest_of(self, seeds: Sequence[int]) -> dict[int, tuple[int, str]]:
        """For each of these seeds, by place, the (place, text) of the prompt that was evolved from it last, if any."""
        ...


@dataclass(frozen=True)
class Round:
    """A round depends on its number, its cursor and what was kept before, and on nothing else: one that was broken off
    asks the same again, and the answers are there already."""

    number: int
    wanted: int
    """Prompts that are still missing."""
    plan: Plan
    cursor: dict[str, int]
    pool: Pool
    material: Material
    wording: Wording
    ask: Ask

    @property
    def rng(self) -> Random:
        return Random(f"{self.plan.seed}:{self.number}")


@dataclass(frozen=True)
class Invented:
    """A new prompt. `detail` says what it was made of; the teacher's answer to it is there, and not a known answer."""

    text: str
    detail: dict[str, Any]
    task: str | None = None


@dataclass
class RoundResult:
    """What a round brought: prompts, how many fell to each rule, where the next round goes on."""

    cursor: dict[str, int]
    kept: list[Invented] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    spent: list[str] = field(default_factory=list)
    """Instructions that passed every rule of their own and came to nothing: none like them is to come again."""
    unread_verdicts: int = 0
    """Replies of a judge that hold no verdict in the form that was asked for."""
    is_over: bool = False
    """Whether the method has nothing more to ask."""


Rounds = Callable[[Round], RoundResult]


def listed(reply: InventionReply | None, result: RoundResult, *names: str) -> list[Fields]:
    """The whole records in a reply to a request for a list; what cannot be read is counted."""
    if reply is None:
        result.dropped[NO_REPLY] += 1
        return []
    found = records(reply.text, *names)
    if not found:
        result.dropped[NOT_A_LIST] += 1
    elif reply.cut_off:
        result.dropped[CUT_OFF] += 1
        found.pop()
    return found


def with_input(instruction: str, given: str) -> str:
    """A prompt as it is imported from a file with the two apart."""
    return f"{instruction}\n\n{given}" if given else instruction


def instruction_of(text: str, detail: Mapping[str, Any]) -> str:
    """A stored prompt's instruction, without its input."""
    given = detail.get("input") or ""
    return text.removesuffix(f"\n\n{given}") if given else text
