"""What a study compares: a model, a teacher, or a file of answers. An arm is found by what the user typed for it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from sqlmodel import col, select

from studio.engine.domain.messages import Messages
from studio.engine.domain.names import spellings
from studio.engine.domain.purposes import Purpose
from studio.engine.domain.reference import Reference, ReferenceKind
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts import NOT_TEXT, Skip, is_storable, read_pairs
from studio.engine.scoring import AnswerSettings, AnswerSubject
from studio.engine.store import Addresses, Database, References, in_use, not_binned, sha256_of
from studio.engine.store.tables import Model, Teacher
from studio.engine.teachers.plans import check_parameters


class Responders(Protocol):
    """Says of a model or a teacher of the project, by name, to whom stored answers belong, and how it is opened."""

    def subject(self, name: str, *, purpose: Purpose) -> AnswerSubject: ...


@dataclass(frozen=True)
class Arm:
    """One side of the comparison. `source` is a model's or teacher's name, or the address of a file or folder."""

    name: str
    kind: str
    """model, teacher, weights for a folder or GGUF file that the project does not know, or file for answers."""
    source: str
    model: str = ""
    """The model behind a teacher; it may name itself in answers."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What is sent with every question: all that a teacher is told, and what differs from the usual for a model."""

    @classmethod
    def of(cls, detail: dict[str, Any]) -> "Arm":
        return cls(**detail)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def settings(self) -> AnswerSettings:
        """What its questions are asked with. Answers of a file are as they are."""
        return AnswerSettings.given(self.parameters) if self.kind == "teacher" else AnswerSettings(**self.parameters)

    def asked_with(self, parameters: dict[str, Any]) -> "Arm":
        """The same arm with parameters. Raises BadInput for those that it cannot be asked with."""
        check_parameters(parameters)
        if parameters and self.kind == "file":
            raise BadInput(f"'{self.name}' is a file of answers, which are as they are. Leave its parameters out.")
        if self.kind != "teacher":
            for name, value in parameters.items():
                _check_of_a_model(self.name, name, value)
        return replace(self, parameters=dict(parameters))

    def opened(self, addresses: Addresses) -> str:
        """What opens it on this machine: a name, or a path."""
        return str(addresses.path(self.source)) if self.kind in ("weights", "file") else self.source


MODEL_PARAMETERS = {"max_tokens": "a whole number of tokens from 1", "temperature": "a number from 0"}


