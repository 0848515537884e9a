"""The service of this room: browse, label, undo, repair, grade, export and bring in answers, for one project."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session

from studio.engine.jobs.context import Progress
from studio.engine.prompts import Preview
from studio.engine.prompts.cleaning import Rules
from studio.engine.prompts.importing import preview
from studio.engine.store.database import Database
from studio.engine.store.tables import Operation
from studio.engine.traces import browse, changing, exporting, grading, importing, repairing, restating
from studio.engine.traces.browse import Facets, TraceDetail, TracePage
from studio.engine.traces.filters import TraceFilter, condition

Selection = TraceFilter | Iterable[int]
"""Which traces a change is for: all that a filter matches, or these ids."""


def _quietly(done: int, total: int | None, message: str) -> None:
    """Reports to nobody."""


class Traces:
    """Every method but `import_file` is one transaction, and what a killed import leaves is seen by nobody: a process
    that is killed inside leaves what was there before."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id

    # --- reading

    def page(
        self, filter: TraceFilter | None = None, *, after: str | None = None, before: str | None = None, limit: int = 50
    ) -> TracePage:
        """Matching traces in order of arrival, from a cursor on. Raises `BadInput` for a cursor that is none."""
        with self._database.session() as session:
            return browse.page(
                self._database,
                session,
                self._project_id,
                filter or TraceFilter(),
                after=after,
                before=before,
                limit=limit,
            )

    def count(self, selection: Selection | None = None) -> tuple[int, bool]:
        """(how many traces match, whether that is exact)."""
        with self._database.session() as session:
            return browse.counted(session, self._matching(session, selection))

    def get(self, id: int) -> TraceDetail:
        """One trace with its texts. Raises `NotFound`."""
        return self.details([id])[0]

    def details(self, ids: Iterable[int]) -> list[TraceDetail]:
        with self._database.session() as session:
            return browse.details(session, self._project_id, ids)

    def facets(self, filter: TraceFilter | None = None) -> Facets:
        with self._database.session() as session:
            return browse.facets(self._database, session, self._project_id, filter or TraceFilter())

    # --- changing

    def label(
        self,
        selection: Selection,
        verdict: str | None = None,
        *,
        tag: str | None = None,
        rating: int | None = None,
        by: str = "",
    ) -> Operation:
        """Gives all selected traces a verdict (keep, reject; none takes it off), a rating (0 takes it off) or a tag.

        `changed` counts those that were not so already; when there is none, the operation is not kept and has no id.
        """
        with self._database.session() as session:
            matching = self._matching(session, selection)
            return changing.label(session, self._project_id, matching, verdict=verdict, tag=tag, rating=rating, by=by)

    def tag(self, selection: Selection, tag: str, *, by: str = "") -> Operation:
        return self.label(selection, tag=tag, by=by)

    def rate(self, selection: Selection, rating: int, *, by: str = "") -> Operation:
        return self.label(selection, rating=rating, by=by)

    def undo(self, by: str | None = None) -> Operation | None:
        """Takes back the last label, tag, rating, repair or restatement of terms that stands, of one person if named;
        then the one before."""
        with self._database.session() as session:
            return changing.undo(session, self._project_id, by)

    def last_operation(self, by: str | None = None) -> Operation | None:
        """What `undo` would take back."""
        with self._database.session() as session:
            return changing.last(session, self._project_id, by)

    def repair(self, id: int, response: str, by: str = "") -> TraceDetail:
        """Puts another answer in the place of the teacher's, which is kept; grades and indexes it again."""
        with self._database.session() as session:
            [detail] = browse.details(session, self._project_id, [id])
            repairing.repair(session, detail.trace, detail.text, response, by)
        return self.get(id)

    def restate_terms(self, run: str, terms: str, *, note: str = "", by: str = "") -> Operation:
        """Puts right under which terms the answers of a run are (yes, no, research, unknown), with a word on why.

        Frozen datasets stay as they are: licence verdicts tell the terms at freezing beside those of now. `changed`
        counts the traces that were under others; with none, the operation is not kept and has no id.
        """
        with self._database.session() as session:
            matching = self._matching(session, TraceFilter.parse({"run": run}))
            return restating.restate(session, self._project_id, matching, run=run, terms=terms, note=note, by=by)

    def grade(
        self, run: str | None = None, *, selection: Selection | None = None, progress: Progress = _quietly
    ) -> dict[str, int]:
        """Compares final answers with the prompts' known ones; see `grading.grade` for the keys."""
        if run is not None:
            selection = TraceFilter.parse({"run": run})
        with self._database.session() as session:
            return grading.grade(session, self._matching(session, selection), progress)

    # --- files

    def export(
        self,
        path: Path,
        *,
        filter: TraceFilter | None = None,
        format: str = "messages",
        keep_system_message: bool = True,
        for_student: bool = False,
    ) -> dict[str, Any]:
        """Writes matching traces to a file; see `exporting.export`."""
        with self._database.session() as session:
            matching = self._matching(session, filter)
            return exporting.export(
                session, matching, path, format, keep_system_message=keep_system_message, for_student=for_student
            )

    def import_file(
        self,
        path: Path,
        run: str,
        *,
        format: str = "auto",
        mapping: dict[str, str] | None = None,
        teacher_name: str,
        terms: str = "unknown",
        rules: Rules | None = None,
        batch_input: Path | None = None,
        every_turn: bool = False,
        progress: Progress = _quietly,
    ) -> dict[str, Any]:
        """Brings in existing answers as a run of their own, cleaned by `rules` if given; see `importing`.

        `batch_input` is the input file of a provider's batch whose output `path` is. Of a conversation the last reply
        is brought in with its history; with `every_turn` each reply of the assistant is an answer of its own.
        """
        origin = importing.Origin(teacher_name, terms)
        source = importing.settle(path, format, mapping, rules=rules, batch_input=batch_input)
        return importing.import_answers(
            self._database, self._project_id, source, run, origin, every_turn=every_turn, progress=progress
        )

    def preview_file(
        self,
        path: Path,
        *,
        format: str = "auto",
        mapping: dict[str, str] | None = None,
        rules: Rules | None = None,
        batch_input: Path | None = None,
    ) -> Preview:
        """How a file of answers would be brought in: its format, its columns, the first answers. Nothing is stored."""
        return preview(importing.settle(path, format, mapping, rules=rules, batch_input=batch_input))

    def _matching(self, session: Session, selection: Selection | None) -> ColumnElement[bool]:
        if selection is None:
            selection = TraceFilter()
        elif not isinstance(selection, TraceFilter):
            ids = list(selection)
            browse.known(session, self._project_id, ids)
            selection = TraceFilter().only(ids)
        return condition(self._database, session, self._project_id, selection)
