"""What kinds of job there are: a kind has a name, which a row keeps, and says what a job of it takes of the machine."""

import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from hashlib import blake2b
from typing import Any

from studio.engine.domain.permissions import Action
from studio.engine.engines import memory_bytes, nvidia_gpus

EVERY = 1_000_000
"""As many as the machine has."""


@dataclass(frozen=True)
class Resources:
    """What a job keeps for itself while it runs: processors, GPUs, bytes of memory; zero where it hardly matters."""

    processors: int = 0
    gpus: int = 0
    memory: int = 0

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> "Resources":
        """As a row of an earlier or later version keeps it; what is not known here, or is no number, is left out."""
        given = stored if isinstance(stored, dict) else {}
        known = {name: value for name, value in given.items() if name in cls.__dataclass_fields__}
        return cls(**{name: value for name, value in known.items() if isinstance(value, int) and value >= 0})

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    def within(self, machine: "Resources") -> "Resources":
        """What the job gets where there is less than it asks for, so that it can run at all; beside its GPUs, their
        share of the processors."""
        gpus = min(self.gpus, machine.gpus)
        processors = machine.processors * gpus // machine.gpus if gpus else machine.processors
        return Resources(min(self.processors, processors), gpus, min(self.memory, machine.memory))

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.processors + other.processors, self.gpus + other.gpus, self.memory + other.memory)

    def fits(self, used: "Resources", machine: "Resources") -> bool:
        """Whether it can run beside what is used already."""
        wanted = self.within(machine) + used
        return (
            wanted.processors <= machine.processors and wanted.gpus <= machine.gpus and wanted.memory <= machine.memory
        )


LIGHT = Resources()
"""Waits for others most of the time, as collecting does."""
WHOLE_MACHINE = Resources(processors=EVERY)
"""Fills the processors: one at a time."""
ACCELERATED = Resources(processors=EVERY, gpus=1)
"""Fills the processors, or a GPU where there is one."""


class Retry(StrEnum):
    """What the next process makes of work that was broken off or stopped."""

    GOES_ON = "goes_on"
    """It goes on from what was saved."""
    BEGINS_ANEW = "begins_anew"
    """It begins anew, and what was written is taken back; also where nothing is written before the end."""
    REPEATS = "repeats"
    """It begins anew, and what was finished stays."""


@dataclass(frozen=True)
class Kind:
    """A kind of job, by the name that its rows keep. Whoever queues, runs or stops one must be allowed `action`.

    `retry` is None only for a kind that this version cannot run; every registered one states it.

    What a kind that `ends_whole` began must be finished or taken back: one that is stopped while nobody works on it
    waits for the next process, which is told to stop, instead of ending there. A kind that `begins_at_once` is begun
    by whoever queues it; another by the first process that claims it.
    """

    name: str
    resources: Resources = LIGHT
    action: Action = Action.BUILD
    ends_whole: bool = False
    begins_at_once: bool = False
    retry: Retry | None = None


@dataclass(frozen=True)
class Subject:
    """What a job is about: a kind of thing (`run`, `model`, `study`, `prompts` ...) and its number in the database."""

    kind: str
    id: int

    @classmethod
    def to_be(cls, kind: str, name: str) -> "Subject":
        """A thing that has no row before the job ends, by the name that it will have: its number is made of that, and
        is below nothing, as no row's is."""
        return cls(kind, -1 - int.from_bytes(blake2b(name.encode(), digest_size=7).digest()))


@cache
def this_machine() -> Resources:
    """What there is here. GPUs are counted without loading a library that would take seconds."""
    return Resources(len(_processors()), nvidia_gpus(), memory_bytes())


def _processors() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))
