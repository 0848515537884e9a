"""The kinds of things that can be put into the bin, and how one is found by its name."""

from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.names import spellings
from studio.engine.domain.states import ModelState, RunState
from studio.engine.errors import BadInput, NotFound
from studio.engine.lineage import find_dataset
from studio.engine.models import PRACTICE_BASE
from studio.engine.store import in_use, not_binned
from studio.engine.store.tables import Dataset, Model, Project, PromptSource, Run, Study, SystemMessage, Teacher
from studio.engine.traces import WITH_TRACES

HIDDEN_SOURCES = ("unfinished", "asking")
"""Kinds of prompt sources that are no collections of anybody's."""


class ThingKind(StrEnum):
    """What can be deleted, put away and renamed, by the words of the command line."""

    PROJECT = "project"
    PROMPTS = "prompts"
    RUN = "run"
    DATASET = "dataset"
    MODEL = "model"
    STUDY = "study"
    TEACHER = "teacher"
    SYSTEM_MESSAGE = "system-message"

    @property
    def words(self) -> str:
        """What one is called in a sentence."""
        return {"prompts": "prompt source", "system-message": "system message"}.get(self.value, self.value)

    @classmethod
    def of(cls, text: str) -> "ThingKind":
        """Raises `BadInput` for a word that is none of them."""
        try:
            return cls(text.strip().lower().replace("_", "-"))
        except ValueError as exc:
            raise BadInput(f"'{text}' is no kind of thing. There are: {', '.join(cls)}.") from exc


TABLES: dict[ThingKind, Any] = {
    ThingKind.PROJECT: Project,
    ThingKind.PROMPTS: PromptSource,
    ThingKind.RUN: Run,
    ThingKind.DATASET: Dataset,
    ThingKind.MODEL: Model,
    ThingKind.STUDY: Study,
    ThingKind.TEACHER: Teacher,
    ThingKind.SYSTEM_MESSAGE: SystemMessage,
}
KEEPS_NAME = (ThingKind.DATASET, ThingKind.MODEL)
"""What others name for good: a student its datasets and its parent. Its name is not given to another."""
Row = Any
"""A row of one of the tables above."""


def found(session: Session, project_id: int, kind: ThingKind, name: str) -> Row:
    """The thing of that name that is not in the bin. Raises `NotFound`, or `BadInput` for a name that stands for none
    that may be touched."""
    row = _dataset(session, project_id, name) if kind is ThingKind.DATASET else _named(session, project_id, kind, name)
    if row is None:
        raise NotFound.named(kind.words, name, names_in_use(session, project_id, kind))
    return row


def names_in_use(session: Session, project_id: int, kind: ThingKind) -> list[str]:
    """What lists show of a kind, the newest first."""
    table = TABLES[kind]
    mine = _mine(project_id, kind)
    mine.append(col(table.archived_at).is_(None) if kind is ThingKind.SYSTEM_MESSAGE else in_use(table))
    return [shown_name(kind, row) for row in session.exec(select(table).where(*mine).order_by(col(table.id).desc()))]


def shown_name(kind: ThingKind, row: Row) -> str:
    """The name by which `found` finds it."""
    return str(row.ref if kind is ThingKind.DATASET else row.name)


def check_not_shipped(kind: ThingKind, name: str) -> None:
    """Raises `BadInput` for what the studio itself puts into every project."""
    if kind is ThingKind.MODEL and name.strip() == PRACTICE_BASE:
        raise BadInput(f"'{PRACTICE_BASE}' comes with the studio and is in every project. It can be put away instead.")


def check_whole(row: Model) -> None:
    """Raises `BadInput` for a student whose files a training that is not over finds by its name."""
    if row.state != ModelState.READY:
        raise BadInput(
            f"The model '{row.name}' is {row.state}, and its training goes on under that name. Finish it first."
        )


def _named(session: Session, project_id: int, kind: ThingKind, name: str) -> Row | None:
    table = TABLES[kind]
    return session.exec(select(table).where(*_mine(project_id, kind), col(table.name).in_(spellings(name)))).first()


def _dataset(session: Session, project_id: int, name: str) -> Dataset | None:
    return find_dataset(session, project_id, name.strip(), also_binned=False)


def _mine(project_id: int, kind: ThingKind) -> list[Any]:
    table = TABLES[kind]
    mine: list[Any] = [] if kind is ThingKind.PROJECT else [col(table.project_id) == project_id]
    if kind is not ThingKind.SYSTEM_MESSAGE:
        mine.append(not_binned(table))
    if kind is ThingKind.PROMPTS:
        mine.append(col(table.kind).not_in(HIDDEN_SOURCES))
    if kind is ThingKind.RUN:
        is_arriving = (col(table.kind) == "import") & (col(table.state) == RunState.RUNNING)
        mine += [col(table.kind).in_(WITH_TRACES), ~is_arriving]
    if kind is ThingKind.DATASET:
        mine.append(col(table.is_whole).is_(True))
    return mine


def is_ref(text: str) -> bool:
    """Whether a text names one version of a dataset."""
    return DatasetVersion.parse(text) is not None
