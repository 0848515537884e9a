"""Freezing: what a filter selects becomes a version of a dataset, page by page, and goes on where it was broken off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.store import Artifacts, Database, GrowingFile, remove_growing
from studio.engine.store.tables import Dataset
from studio.engine.traces import contamination
from studio.engine.traces.contradictions import Contradictions
from studio.engine.traces.conversation import opening_of
from studio.engine.traces.dataset_rows import (
    CONTAMINATED,
    KEPT,
    MATCHING,
    TEST,
    TRAIN,
    FreezeResult,
    RowRules,
    funnel,
    moved_sides,
    openings,
    students,
    take,
    texts,
)
from studio.engine.traces.dataset_writer import DatasetWriter
from studio.engine.traces.filters import TraceFilter
from studio.engine.traces.paging import Selected, pages, selected


@dataclass(frozen=True)
class FreezeOptions:
    """What is frozen, and how."""

    filter: TraceFilter
    test_share: float = 0.0
    avoid: Sequence[Path] = ()
    seed: int = 0
    keep_system_message: bool = False


@dataclass
class _State:
    """How far a freeze is; noted with every piece."""

    cursor: int
    """The last trace that was seen to."""
    result: FreezeResult
    moved: dict[str, str]
    file: GrowingFile
    contradictions: Contradictions = field(default_factory=Contradictions)
    """Not noted: a try that goes on looks at what was written before once more."""


def freeze(
    database: Database,
    project_id: int,
    artifacts: Artifacts,
    writer: DatasetWriter,
    options: FreezeOptions,
    progress: Progress,
) -> Dataset:
    """Writes the version and makes it seen. What traces say is what they say when their page is read; which they are
    was decided when the freeze began. Raises `BadInput` when nothing enters."""
    unseen, avoided = contamination.read(options.avoid)
    before = _usable(writer, avoided)
    state = _going_on(artifacts, before) if before else None
    noted = (before["until"], before["left_out"]) if before and state else None
    chosen = selected(database, project_id, options.filter, as_before=noted)
    if state is None:
        writer.begin_anew()
        state = _State(0, FreezeResult(), _moved(database, chosen, options, progress), GrowingFile(artifacts))
    try:
        with database.session() as session:
            found = funnel(session, chosen.matching)
            told = {} if options.keep_system_message else students(session, chosen.matching)
        rules = RowRules(options.test_share, options.seed, options.keep_system_message, unseen, state.moved, told)
        noted_once = {"until": chosen.until, "left_out": list(chosen.left_out), "avoid": avoided}
        _write_pages(database, writer, chosen, rules, state, noted_once, dict(found)[KEPT], progress)
        if not state.result.kept:
            raise nothing_left(state.result.funnel)
        with database.session() as session:
            contradictions = state.contradictions.report(session)
        sha256, path = state.file.settle()
    finally:
        state.file.close()
    return writer.finish(
        train_rows=state.result.sides[TRAIN],
        test_rows=state.result.sides[TEST],
        contaminated=state.result.reasons[CONTAMINATED],
        sha256=sha256,
        path=path,
        detail=_detail(options, state.result, avoided) | {"contradictions": contradictions},
    )


def nothing_left(steps: Sequence[tuple[str, int]]) -> BadInput:
    """Why a dataset would be empty, in a sentence that says what took the traces away."""
    counts = dict(steps)
    if not counts[MATCHING]:
        return BadInput("No trace matches, so there is nothing to freeze. Collect or import some, or widen the filter.")
    reasons = [f"{count:,} {reason}" for reason, count in steps if count and reason not in (MATCHING, KEPT)]
    return BadInput(
        f"All {counts[MATCHING]:,} matching traces are left out ({', '.join(reasons)}), so there is nothing "
        "to freeze. Label more to keep, or widen the filter."
    )


def _write_pages(
    database: Database,
    writer: DatasetWriter,
    chosen: Selected,
    rules: RowRules,
    state: _State,
    noted_once: dict[str, Any],
    total: int,
    progress: Progress,
) -> None:
    if state.cursor:
        _look_again(database, chosen, rules, state)
    for page in pages(database, chosen, texts, after=state.cursor):
        found = ((row.id, take(row, rules, state.result, state.contradictions)) for row in page)
        taken = {id: taken for id, taken in found if taken is not None}
        state.file.write(line for _, line in taken.values())
        state.cursor = page[-1].id
        sides = {id: side for id, (side, _) in taken.items()}
        writer.write(sides, {**noted_once, **_noted(state)})
        done = state.result.kept + state.result.reasons[CONTAMINATED]
        progress(done, max(total, done), status("freezing"))


def _look_again(database: Database, chosen: Selected, rules: RowRules, state: _State) -> None:
    """Reads what a try before has written, for what is told of the whole."""
    for page in pages(database, chosen, texts):
        for row in page:
            if row.id > state.cursor:
                return
            take(row, rules, FreezeResult(), state.contradictions)


def _usable(writer: DatasetWriter, avoided: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What was noted of a try before, as long as the same must stay unseen."""
    before = writer.so_far
    return before if before and before["avoid"] == avoided else None


def _going_on(artifacts: Artifacts, before: dict[str, Any]) -> _State | None:
    """The state that was noted; None when its file is not as long as it was, after a power cut or elsewhere."""
    file = GrowingFile.going_on(artifacts, before["file"], before["bytes"])
    if file is None:
        return None
    remove_growing(artifacts, before["file"])
    return _State(before["cursor"], FreezeResult.of(before["result"]), before["moved"], file)


def _noted(state: _State) -> dict[str, Any]:
    return {
        "cursor": state.cursor, "result": state.result.as_dict(), "moved": state.moved, "file": state.file.name,
        "bytes": state.file.bytes,
    }  # fmt: skip


def _moved(database: Database, chosen: Selected, options: FreezeOptions, progress: Progress) -> dict[str, str]:
    def places() -> Iterator[str]:
        for page in pages(database, chosen, openings):
            progress(0, None, status("freezing"))
            yield from (opening_of(row.prompt, row.messages) for row in page)

    return moved_sides(places(), options.test_share, options.seed)


def _detail(options: FreezeOptions, result: FreezeResult, avoided: list[dict[str, Any]]) -> dict[str, Any]:
    """What a version remembers of how it was made; `terms` and `teachers` decide what its students may be used for."""
    tallies = result.tallies
    return {
        "filter": options.filter.as_dict(),
        "funnel": result.funnel,
        "teachers": {
            name: {"rows": rows, "terms": result.teacher_terms[name]} for name, rows in tallies["teachers"].items()
        },
        "terms": dict(tallies["terms"]),
        "models": dict(tallies["models"]),
        "system_messages": dict(tallies["system_messages"]),
        "student_messages": {name: rows for name, rows in tallies["student_messages"].items() if name},
        "families": {name: rows for name, rows in tallies["families"].items() if name},
        "avoid": avoided,
        "seed": options.seed,
        "test_share": options.test_share,
        "keep_system_message": options.keep_system_message,
    }
