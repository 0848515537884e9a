"""A version of a dataset on its way in, in many short transactions. Its name is taken from the start and nobody sees it
until it is whole; what a killed process leaves is gone on with by its job, or cleared away by the next freeze."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session, col

from studio.engine.jobs import Reservation, Reserved, Staged, StagedWriter, Staging, signed_in_columns
from studio.engine.store import Artifacts, Database, remove_growing, remove_left_growing
from studio.engine.store.tables import Dataset, DatasetRow

SUBJECT = "dataset"
"""What jobs call a dataset that they are about."""
CLEARED_ROWS = 2_000
_ROW = DatasetRow.__table__  # type: ignore[attr-defined]


class DatasetWriter:
    """One version that is being frozen. `finish` makes it seen; `clear` takes back all that was written."""

    def __init__(self, database: Database, artifacts: Artifacts, writer: StagedWriter[Dataset]) -> None:
        self._database, self._artifacts, self._writer = database, artifacts, writer
        with database.session() as session:
            self._dataset = session.get_one(Dataset, writer.row.id)

    @property
    def so_far(self) -> dict[str, Any] | None:
        """What was noted with the last piece of a try that was broken off."""
        return self._dataset.detail.get("so_far")

    def begin_anew(self) -> None:
        """Forgets what a try that was broken off has written."""
        _empty(self._database, self._artifacts, self._dataset)

    def write(self, sides: Mapping[int, str], so_far: dict[str, Any]) -> None:
        """One transaction: these traces are inside, each on its side, and this is how far it is."""
        with self._writer.piece(detail={"so_far": so_far}) as session:
            if sides:
                rows = [{"dataset_id": self._dataset.id, "trace_id": id, "split": side} for id, side in sides.items()]
                session.connection().execute(insert(_ROW), rows)

    def finish(self, **values: Any) -> Dataset:
        """The last transaction: what the version is, from which it is seen."""
        self._writer.finish(**values, is_whole=True, created_at=time.time(), holder=None, held_until=None)
        with self._database.session() as session:
            return session.get_one(Dataset, self._dataset.id)

    def clear(self) -> None:
        """Takes back what was written, unless the job goes on with it later or somebody else has it."""
        self._writer.clear()


def staging(database: Database, project_id: int, artifacts: Artifacts) -> Staging[Dataset]:
    """The versions of a project that are being frozen."""
    staged = Staged(
        table=Dataset,
        called="dataset",
        subject=SUBJECT,
        unfinished=_UNFINISHED,
        new=lambda project, name: _next_version(database, project, name),
        signature=signed_in_columns(Dataset),
        empty=lambda database, dataset: _empty(database, artifacts, dataset),
        goes_on=True,
    )
    return Staging(staged, database, project_id)


def begin(
    database: Database, project_id: int, artifacts: Artifacts, name: str, reservation: Reservation | None = None
) -> DatasetWriter:
    """The writer of the next version, or of the one that was reserved for the job, with what a try before has written.
    Raises `BadInput` while another writes one of that name."""
    datasets = staging(database, project_id, artifacts)
    datasets.check_free(name, reservation)
    remove_left_growing(artifacts, lambda: _noted(database))
    return DatasetWriter(database, artifacts, datasets.begin(name, reservation))


def reserve(database: Database, project_id: int, artifacts: Artifacts, name: str) -> Reserved:
    """Takes the next version of a name for a job that is going to write it. Raises `BadInput` while one is written."""
    datasets = staging(database, project_id, artifacts)
    datasets.check_free(name)
    return datasets.reserve(name)


def being_frozen(session: Session, project_id: int) -> list[Dataset]:
    """The versions that are not whole yet, to be told apart from those that do not exist."""
    return list(session.scalars(select(Dataset).where(col(Dataset.project_id) == project_id, _UNFINISHED)))


def _next_version(database: Database, project_id: int, name: str) -> Dataset:
    of_name = (col(Dataset.project_id) == project_id, col(Dataset.name) == name)
    with database.session() as session:
        version = (session.scalar(select(func.max(col(Dataset.version))).where(*of_name)) or 0) + 1
    return Dataset(
        project_id=project_id, name=name, version=version, train_rows=0, test_rows=0, sha256="", path="",
        is_whole=False,
    )  # fmt: skip


def _empty(database: Database, artifacts: Artifacts, dataset: Dataset) -> None:
    mine = col(DatasetRow.dataset_id) == dataset.id
    left = True
    while left:
        with database.piece() as session:
            some = select(col(DatasetRow.trace_id)).where(mine).order_by(col(DatasetRow.trace_id)).limit(CLEARED_ROWS)
            ids = list(session.scalars(some))
            left = bool(ids)
            if left:
                gone = delete(DatasetRow).where(mine, col(DatasetRow.trace_id) <= ids[-1])
                session.execute(gone, execution_options={"synchronize_session": False})
    remove_growing(artifacts, _file_of(dataset.detail))


def _noted(database: Database) -> set[str]:
    """The files from which the freezes of all projects go on."""
    with database.session() as session:
        return {_file_of(detail) for detail in session.scalars(select(col(Dataset.detail)).where(_UNFINISHED))}


def _file_of(detail: Mapping[str, Any]) -> str:
    return str((detail.get("so_far") or {}).get("file", ""))


_UNFINISHED = col(Dataset.is_whole).is_(False)
