"""The service of this room: browse, label, undo, repair, grade, export and bring in answers, for one project."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session

from studio.engine.domain.names import checked_brought_name
from studio.engine.domain.permissions import Access, Action, Actor, PersonKind, Service, needs
from studio.engine.domain.states import JOB_ENDED, JobState, OperationState
from studio.engine.domain.status import status
from studio.engine.errors import NotAllowed, NotFound, Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Reservation, Retry, Subject
from studio.engine.lineage import RESTATED
from studio.engine.prompts import Preview, Source, preview
from studio.engine.prompts.cleaning import Rules
from studio.engine.store import Addresses, Database, People, References
from studio.engine.store.tables import Job, Operation
from studio.engine.traces import arriving, browse, exporting, grading, importing, operations, repairing, restating
from studio.engine.traces.browse import Facets, TraceDetail, TracePage
from studio.engine.traces.changing import LABEL, Labelling
from studio.engine.traces.exporting import ExportOptions
from studio.engine.traces.filters import TraceFilter, condition
from studio.engine.traces.paging import selected
from studio.engine.traces.repairing import REPAIR
from studio.engine.traces.restating import Restating

CHANGE = Kind("change", action=Action.LABEL, ends_whole=True, begins_at_once=True, retry=Retry.GOES_ON)
GRADE = Kind("grade", action=Action.LABEL, retry=Retry.REPEATS)
Selection = TraceFilter | Iterable[int]
"""Which traces a change is for: all that a filter matches, or these ids."""


def _quietly(done: int, total: int | None, message: str) -> None:
    """Reports to nobody."""


class Traces(Service):
    """What changes more than a piece of traces is an operation of many short transactions: a process that is killed in
    it leaves it under way, and the next worker brings it to its end."""

    def __init__(self, database: Database, project_id: int, jobs: Jobs, people: People, access: Access) -> None:
        self._database = database
        self._project_id = project_id
        self._jobs = jobs
        self._people = people
        self.access = access
        self.references, self.addresses = References(database.settings), Addresses(database.settings)

    # --- reading

    @needs(Action.READ)
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

    @needs(Action.READ)
    def count(self, selection: Selection | None = None) -> tuple[int, bool]:
        """(how many traces match, whether that is exact)."""
        with self._database.session() as session:
            return browse.counted(session, self._matching(session, selection))

    @needs(Action.READ)
    def get(self, id: int) -> TraceDetail:
        """One trace with its texts. Raises `NotFound`."""
        return self.details([id])[0]

    @needs(Action.READ)
    def details(self, ids: Iterable[int]) -> list[TraceDetail]:
        with self._database.session() as session:
            return browse.details(session, self._project_id, ids)

    @needs(Action.READ)
    def first_of_run(self, run: int, limit: int) -> list[TraceDetail]:
        """The first traces of a run, by its number, with their texts, in order of arrival."""
        with self._database.session() as session:
            return browse.first_of_run(session, self._project_id, run, limit)

    @needs(Action.READ)
    def run_names(self) -> list[str]:
        """The runs that have traces, collected or brought in, the newest first."""
        with self._database.session() as session:
            return browse.run_names(session, self._project_id)

    @needs(Action.READ)
    def facets(self, filter: TraceFilter | None = None) -> Facets:
        with self._database.session() as session:
            return browse.facets(self._database, session, self._project_id, filter or TraceFilter())

    # --- changing

    @needs(Action.LABEL)
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
        return self.finish_change(self.start_label(selection, verdict, tag=tag, rating=rating, by=by))

    @needs(Action.LABEL)
    def start_label(
        self,
        selection: Selection,
        verdict: str | None = None,
        *,
        tag: str | None = None,
        rating: int | None = None,
        by: str = "",
    ) -> Operation:
        """The same without waiting: what is more than a piece is left to a job, and the operation is under way."""
        change = Labelling.wanted(verdict, rating, tag)
        return self._start(LABEL, change, change.detail, self._chosen(selection), by)

    @needs(Action.LABEL)
    def tag(self, selection: Selection, tag: str, *, by: str = "") -> Operation:
        return self.label(selection, tag=tag, by=by)

    @needs(Action.LABEL)
    def rate(self, selection: Selection, rating: int, *, by: str = "") -> Operation:
        return self.label(selection, rating=rating, by=by)

    @needs(Action.LABEL)
    def undo(self, by: str | None = None) -> Operation | None:
        """Takes back the last label, tag, rating, repair or restatement of terms that stands, of one person if named;
        then the one before."""
        started = self.start_undo(by)
        return None if started is None else self.finish_change(started)

    @needs(Action.LABEL)
    def start_undo(self, by: str | None = None) -> Operation | None:
        """The same without waiting; an operation that is still under way is stopped and taken back, and an undo that
        was broken off goes on where nothing else stands."""
        person = self._number_of(by)
        with self._database.session() as session:
            operation = operations.last_locked(session, self._project_id, person)
            if operation is None:
                left = operations.half_undone(session, self._project_id, person)
                return None if left is None else self._handed_on(left)
            was_running = operation.state == OperationState.RUNNING
            operation.state, operation.cursor = OperationState.UNDOING, 0
            if not was_running:
                operations.undo_piece(session, operation, change_of(operation), change_of, operations.PIECE)
        return self._handed_on(operation, looks_again=was_running)

    @needs(Action.READ)
    def last_operation(self, by: str | None = None) -> Operation | None:
        """What `undo` would take back."""
        with self._database.session() as session:
            return operations.last(session, self._project_id, self._number_of(by))

    @needs(Action.READ)
    def changed_by(self, operation: Operation, limit: int) -> list[int]:
        """The first of the traces that an operation changed."""
        with self._database.session() as session:
            return operations.traces_of(session, operation, limit)

    @needs(Action.READ)
    def under_way(self) -> list[Operation]:
        """Changes of which some traces have theirs and others do not yet."""
        with self._database.session() as session:
            return operations.under_way(session, self._project_id)

    @needs(Action.LABEL)
    def carry_out(self, operation_id: int, *, progress: Progress, should_stop: Callable[[], bool]) -> Operation:
        """Brings an operation that is under way to its end; what a job does."""
        with self._database.session() as session:
            operation = session.get(Operation, operation_id)
        if operation is None or operation.project_id != self._project_id:
            raise NotFound(f"There is no change {operation_id} in this project.")
        filter = TraceFilter.from_dict(operation.detail.get("filter", {}))
        return operations.carry_out(
            self._database,
            operation_id,
            change_of,
            lambda session: condition(self._database, session, self._project_id, filter),
            progress=progress,
            should_stop=should_stop,
        )

    @needs(Action.LABEL)
    def repair(self, id: int, response: str, by: str = "") -> TraceDetail:
        """Puts another answer in the place of the teacher's, which is kept; grades and indexes it again."""
        who = self._who(by)
        with self._database.session() as session:
            [detail] = browse.details(session, self._project_id, [id])
            repairing.repair(session, detail.trace, detail.text, response, who)
        return self.get(id)

    @needs(Action.BUILD)
    def restate_terms(self, run: str, terms: str, *, note: str = "", by: str = "") -> Operation:
        """Puts right under which terms the answers of a run are (yes, no, research, unknown), with a word on why.

        Frozen datasets stay as they are: licence verdicts tell the terms at freezing beside those of now. `changed`
        counts the traces that were under others; with none, the operation is not kept and has no id.
        """
        return self.finish_change(self.start_restating(run, terms, note=note, by=by))

    @needs(Action.BUILD)
    def start_restating(self, run: str, terms: str, *, note: str = "", by: str = "") -> Operation:
        """The same without waiting."""
        change, filter = Restating.wanted(run, terms, note), TraceFilter.parse({"run": run})
        with self._database.session() as session:
            was = restating.terms_now(session, condition(self._database, session, self._project_id, filter))
        detail = {**change.detail, "was": {before: count for before, count in was.items() if before != terms}}
        return self._start(RESTATED, change, detail, filter, by)

    @needs(Action.LABEL)
    def grade(
        self,
        run: str | None = None,
        *,
        selection: Selection | None = None,
        progress: Progress = _quietly,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, int]:
        """Compares final answers with the prompts' known ones, in pieces; see `grading.grade` for the keys."""
        filter = TraceFilter.parse({"run": run}) if run is not None else self._chosen(selection)
        return grading.grade(
            self._database,
            lambda session: condition(self._database, session, self._project_id, filter),
            progress,
            should_stop,
        )

    @needs(Action.LABEL)
    def start_grade(self, selection: Selection | None = None) -> Job:
        """The same as a job. Raises NotFound for a run or ids that are not there, with nothing begun."""
        filter = self._chosen(selection)
        with self._database.session() as session:
            condition(self._database, session, self._project_id, filter)
        return self._jobs.enqueue(GRADE, status("title_grade"), {"filter": filter.as_dict()})

    @needs(Action.LABEL)
    def finish_grade(self, job_id: int) -> dict[str, Any]:
        """Does the grading that was started, in this process, and returns its report. Raises Stopped, with what was
        graded until then, when it was stopped."""
        graded = self._jobs.finish(job_id)
        if self._jobs.get(job_id).state == JobState.STOPPED:
            raise Stopped("The grading was stopped. What was graded is kept; grade again for the rest.", result=graded)
        return graded

    def _start(
        self, kind: str, change: operations.Change, detail: dict[str, Any], filter: TraceFilter, by: str
    ) -> Operation:
        """Begins an operation with its first piece. One with nothing to change is not kept."""
        who = self._who(by)
        with self._database.session() as session:
            matching = condition(self._database, session, self._project_id, filter)
            operation = operations.begin(session, self._project_id, kind, who, {**detail, "filter": filter.as_dict()})
            operations.piece(session, operation, change, change_of, matching, operations.PIECE)
            if not operation.changed:
                session.delete(operation)
                session.flush()
                return Operation(project_id=self._project_id, kind=kind, by=who.name, changed=0, detail=detail)
        return self._handed_on(operation)

    @needs(Action.LABEL)
    def finish_change(self, operation: Operation) -> Operation:
        """Carries out here what a change that was started has left to its job, or follows whoever was quicker. Raises
        Stopped for a change that was stopped meanwhile, and taken back."""
        job = self.job_of_change(operation)
        if operation.state not in operations.UNDER_WAY or job is None:
            return operation
        was = operation.state
        self._jobs.finish(job.id or 0)
        with self._database.session() as session:
            ended = session.get_one(Operation, operation.id)
        if was == OperationState.RUNNING and ended.state != OperationState.DONE:
            raise Stopped("The change was stopped and taken back, so every trace is as it was before.")
        return ended

    @needs(Action.READ)
    def job_of_change(self, operation: Operation) -> Job | None:
        """The newest job that carries an operation out; None for one that was done at once."""
        return self._jobs.about(Subject("operation", operation.id), CHANGE) if operation.id else None

    def _handed_on(self, operation: Operation, *, looks_again: bool = False) -> Operation:
        """Leaves what is under way to a job: a new one, unless one has not begun, or one that runs `looks_again` since
        its last look found the operation running. Two that work on an operation take its pieces in turn."""
        if operation.state in operations.UNDER_WAY:
            job = self.job_of_change(operation)
            is_left = job is not None and (job.state == JobState.QUEUED or (looks_again and job.state not in JOB_ENDED))
            if not is_left:
                about = Subject("operation", operation.id or 0)
                self._jobs.enqueue(CHANGE, status("title_change"), {"operation": operation.id}, subject=about)
        return operation

    def _who(self, by: str) -> Actor:
        """Whoever is named, who becomes one of the people if they are not yet; else for whom this is done."""
        if not by.strip():
            return self.access.actor
        self._check_named(by)
        return self._people.named_or_new(by)

    def _check_named(self, by: str) -> None:
        """The owner does things in anybody's name, a colleague in their own. Raises NotAllowed."""
        actor = self.access.actor
        if actor.kind != PersonKind.OWNER and " ".join(by.split()) != actor.name:
            raise NotAllowed(
                f"'{actor.name}' may not do this in the name of '{by.strip()}'. Leave the name out, or ask the owner."
            )

    def _number_of(self, by: str | None) -> int | None:
        """The number of whoever is named; of nobody of this workspace, one that nothing was done by.

        Where nobody is named a colleague means themselves, and the owner of the workspace anybody.
        """
        if by is None:
            actor = self.access.actor
            return None if actor.kind == PersonKind.OWNER else actor.person_id
        self._check_named(by)
        try:
            return self._people.named(by).person_id
        except NotFound:
            return 0

    def _chosen(self, selection: Selection | None) -> TraceFilter:
        """The selection as a filter. Raises NotFound for ids that are not there."""
        if selection is None:
            return TraceFilter()
        if isinstance(selection, TraceFilter):
            return selection
        ids = list(selection)
        with self._database.session() as session:
            browse.known(session, self._project_id, ids)
        return TraceFilter().only(ids)

    # --- files

    @needs(Action.READ)
    def export(
        self,
        path: Path,
        *,
        filter: TraceFilter | None = None,
        format: str = "messages",
        keep_system_message: bool = True,
        for_student: bool = False,
        progress: Progress = _quietly,
        writer: str = "",
        only_over: str | None = None,
    ) -> dict[str, Any]:
        """Writes matching traces to a file; see `exporting.export`."""
        options = ExportOptions(format, keep_system_message, for_student)
        path = self.check_export(path, options)
        chosen = selected(self._database, self._project_id, filter or TraceFilter())
        return exporting.export(self._database, chosen, path, options, progress, writer=writer, only_over=only_over)

    @needs(Action.READ)
    def check_export(self, path: Path, options: ExportOptions) -> Path:
        """The file that would be written. Raises `BadInput` for one that cannot be, and for an unknown format."""
        return exporting.checked_target(self.references.source(path), options.format)

    @needs(Action.BUILD)
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
        reservation: Reservation | None = None,
    ) -> dict[str, Any]:
        """Brings in existing answers as a run of their own, cleaned by `rules` if given; see `importing`.

        `batch_input` is the input file of a provider's batch whose output `path` is. Of a conversation the last reply
        is brought in with its history; with `every_turn` each reply of the assistant is an answer of its own.
        """
        origin = importing.Origin(teacher_name, terms)
        source = self._settled(path, format, mapping, rules, batch_input)
        return importing.import_answers(
            self._database,
            self._project_id,
            source,
            run,
            origin,
            every_turn=every_turn,
            progress=progress,
            reservation=reservation,
            person_id=self.access.actor.person_id or None,
        )

    @needs(Action.READ)
    def check_import(self, run: str, teacher_name: str, terms: str) -> None:
        """Raises `BadInput` for what can be told before a file is read: the names, the terms, a name that is taken."""
        run = checked_brought_name("run", run)
        importing.Origin(teacher_name.strip(), terms).check()
        arriving.check_free(self._database, self._project_id, run)

    @needs(Action.BUILD)
    def release(self, run: str, reservation: Reservation) -> None:
        """Clears away what an import that did not succeed has reserved or written."""
        arriving.staging(self._database, self._project_id).release(run, reservation)

    @needs(Action.READ)
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
        return preview(self._settled(path, format, mapping, rules, batch_input))

    def _settled(
        self, path: Path, format: str, mapping: dict[str, str] | None, rules: Rules | None, batch_input: Path | None
    ) -> Source:
        asked = None if batch_input is None else self.references.source(batch_input)
        return importing.settle(self.references.rows(path), format, mapping, rules=rules, batch_input=asked)

    def _matching(self, session: Session, selection: Selection | None) -> ColumnElement[bool]:
        return condition(self._database, session, self._project_id, self._chosen(selection))


def change_of(operation: Operation) -> operations.Change:
    """What an operation does, by its kind. To add a kind: write a `Change`, and name it here."""
    if operation.kind == REPAIR:
        return repairing.Repairing()
    return Restating.of(operation.detail) if operation.kind == RESTATED else Labelling.of(operation.detail)
