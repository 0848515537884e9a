"""What it takes to run a job in a process: the entry of each kind, and the Studio that an entry is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.engine.domain.permissions import Action
from studio.engine.errors import BadInput
from studio.engine.jobs.context import Entry
from studio.engine.jobs.kind import Kind, Retry
from studio.engine.store import Database
from studio.engine.store.tables import Job

if TYPE_CHECKING:
    from studio.engine.studio import Studio

StudioOf = Callable[[Database, int, int | None], "Studio"]
"""Makes the Studio of a project, by its number, for a person, by theirs."""


@dataclass(frozen=True)
class Runner:
    """Composed once, above all rooms. A job's row names a kind in `entries`, so it cannot make a process load code."""

    entries: Mapping[Kind, Entry]
    studio_of: StudioOf

    def entry(self, kind: str) -> Entry:
        """Where a job of that kind begins. Raises `BadInput` for a kind that this version does not know."""
        known = self._known(kind)
        if known is None:
            names = ", ".join(sorted(one.name for one in self.entries))
            raise BadInput(
                f"This version cannot run a job of the kind '{kind[:40]}'. It may come from another version of the "
                f"studio; the kinds known here are {names}."
            )
        return self.entries[known]

    def action_of(self, kind: str) -> Action:
        """What whoever runs or stops a job of that kind does; of one that this version does not know, the most."""
        known = self._known(kind)
        return Action.MANAGE if known is None else known.action

    def retry_of(self, kind: str) -> Retry | None:
        """What becomes of a job of that kind that is tried again; None for one that this version does not know."""
        known = self._known(kind)
        return known.retry if known else None

    @property
    def whole(self) -> frozenset[str]:
        """The kinds that end whole."""
        return frozenset(kind.name for kind in self.entries if kind.ends_whole)

    def must_end_whole(self, job: Job) -> bool:
        """Whether what was begun of a job on which nobody works must be finished or taken back."""
        kind = self._known(job.kind)
        was_claimed = job.epoch > 0  # A claim counts it up, and so does whatever may have come after one.
        return kind is not None and kind.ends_whole and (was_claimed or kind.begins_at_once)

    def _known(self, name: str) -> Kind | None:
        return next((kind for kind in self.entries if kind.name == name), None)
