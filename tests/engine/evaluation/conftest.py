"""A room of studies over scripted answers: everything real except who answers."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio.engine.evaluation.studies import Studies
from studio.engine.jobs import Jobs
from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Model, Teacher
from studio.engine.teachers.system_messages import SystemMessages


@dataclass(frozen=True)
class Reply:
    text: str


@dataclass
class Scripted:
    """Answers from a function of (who, last user turn, system message), and remembers everything it was asked."""

    say: Callable[[str, str, str], str]
    asked: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, name: str) -> Iterator["ScriptedResponder"]:
        self.opened.append(name)
        yield ScriptedResponder(self, name)


@dataclass
class ScriptedResponder:
    script: Scripted
    name: str

    def respond_many(self, conversations: list[list[dict[str, Any]]], progress: Any = None) -> list[Reply]:
        replies = []
        for messages in conversations:
            self.script.asked.append((self.name, messages))
            system = messages[0]["content"] if messages[0]["role"] == "system" else ""
            replies.append(Reply(self.script.say(self.name, messages[-1]["content"], system)))
        return replies


@dataclass
class Room:
    settings: Settings
    database: Database
    project_id: int
    prompts: Prompts
    jobs: Jobs
    script: Scripted
    studies: Studies


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the tables, the library, a model, a teacher and 12 prompts; each test gets a copy."""
    settings = Settings(workspace=tmp_path_factory.mktemp("prepared")).prepare()
    database = Database(settings)
    database.upgrade()
    project = Projects(database).get("default").id
    assert project is not None
    SystemMessages(database, project).ensure_library()
    with database.session() as session:
        session.add(Model(project_id=project, name="tiny-student", kind="student"))
        session.add(Teacher(project_id=project, name="old-master", base_url="http://127.0.0.1:9/v1", model="master-9b"))
    questions = [NewPrompt(text=f"Question {n}?", family="quiz") for n in range(12)]
    Prompts(database, project).add("questions", "import", questions)
    database.close()
    return settings.workspace / "understudy.db"


@pytest.fixture
def room(settings: Settings, prepared: Path) -> Iterator[Room]:
    """A project with the model `tiny-student`, the teacher `old-master` (its model is `master-9b`) and 12 prompts."""
    shutil.copy(prepared, settings.workspace)
    database = Database(settings)
    project = Projects(database).get("default")
    assert project.id is not None
    prompts, jobs = Prompts(database, project.id), Jobs(database, project.id, settings)
    script = Scripted(lambda who, prompt, system: f"{who[0]} answers {prompt}")
    studies = Studies(database, project.id, settings, prompts, script, jobs)
    yield Room(settings, database, project.id, prompts, jobs, script, studies)
    database.close()


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of answers and returns its path."""

    def write(name: str, rows: dict[str, str]) -> str:
        path = tmp_path / f"{name}.jsonl"
        lines = [json.dumps({"prompt": prompt, "response": response}) for prompt, response in rows.items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write
