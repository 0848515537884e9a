"""What an invention needs of a teacher. Prompts stand below teachers, so the one who asks is given as a protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class InventionQuestion:
    """One request of an invention."""

    text: str
    system: str | None = None


@dataclass(frozen=True)
class InventionReply:
    """What came back. `cut_off` says that the teacher ran into its limit of tokens."""

    text: str
    cut_off: bool = False


class InventionAsker(Protocol):
    """Puts questions to a teacher and keeps every answer, so that asking the same step again costs nothing."""

    def ask(
        self, step: str, questions: Sequence[InventionQuestion], parameters: dict[str, Any]
    ) -> list[InventionReply | None]:
        """The replies in the order of the questions, None for one that failed for good. `step` names this asking
        within its invention, such as `000003-instructions`. Raises `Interrupted` when it was stopped before the end."""
        ...


class Interrupted(Exception):
    """The asking was stopped in good order by the `user` or the `budget`; it can be gone on with."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by
