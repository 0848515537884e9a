"""What a mixture comes to: how many prompts of each collection and task, beside what was there to take."""

from dataclasses import dataclass
from typing import Any, Self

from studio.engine.prompts.mixtures.mixture import Collection
from studio.engine.prompts.mixtures.rows import NO_TASK

UNNAMED = "(no task)"


@dataclass(frozen=True)
class TaskOutcome:
    """`available` rows of one task in one collection's source, of which `taken` are drawn."""

    task: str
    available: int
    taken: int


@dataclass(frozen=True)
class CollectionOutcome:
    """`available` leaves out the `shared` prompts that an earlier collection has taken."""

    collection: Collection
    available: int
    taken: int
    shared: int
    tasks: tuple[TaskOutcome, ...]


@dataclass(frozen=True)
class Outcome:
    """The whole mixture, drawn with one seed."""

    seed: int
    collections: tuple[CollectionOutcome, ...]

    @property
    def count(self) -> int:
        return sum(part.taken for part in self.collections)

    @property
    def per_collection(self) -> dict[str, int]:
        return {part.collection.name: part.taken for part in self.collections}

    @property
    def per_task(self) -> dict[str, int]:
        """Of all collections together, in the order of the tasks' names; tasks that give nothing are not in it."""
        found: dict[str, int] = {}
        for part in self.collections:
            for task in part.tasks:
                if task.taken:
                    name = UNNAMED if task.task == NO_TASK else task.task
                    found[name] = found.get(name, 0) + task.taken
        return dict(sorted(found.items()))

    def as_payload(self) -> dict[str, Any]:
        """All of it, as a job's result keeps it."""
        parts = [
            {
                "collection": part.collection.as_dict(), "available": part.available, "taken": part.taken,
                "shared": part.shared, "tasks": [[task.task, task.available, task.taken] for task in part.tasks],
            }
            for part in self.collections
        ]  # fmt: skip
        return {"seed": self.seed, "collections": parts}

    @classmethod
    def of_payload(cls, kept: dict[str, Any]) -> Self:
        parts = [
            CollectionOutcome(**{
                **part, "collection": Collection.of(part["collection"]),
                "tasks": tuple(TaskOutcome(*task) for task in part["tasks"]),
            })
            for part in kept["collections"]
        ]  # fmt: skip
        return cls(kept["seed"], tuple(parts))

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "per_collection": self.per_collection, "per_task": self.per_task}
