"""A room of studies over scripted answers: everything real except who answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio.engine.evaluation.studies import Studies
from studio.engine.jobs import Jobs
from studio.engine.prompts import NewPrompt, Prompts
from studio.engine.scoring import Answers, AnswerSubject
from studio.engine.settings import Settings
from studio.engine.store.cache import Cache
from studio.engine.store.database import Database
from studio.engine.store.tables import Model, Teacher
from studio.engine.studio import studio_in

TEACHER = "old-master"


@dataclass(frozen=True)
class Reply:
    text: str
    finish_reason: str = "stop"
    input_tokens: int = 1
    output_tokens: int = 1
    seconds: float = 0.0


@dataclass
class Scripted:
    """Answers from a function of (who, last user turn, system message), and remembers everything it was asked."""

    say: Callable[[str, str, str], str]
    asked: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    asked_with: list[tuple[str, Any]] = field(default_factory=list)
    """Who was asked with which parameters."""
    weights: int = 1
    finish: Callable[[str], str] = lambda name: "stop"

    @contextmanager
    def open(self, name: str) -> Iterator["ScriptedResponder"]:
        self.opened.append(name)
        yield ScriptedResponder(self, name)

    def subject(self, name: str, **asked: Any) -> AnswerSubject:
        if name == TEACHER:
            return AnswerSubject(f"teacher:{name}", lambda: self.open(name), is_paid=True)
        return AnswerSubject(f"weights:{name} {self.weights}", lambda: self.open(name))


@dataclass
class ScriptedResponder:
    script: Scripted
    name: str

    def respond_many(
        self,
        conversations: list[list[dict[str, Any]]],
        *,
        received: Callable[[int, Reply], None],
        seed: int,
        parameters: Mapping[str, Any] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        **sampling: Any,
    ) -> list[Reply]:
        self.script.asked_with.append((self.name, {**sampling, **(parameters or {})}))
        replies = []
        for number, messages in enumerate(conversations):
            self.script.asked.append((self.name, messages))
            system = messages[0]["content"] if messages[0]["role"] == "system" else ""
            said = self.script.say(self.name, messages[-1]["content"], system)
            replies.append(Reply(said, self.script.finish(self.name)))
            received(number, replies[-1])
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


@pytest.fixture
def room(database: Database) -> Room:
    """A project with the model `tiny-student`, the teacher `old-master` (its model is `master-9b`) and 12 prompts, on
    SQLite and on PostgreSQL."""
    studio = studio_in(database)
    project = studio.project_id
    with database.session() as session:
        session.add(Model(project_id=project, name="tiny-student", kind="student"))
        session.add(Teacher(project_id=project, name="old-master", base_url="http://127.0.0.1:9/v1", model="master-9b"))
    questions = [NewPrompt(text=f"Question {n}?", family="quiz") for n in range(12)]
    studio.prompts.add("questions", "import", questions)
    script = Scripted(lambda who, prompt, system: f"{who[0]} answers {prompt}")
    answers = Answers(database, project)
    studies = Studies(
        database,
        project,
        database.settings,
        studio.prompts,
        studio.system_messages,
        script,
        answers,
        studio.jobs,
        Cache(),
    )
    return Room(database.settings, database, project, studio.prompts, studio.jobs, script, studies)


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of answers and returns its path."""

    def write(name: str, rows: dict[str, str]) -> str:
        path = tmp_path / f"{name}.jsonl"
        lines = [json.dumps({"prompt": prompt, "response": response}) for prompt, response in rows.items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write
