"""Datasets: frozen, numbered versions of chosen traces in a content-addressed file that never changes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from studio.engine.domain.bounds import SEED
from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.names import checked_dataset_name
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput, Failed, NotFound
from studio.engine.jobs import Progress, Reservation
from studio.engine.lineage import find_dataset
from studio.engine.store import Artifacts, Cache, Database, References, in_use
from studio.engine.store.tables import Dataset, Trace
from studio.engine.traces import contamination, dataset_files, dataset_rows, dataset_writer, freezing
from studio.engine.traces.dataset_rows import KEPT, MATCHING, TEST, TRAIN
from studio.engine.traces.dataset_writer import being_frozen
from studio.engine.traces.filters import FILTER_KEYS, TraceFilter, condition
from studio.engine.traces.freezing import FreezeOptions
from studio.engine.traces.traces import _quietly


@dataclass(frozen=True)
class FreezeOutlook:
    """What a freeze would take."""

    steps: list[tuple[str, int]]
    """(reason, traces): matching, rejected, empty, kept."""
    remarked: dict[tuple[str, str], int]
    """Of the traces that match, how many have each value that was asked about."""


class Datasets(Service):
    """The datasets of one project."""

    def __init__(self, database: Database, project_id: int, artifacts: Artifacts, cache: Cache | None = None) -> None:
        self._database = database
        self._project_id = project_id
        self._artifacts = artifacts
        self._cache = cache or Cache()
        self._references = References(database.settings)

    @needs(Action.BUILD)
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
        reservation: Reservation | None = None,
    ) -> dict[str, Any]:
        """Freezes the next version of a dataset: `dataset`, `version`, `rows: {train, test}`, `sha256`, `contaminated`,
        `left_out`, how many for each reason, and `contradictions`, prompts whose different answers were given under
        system messages that the student does not see (see `Contradictions.report`).

        Rejected and empty answers never enter; unlabelled ones do unless the filter says otherwise. A prompt is on one
        side of the split only, the same in every version made with that seed. Rows whose prompt stands in one of the
        `avoid` files are left out and counted as contaminated. It is written in pieces and seen when the last of them
        is; a freeze that fails leaves no version.
        """
        name, share = checked_dataset_name(name), dataset_rows.checked_share(test_share)
        SEED.check(seed, "The seed", "seed")
        filter = filter or TraceFilter()
        filter = filter.with_values("run", run) if run is not None else filter
        options = FreezeOptions(
            filter, share, [self._references.rows(path) for path in avoid], seed, keep_system_message
        )
        writer = dataset_writer.begin(self._database, self._project_id, self._artifacts, name, reservation)
        try:
            dataset = freezing.freeze(
                self._database, self._project_id, self._artifacts, writer, options, progress or _quietly
            )
        except BaseException:
            writer.clear()
            raise
        return dataset_report(dataset)

    @needs(Action.READ)
    def check(self, name: str, options: FreezeOptions) -> FreezeOptions:
        """The options with their files settled. Raises `BadInput` for what can be told before anything is written:
        the name, the share, the files whose prompts stay unseen, a filter that lets nothing through."""
        checked_dataset_name(name)
        dataset_rows.checked_share(options.test_share)
        options = replace(options, avoid=[self._references.rows(path) for path in options.avoid])
        contamination.check(options.avoid)
        if not self._lets_through(options.filter):
            raise freezing.nothing_left(self.funnel(options.filter))
        return options

    @needs(Action.BUILD)
    def release(self, name: str, reservation: Reservation) -> None:
        """Clears away what a freeze that did not succeed has reserved or written."""
        dataset_writer.staging(self._database, self._project_id, self._artifacts).release(name, reservation)

    @needs(Action.READ)
    def funnel(self, filter: TraceFilter | None = None) -> list[tuple[str, int]]:
        """(reason, traces) of what a freeze would take: matching, rejected, empty, kept."""
        return self.outlook(filter).steps

    @needs(Action.READ)
    def outlook(self, filter: TraceFilter | None = None, remarked: Sequence[tuple[str, str]] = ()) -> FreezeOutlook:
        """The same, and how many of the traces that match have each of these values (a filter's key, its value). All
        traces are looked at, so the counts are kept for as long as nobody has written anything."""
        wanted = filter or TraceFilter()
        about = "outlook", self._project_id, wanted, tuple(remarked)
        return self._cache.get(about, self._database.version(), lambda: self._outlook(wanted, remarked))

    def _outlook(self, filter: TraceFilter, remarked: Sequence[tuple[str, str]]) -> FreezeOutlook:
        with self._database.session() as session:
            matching = condition(self._database, session, self._project_id, filter)
            further = [FILTER_KEYS[key](value) for key, value in remarked]
            steps, counts = dataset_rows.outlook(session, matching, further)
        return FreezeOutlook(steps, dict(zip(remarked, counts, strict=True)))

    def _lets_through(self, filter: TraceFilter) -> bool:
        with self._database.session() as session:
            matching = condition(self._database, session, self._project_id, filter)
            query = select(col(Trace.id)).where(dataset_rows.enters(matching)).limit(1)
            return session.scalar(query) is not None

    @needs(Action.READ)
    def list(self) -> list[Dataset]:
        """Every version that is whole, the newest first."""
        with self._database.session() as session:
            mine = (col(Dataset.project_id) == self._project_id, col(Dataset.is_whole).is_(True), in_use(Dataset))
            return list(session.scalars(select(Dataset).where(*mine).order_by(col(Dataset.id).desc())))

    @needs(Action.READ)
    def get(self, ref: str) -> Dataset:
        """By NAME (its newest version) or NAME-vVERSION. Raises `NotFound`, or `BadInput` while it is frozen."""
        with self._database.session() as session:
            found = find_dataset(session, self._project_id, ref, also_binned=False)
            if found is not None:
                return found
            if any(ref in (one.ref, one.name) for one in being_frozen(session, self._project_id)):
                raise BadInput(f"The dataset '{ref}' is being frozen at this moment. Wait until its job is done.")
            mine = (col(Dataset.project_id) == self._project_id, col(Dataset.is_whole).is_(True), in_use(Dataset))
            known = select(col(Dataset.name), col(Dataset.version)).where(*mine)
            raise NotFound.named("dataset", ref, [str(DatasetVersion(*row)) for row in session.execute(known)])

    @needs(Action.READ)
    def rows(self, ref: str, split: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The rows as the student sees them: {messages, trace_id, prompt_id, split}, of one split when named."""
        return islice(self._rows(self.get(ref), split), limit)

    @needs(Action.READ)
    def export(
        self, ref: str, path: Path, format: str = "messages", *, split: str | None = None, progress: Progress = _quietly
    ) -> dict[str, Any]:
        """Writes a version, or one split of it, to a file; see `dataset_files.export`. Raises `BadInput`."""
        path = dataset_files.checked_file(self._references.source(path), format)
        dataset = self.get(ref)
        total = {None: dataset.train_rows + dataset.test_rows, TRAIN: dataset.train_rows, TEST: dataset.test_rows}
        if not total[split]:
            raise BadInput(f"{dataset.ref} has no rows in its {split} split. Export another split, or all of it.")
        return dataset_files.export(lambda: self._rows(dataset, split), path, format, total[split], progress)

    @needs(Action.READ)
    def difference(self, first: str, second: str) -> dict[str, int]:
        """`added`, `removed`, `changed`: how many traces the second version has more, fewer and otherwise."""
        return dataset_files.difference(self.rows(first), self.rows(second))

    @needs(Action.READ)
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
            raise Failed(f"The file of {dataset.ref} is no longer in the workspace. Freeze it again.") from exc


def dataset_report(dataset: Dataset) -> dict[str, Any]:
    """A version in the keys that the command line promises. `contradictions` is None for one of before they were
    looked for."""
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "rows": {TRAIN: dataset.train_rows, TEST: dataset.test_rows},
        "sha256": dataset.sha256,
        "contaminated": dataset.contaminated,
        "left_out": {
            reason: count for reason, count in dataset.detail.get("funnel", ()) if reason not in (MATCHING, KEPT)
        },
        "contradictions": dataset.detail.get("contradictions"),
    }
