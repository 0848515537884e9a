"""What the bin says of what it did and of what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from studio.engine.bin.dependents import Dependent


class Whereabouts(StrEnum):
    """Where a thing is that somebody names."""

    IN_USE = "in_use"
    """On the lists, or put away: its name finds it."""
    IN_BIN = "in_bin"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class Deleted:
    """A thing that was put into the bin, or that would be."""

    kind: str
    name: str
    depends: Sequence[Dependent]
    number: int = 0
    """That of the thing among all of its kind; others may have its name."""


@dataclass(frozen=True)
class Restored:
    """A thing that was brought back. `by` put it away at `at`, in seconds since 1970."""

    kind: str
    name: str
    by: str
    at: float | None
    number: int = 0


@dataclass(frozen=True)
class Away:
    """A thing in the bin, or put away. `is_leaving` says that it is being deleted for good."""

    kind: str
    name: str
    by: str
    at: float
    is_leaving: bool = False
    depends: Sequence[Dependent] = ()
    """What depended on it when it was put there."""
    goes_at: float | None = None
    """When it is deleted for good by itself, in seconds since 1970; None for what stays."""
    needed: Sequence[Dependent] = ()
    """What keeps it from going: things that are not in the bin and depend on it."""
    number: int = 0
    """That of the thing among all of its kind; others may have its name."""
