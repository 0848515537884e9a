"""A problem of the practice world and its worked solution: plain values that families make and voices read."""

from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Protocol

READ_BY_BASE = "read"
ASKED = "asked"


@dataclass(frozen=True)
class Problem:
    """One question without its words: a family's name and the values that fix the answer."""

    family: str
    values: tuple[int | str, ...]

    @property
    def key(self) -> str:
        return ":".join([self.family, *map(str, self.values)])

    @property
    def half(self) -> str:
        """Which half of the practice world this problem lies in, by a hash of its values.

        The base model reads worked problems of one half only and questions are asked from the other only, so that no
        question anyone can generate, with whatever seed, has been part of the pre-training text.
        """
        return READ_BY_BASE if sha256(self.key.encode()).digest()[0] < 128 else ASKED


@dataclass(frozen=True)
class Work:
    """A worked solution in parts; a voice chooses which parts to say. `answer` is what exact match compares."""

    answer: str
    steps: tuple[str, ...]
    conclusion: str
    plan: str
    reading: str
    picture: str
    others: str = ""


class Family(Protocol):
    """One kind of problem: draws problems, words them as questions, recognises its own questions, and solves them.

    `wordings` are format strings over `fields`; the same strings serve for asking and for reading. `levels` has one
    entry for each difficulty, easiest first.
    """

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def levels(self) -> tuple[str, ...]: ...

    @property
    def wordings(self) -> tuple[str, ...]: ...

    @property
    def fields(self) -> dict[str, str]: ...

    def draw(self, rng: Random, level: int) -> Problem: ...

    def express(self, problem: Problem) -> dict[str, str]:
        """The text of each field for this problem."""
        ...

    def understand(self, fields: dict[str, str]) -> Problem | None:
        """The problem that these field texts state, or None when they state none this family can solve."""
        ...

    def work(self, problem: Problem) -> Work: ...
