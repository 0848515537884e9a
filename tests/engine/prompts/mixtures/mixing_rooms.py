"""A project's mixtures with what they need, and sources that a test makes in a line."""

from dataclasses import dataclass
from typing import Any

from studio.engine.jobs import Jobs
from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.prompts.mixtures import Mixture, Mixtures
from studio.engine.prompts.mixtures.mixture_file import from_value
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.studio import studio_in
from studio.engine.teachers.system_messages import SystemMessages


@dataclass(frozen=True)
class MixingRoom:
    database: Database
    project_id: int
    prompts: Prompts
    messages: SystemMessages
    jobs: Jobs
    mixtures: Mixtures

    def add(self, name: str, **tasks: int) -> None:
        """A source with so many prompts of each task; prompts of the same task and number are the same everywhere."""
        rows = (NewPrompt(f"{task} {n}?", task=task) for task, count in tasks.items() for n in range(count))
        self.prompts.add(name, "import", rows)

    def mixture(self, *collections: dict[str, Any], **rest: Any) -> Mixture:
        return from_value({"collections": list(collections), **rest})


def mixing_room(database: Database) -> MixingRoom:
    project_id = Projects(database).get("default").id or 0
    studio = studio_in(database)
    return MixingRoom(database, project_id, studio.prompts, studio.system_messages, studio.jobs, studio.mixtures)
