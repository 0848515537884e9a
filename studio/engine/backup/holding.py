"""What a backup holds, for a person who decides whether to restore it: read from rows that the studio's own tables have
taken in, never from what the archive says of itself."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, func, select

from studio.engine.backup.archive import Manifest
from studio.engine.backup.restoring import unpacked
from studio.engine.jobs import Progress
from studio.engine.settings import Settings
from studio.engine.store import Database, not_binned
from studio.engine.store.tables import Dataset, Model, Project, Prompt, PromptSource, Study, Trace

LONGEST_VERSION = 40
"""Characters of a version that are shown: the archive may come from anybody."""


@dataclass(frozen=True)
class ProjectHolding:
    """How much of each thing a project has, without what is in its bin."""

    name: str
    prompts: int = 0
    traces: int = 0
    datasets: int = 0
    models: int = 0
    studies: int = 0


@dataclass(frozen=True)
class Holding:
    """A backup: when it was made (seconds since 1970), by which version, its files and their bytes, its projects."""

    made_at: float
    version: str
    files: int
    bytes: int
    without_models: bool
    projects: list[ProjectHolding] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Holding":
        projects = [ProjectHolding(**one) for one in kept["projects"]]
        return cls(**{**kept, "projects": projects})


def look(archive: Path, settings: Settings, progress: Progress) -> Holding:
    """What is in a backup, which is checked from end to end. Raises as `restore` does; keeps nothing."""
    with unpacked(archive, settings, progress, rows_only=True) as (made, manifest):
        return holding_of(settings.model_copy(update={"workspace": made}), manifest)


def holding_of(settings: Settings, manifest: Manifest) -> Holding:
    """What is in the workspace that the settings name, which was made of an archive with that list."""
    database = Database(settings)
    try:
        with database.session() as session:
            projects = _projects(session)
    finally:
        database.close()
    version = manifest.version[:LONGEST_VERSION]
    return Holding(
        manifest.created_at, version, len(manifest.files), manifest.size, manifest.without_models, projects
    )  # fmt: skip


def _projects(session: Session) -> list[ProjectHolding]:
    counts = {
        "prompts": _prompts(session),
        **{
            name: _counts(session, table)
            for name, table in (("traces", Trace), ("datasets", Dataset), ("models", Model), ("studies", Study))
        },
    }
    named = session.exec(select(Project.id, Project.name).where(not_binned(Project)).order_by(col(Project.id)))
    return [
        ProjectHolding(str(name), **{what: of.get(number or 0, 0) for what, of in counts.items()})
        for number, name in named
    ]


def _counts(session: Session, table: Any) -> dict[int, int]:
    query = select(table.project_id, func.count()).group_by(table.project_id)
    if hasattr(table, "binned_at"):
        query = query.where(not_binned(table))
    return dict(_pairs(session, query))


def _prompts(session: Session) -> dict[int, int]:
    query = select(col(Prompt.project_id), func.count()).join(PromptSource).where(not_binned(PromptSource))
    return dict(_pairs(session, query.group_by(col(Prompt.project_id))))


def _pairs(session: Session, query: Any) -> Sequence[tuple[int, int]]:
    return [(int(number), int(count)) for number, count in session.exec(query)]
