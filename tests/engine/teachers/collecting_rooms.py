"""The rooms that collecting needs, on a workspace of the test's own, without the rest of the house."""

from dataclasses import dataclass
from typing import Any

from studio.engine.jobs import Jobs
from studio.engine.prompts import Prompts
from studio.engine.prompts.record import NewPrompt
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Teacher
from studio.engine.studio import studio_in
from studio.engine.teachers import RunEndings, Teachers
from studio.engine.teachers.asking import Asking
from studio.engine.teachers.collecting import Collecting
from studio.engine.teachers.plans import RunOptions
from studio.engine.teachers.system_messages import SystemMessages
from studio.engine.teachers.wire.retry import Patience

HURRIED = Patience(base=0.01, longest=0.05, outage=0.5)
"""The same numbers of tries as usual, with waits too short to notice."""


@dataclass(frozen=True)
class Rooms:
    settings: Settings
    database: Database
    project_id: int
    teachers: Teachers
    prompts: Prompts
    system_messages: SystemMessages
    jobs: Jobs
    collecting: Collecting
    endings: RunEndings
    asking: Asking

    def add_prompts(self, count: int, name: str = "questions", start: int = 0) -> list[str]:
        texts = [f"Question number {number}?" for number in range(start, start + count)]
        self.prompts.add(name, "import", [NewPrompt(text=text) for text in texts])
        return texts

    def add_teacher(self, base_url: str, name: str = "scripted", **options: Any) -> Teacher:
        return self.teachers.add(name, base_url, "scripted-model", **{"timeout": 20, **options})

    def collect(
        self, teacher: str = "scripted", prompts: str = "questions", *, name: str | None = None, **options: Any
    ) -> dict[str, Any]:
        run = self.collecting.create(teacher, prompts, RunOptions(**options), name=name)
        return self.collecting.run(run.name, patience=HURRIED)


def open_rooms(settings: Settings, project: str = "default") -> Rooms:
    """The rooms of a project of a workspace whose tables are there."""
    return rooms_on(Database(settings), project)


def rooms_on(database: Database, project: str = "default") -> Rooms:
    one = studio_in(database, project)
    return Rooms(
        one.settings, database, one.project_id, one.teachers, one.prompts, one.system_messages, one.jobs,
        one.collecting, one.endings, one.asking,
    )  # fmt: skip
