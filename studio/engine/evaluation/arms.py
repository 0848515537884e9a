"""What a study compares: a model, a teacher, or a file of answers. An arm is found by what the user typed for it."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlmodel import col, select

from studio.engine.errors import BadInput, NotFound
from studio.engine.store.database import Database
from studio.engine.store.tables import Model, Teacher

Messages = list[dict[str, Any]]
"""One conversation up to the answer: role and content of each turn."""


class Reply(Protocol):
    @property
    def text(self) -> str: ...


class Responder(Protocol):
    """Whatever answers: the inference room's, or a scripted one in tests."""

    def respond_many(
        self, conversations: list[Messages], progress: Callable[[int, int | None, str], None] | None = None
    ) -> Sequence[Reply]: ...


class Responders(Protocol):
    """Opens a model or a teacher of the project by name."""

    def open(self, name: str) -> AbstractContextManager[Responder]: ...


@dataclass(frozen=True)
class Arm:
    """One side of the comparison. `source` is what to open: a model's or teacher's name, or a file's absolute path."""

    name: str
    kind: str
    """model, teacher or file."""
    source: str
    model: str = ""
    """The model behind a teacher; it may name itself in answers."""

    @classmethod
    def of(cls, detail: dict[str, Any]) -> "Arm":
        return cls(**detail)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_arm(given: str, database: Database, project_id: int, models: Any) -> Arm:
    """What the user means by `given`: a model or teacher of the project before a file, a path last. Raises NotFound.

    `models` is the models room (or None): it knows folders, hub ids and GGUF files that are no rows yet.
    """
    given = str(given).strip()
    with database.session() as session:
        model = session.exec(select(Model).where(Model.project_id == project_id, Model.name == given)).first()
        teacher = session.exec(select(Teacher).where(Teacher.project_id == project_id, Teacher.name == given)).first()
    if model is not None:
        if models is not None:
            models.find(given)  # Says now, and not after the other arm was asked, when it cannot be opened.
        return Arm(given, "model", given)
    if teacher is not None:
        return Arm(given, "teacher", given, teacher.model)
    path = Path(given).expanduser()
    if path.is_file() and path.suffix.lower() != ".gguf":
        return Arm(path.stem, "file", str(path.resolve()))
    if path.suffix.lower() in (".jsonl", ".json"):
        raise NotFound(f"There is no file of answers at {given}. Check the path.")
    return _elsewhere(given, database, project_id, models)


def _elsewhere(given: str, database: Database, project_id: int, models: Any) -> Arm:
    try:
        if models is not None and given:
            path = Path(given).expanduser()
            return Arm(models.find(given).name, "model", str(path.resolve()) if path.exists() else given)
    except BadInput:
        pass
    with database.session() as session:
        names = [*session.exec(select(Model.name).where(col(Model.project_id) == project_id))]
        names += session.exec(select(Teacher.name).where(col(Teacher.project_id) == project_id))
    known = f" There are: {', '.join(sorted(names)[:12])}." if names else ""
    raise NotFound(f"'{given}' is no model and no teacher of this project, and no file of answers.{known}")


def read_answers(path: str) -> dict[str, str]:
    """Prompt -> answer of a JSONL file of `prompt, response`; the first answer to a prompt counts. Raises BadInput."""
    file = Path(path)
    answers: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    prompt, response = _row(file, number, line)
                    answers.setdefault(plain(prompt), response)
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(
            f"The file of answers {file} cannot be read as UTF-8 text. Check the path and its encoding."
        ) from exc
    if not answers:
        raise BadInput(f"The file of answers {file} is empty. Each line is a JSON object with prompt and response.")
    return answers


def plain(prompt: str) -> str:
    """A prompt as it is looked up: line endings and outer blanks do not count."""
    return prompt.replace("\r\n", "\n").strip()


def _row(file: Path, number: int, line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        prompt, response = row["prompt"], row["response"]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise BadInput(
            f"Line {number} of {file} is not a JSON object with prompt and response. Mend or remove it."
        ) from exc
    if not isinstance(prompt, str) or not isinstance(response, str):
        raise BadInput(f"In line {number} of {file} prompt and response must be text. Mend or remove it.")
    return prompt, response
