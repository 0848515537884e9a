"""Datasets: frozen, numbered versions of chosen traces in a content-addressed file that never changes."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from studio.engine.errors import BadInput, Failed, NotFound
from studio.engine.jobs.context import Progress
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.tables import Dataset, DatasetRow
from studio.engine.traces import contamination, freezing
from studio.engine.traces.filters import TraceFilter, condition
from studio.engine.traces.freezing import TEST, TRAIN, Harvest
from studio.engine.traces.traces import _quietly

_NAME = re.compile(r"\w(?:[\w .-]{0,78}\w)?")
_VERSION = re.compile(r"(?P<name>.+)-v(?P<version>[1-9]\d*)")
_BATCH = 5_000


class Datasets:
    """The datasets of one project."""

    def __init__(self, database: Database, project_id: int, artifacts: Artifacts) -> None:
        self._database = database
        self._project_id = project_id
        self._artifacts = artifacts

    def freeze(
        self,
        name: str,
        *,
        run: str | None = None,
        filter: TraceFilter | None = None,
        test_share: float = 0.0,
        avoid: Sequence[Path] = (),
        seed: int = 0,
        keep_system_message: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Freezes the next version of a dataset: `dataset`, `version`, `rows: {train, test}`, `sha256`, `contaminated`.

        Rejected and empty answers never enter; unlabelled ones do unless the filter says otherwise. A prompt is on one
        side of the split only, the same in every version made with that seed. Rows whose prompt stands in one of the
        `avoid` files are left out and counted as contaminated. The row of the dataset is written last, in one
        transaction with its list of traces: a freeze that is killed leaves no version.
        """
        name, share = _checked_name(name), freezing.checked_share(test_share)
        filter = filter or TraceFilter()
        filter = filter.with_values("run", run) if run is not None else filter
        unseen, avoided = contamination.read(avoid)
        harvest = Harvest()
        try:
            with self._database.session() as session:
                matching = condition(self._database, session, self._project_id, filter)
                found = freezing.funnel(session, matching)
                rows = freezing.rows(
                    session, matching, harvest,
                    test_share=share, seed=seed, unseen=unseen, keep_system_message=keep_system_message,
                    progress=progress or _quietly,
                )  # fmt: skip
                with closing(rows) as lines:
                    first = next(lines, None)
                    if first is None:
                        raise _nothing_left(found, harvest)
                    sha256, path = self._artifacts.put_lines(chain([first], lines))
                detail = _detail(filter, found, harvest, avoided)
                detail |= {"seed": seed, "test_share": share, "keep_system_message": keep_system_message}
                dataset = self._add(session, name, harvest, sha256, path, detail)
        except IntegrityError as exc:
            raise Failed(f"Another version of '{name}' was frozen at the same moment. Freeze again.") from exc
        return report(dataset)

    def funnel(self, filter: TraceFilter | None = None) -> list[tuple[str, int]]:
        """(reason, traces) of what a freeze would take: matching, rejected, empty, kept."""
        with self._database.session() as session:
            matching = condition(self._database, session, self._project_id, filter or TraceFilter())
            return freezing.funnel(session, matching)

    def list(self) -> list[Dataset]:
        """Every version, the newest first."""
        with self._database.session() as session:
            query = select(Dataset).where(col(Dataset.project_id) == self._project_id)
            return list(session.scalars(query.order_by(col(Dataset.id).desc())))

    def get(self, ref: str) -> Dataset:
        """By NAME (its newest version) or NAME-vVERSION. Raises `NotFound`."""
        with self._database.session() as session:
            newest = select(Dataset).where(col(Dataset.project_id) == self._project_id)
            newest = newest.order_by(col(Dataset.version).desc()).limit(1)
            found = session.scalar(newest.where(col(Dataset.name) == ref))
            if found is None and (match := _VERSION.fullmatch(ref)):
                version = int(match["version"][:18])
                of_name = newest.where(col(Dataset.name) == match["name"])
                found = session.scalar(of_name.where(col(Dataset.version) == version))
            if found is not None:
                return found
            known = select(col(Dataset.name), col(Dataset.version)).where(col(Dataset.project_id) == self._project_id)
            raise NotFound.named("dataset", ref, [f"{name}-v{version}" for name, version in session.execute(known)])

    def rows(self, ref: str, split: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The rows as the student sees them: {messages, trace_id, prompt_id, split}, of one split when named."""
        return islice(self._rows(self.get(ref), split), limit)

    def path(self, ref: str) -> Path:
        """The file of a version."""
        return self._artifacts.path(self.get(ref).path)

    def _rows(self, dataset: Dataset, split: str | None) -> Iterator[dict[str, Any]]:
        try:
            with self._artifacts.path(dataset.path).open(encoding="utf-8") as file:
                for line in file:
                    row = json.loads(line)
                    if split in (None, row["split"]):
                        yield row
        except FileNotFoundError as exc:
            raise Failed(
                f"The file of {dataset.name}-v{dataset.version} is no longer in the workspace. Freeze it again."
            ) from exc

    def _add(
        self, session: Session, name: str, harvest: Harvest, sha256: str, path: str, detail: dict[str, Any]
    ) -> Dataset:
        of_name = select(func.max(col(Dataset.version))).where(
            col(Dataset.project_id) == self._project_id, col(Dataset.name) == name
        )
        sides = list(harvest.split.values())
        dataset = Dataset(
            project_id=self._project_id,
            name=name,
            version=(session.scalar(of_name) or 0) + 1,
            train_rows=sides.count(TRAIN),
            test_rows=sides.count(TEST),
            contaminated=harvest.contaminated,
            sha256=sha256,
            path=path,
            detail=detail,
        )
        session.add(dataset)
        session.flush()
        rows = [{"dataset_id": dataset.id, "trace_id": id, "split": side} for id, side in harvest.split.items()]
        table = DatasetRow.__table__  # type: ignore[attr-defined]
        for start in range(0, len(rows), _BATCH):
            session.connection().execute(insert(table), rows[start : start + _BATCH])
        return dataset


def report(dataset: Dataset) -> dict[str, Any]:
    """A version in the keys that the command line promises."""
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "rows": {TRAIN: dataset.train_rows, TEST: dataset.test_rows},
        "sha256": dataset.sha256,
        "contaminated": dataset.contaminated,
    }


def _detail(
    filter: TraceFilter, found: list[tuple[str, int]], harvest: Harvest, avoided: list[dict[str, Any]]
) -> dict[str, Any]:
    """What a version remembers of how it was made; `terms` and `teachers` decide what its students may be used for."""
    kept = len(harvest.split)
    left_out = [step for step in found if step[0] != freezing.KEPT]
    tallies = harvest.tallies
    return {
        "filter": filter.as_dict(),
        "funnel": [*left_out, (freezing.CONTAMINATED, harvest.contaminated), (freezing.KEPT, kept)],
        "teachers": {
            name: {"rows": rows, "terms": harvest.teacher_terms[name]} for name, rows in tallies["teachers"].items()
        },
        "terms": dict(tallies["terms"]),
        "models": dict(tallies["models"]),
        "system_messages": dict(tallies["system_messages"]),
        "student_messages": {name: rows for name, rows in tallies["student_messages"].items() if name},
        "families": {name: rows for name, rows in tallies["families"].items() if name},
        "avoid": avoided,
    }


def _nothing_left(found: list[tuple[str, int]], harvest: Harvest) -> BadInput:
    """Why a dataset would be empty, in a sentence that says what took the traces away."""
    counts = dict(found)
    if not counts[freezing.MATCHING]:
        return BadInput("No trace matches, so there is nothing to freeze. Collect or import some, or widen the filter.")
    reasons = [f"{count:,} {reason}" for reason, count in found[1:-1] if count]
    reasons += [f"{harvest.contaminated:,} contaminated"] * bool(harvest.contaminated)
    return BadInput(
        f"All {counts[freezing.MATCHING]:,} matching traces are left out ({', '.join(reasons)}), so there is nothing "
        "to freeze. Label more to keep, or widen the filter."
    )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise BadInput(f"'{name[:80]}' cannot name a dataset: use up to 80 letters, digits, spaces, dots and hyphens.")
    if _VERSION.fullmatch(name):
        raise BadInput(
            f"'{name}' reads like a version. Leave the -v number out: versions of a dataset count themselves."
        )
    return name