def _check_of_a_model(arm: str, name: str, value: Any) -> None:
    if name not in MODEL_PARAMETERS:
        raise BadInput(
            f"The model '{arm}' takes {' and '.join(MODEL_PARAMETERS)}, not '{name}'. Give it to the other side alone, "
            "with that side's name before it, or leave it out."
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (value >= 0 if name == "temperature" else isinstance(value, int) and value >= 1):
        raise BadInput(f"The {name} of '{arm}' must be {MODEL_PARAMETERS[name]}, not {shown(value)}.")


def with_parameters(arms: Sequence[Arm], given: Sequence[str], parameters: Mapping[str, dict[str, Any]]) -> list[Arm]:
    """Each arm with the parameters of all ("") and those of its own, which go first. An arm is named as it was given,
    by its name, or as `first` or `second`; files of answers are left out of those of all. Raises BadInput."""
    places = ("first", "second")
    known = {name: place for place, arm in enumerate(arms) for name in (places[place], arm.name, given[place])}
    own: list[dict[str, Any]] = [{} for _ in arms]
    for name, some in parameters.items():
        if name and name not in known:
            raise BadInput(f"No side of the study is '{name}'. Its sides are: {' and '.join(given)}.")
        if name:
            own[known[name]] |= some
    shared = parameters.get("", {})
    return [
        arm.asked_with(mine if arm.kind == "file" else {**shared, **mine}) for arm, mine in zip(arms, own, strict=True)
    ]


def find_arm(given: str, database: Database, project_id: int, models: Any) -> Arm:
    """What the user means by `given`: a model or teacher of the project before a file, a path last. Raises NotFound.

    `models` is the models room (or None): it knows folders, hub ids and GGUF files that are no rows yet.
    """
    given = str(given).strip()
    with database.session() as session:
        of_name = (Model.project_id == project_id, Model.name == given, not_binned(Model))
        model = session.exec(select(Model).where(*of_name)).first()
        mine = (col(Teacher.project_id) == project_id, col(Teacher.name).in_(spellings(given)))
        teacher = session.exec(select(Teacher).where(*mine)).first()
    if model is not None:
        if models is not None:
            models.find(given)  # Says now, and not after the other arm was asked, when it cannot be opened.
        return Arm(given, "model", given)
    if teacher is not None:
        return Arm(given, "teacher", given, teacher.model)
    named = References(database.settings).settle(given, lambda _: False)
    path = Path(named.value)
    if named.kind is ReferenceKind.PATH and path.is_file() and path.suffix.lower() != ".gguf":
        return Arm(path.stem, "file", str(Addresses(database.settings).of(path)))
    if path.suffix.lower() in (".jsonl", ".json"):
        raise NotFound(f"There is no file of answers at {given}. Check the path.")
    return _elsewhere(given, named, database, project_id, models)


def _elsewhere(given: str, named: Reference, database: Database, project_id: int, models: Any) -> Arm:
    try:
        if models is not None and named.kind is ReferenceKind.PATH:
            address = Addresses(database.settings).of(Path(named.value))
            return Arm(models.find(named.value).name, "weights", str(address))
    except BadInput:
        pass
    with database.session() as session:
        names = [*session.exec(select(Model.name).where(col(Model.project_id) == project_id, in_use(Model)))]
        names += session.exec(select(Teacher.name).where(col(Teacher.project_id) == project_id, in_use(Teacher)))
    known = f" There are: {', '.join(sorted(names)[:12])}." if names else ""
    raise NotFound(f"'{given}' is no model and no teacher of this project, and no file of answers.{known}")


def read_answers(file: Path) -> dict[str, str]:
    """Prompt -> answer of a file of `prompt, response`; the first answer to a prompt counts. Raises BadInput."""
    answers: dict[str, str] = {}
    for row in read_pairs(file):
        if isinstance(row, Skip):
            raise BadInput(
                f"Line {row.line} of {file} is not a JSON object with prompt and response ({row}). Mend or remove it."
            )
        line, (prompt, response) = row
        if prompt is None or response is None:
            raise BadInput(f"Line {line} of {file} is not a JSON object with prompt and response. Mend or remove it.")
        if not isinstance(prompt, str) or not isinstance(response, str):
            raise BadInput(f"In line {line} of {file} prompt and response must be text. Mend or remove it.")
        if not (is_storable(prompt) and is_storable(response)):
            raise BadInput(f"Line {line} of {file} {NOT_TEXT}. Mend or remove it.")
        answers.setdefault(plain(prompt), response)
    if not answers:
        raise BadInput(f"The file of answers {file} is empty. Each line is a JSON object with prompt and response.")
    return answers


@dataclass(frozen=True)
class _Line:
    """An answer of a file as if it had just been given; nobody counted its tokens or seconds."""

    text: str
    finish_reason: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class RecordedAnswers:
    """A file of answers, asked like a model. It answers whatever the parameters are."""

    def __init__(self, path: Path) -> None:
        self._answers = read_answers(path)

    def respond_many(
        self, conversations: Sequence[Messages], *, received: Callable[[int, _Line], None], **parameters: Any
    ) -> None:
        for number, turns in enumerate(conversations):
            received(number, _Line(self._answers[plain(str(turns[-1]["content"]))]))


def recorded(path: Path) -> AnswerSubject:
    """The answers of a file belong to what is in it."""
    return AnswerSubject(f"file:{sha256_of(path)}", lambda: nullcontext(RecordedAnswers(path)))


def plain(prompt: str) -> str:
    """A prompt as it is looked up: line endings and outer blanks do not count."""
    return prompt.replace("\r\n", "\n").strip()
