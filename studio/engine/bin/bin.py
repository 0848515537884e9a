"""The bin of a project, and what is put away: asked, put in, taken out, renamed, listed, emptied."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.bin import expiring, listing, renaming
from studio.engine.bin.dependents import dependents
from studio.engine.bin.refusals import check_idle, check_not_last, check_unread, hold_projects
from studio.engine.bin.reports import Away, Deleted, Restored, Whereabouts
from studio.engine.bin.things import (
    KEEPS_NAME,
    TABLES,
    Row,
    ThingKind,
    check_not_shipped,
    found,
    names_in_use,
    shown_name,
)
from studio.engine.bin.untouched import is_untouched, remove
from studio.engine.domain.permissions import Access, Action, Service, needs
from studio.engine.domain.states import JOB_UNDER_WAY, BinState
from studio.engine.domain.status import status
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.jobs import Jobs, Kind, Progress, Retry
from studio.engine.store import Database, binned_name, name_before
from studio.engine.store.tables import BinItem, Job, Project
from studio.engine.teachers import library

EMPTY = Kind("empty_bin", action=Action.MANAGE, ends_whole=True, retry=Retry.GOES_ON)


class Bin(Service):
    """What can be deleted of one project and brought back; of the workspace, its projects."""

    def __init__(self, database: Database, project_id: int, jobs: Jobs, access: Access) -> None:
        self._database, self._project_id, self._jobs = database, project_id, jobs
        self.access = access

    @needs(Action.READ)
    def look(self, kind: str, name: str) -> Deleted:
        """What would be put into the bin, and what depends on it. Raises as `delete` does; changes nothing."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            row = self._deletable(session, of, name)
            return Deleted(of, shown_name(of, row), dependents(session, of, row), row.id)

    @needs(Action.MANAGE)
    def delete(self, kind: str, name: str) -> Deleted:
        """Puts a thing into the bin. Raises `NotFound`, or `BadInput` while a job or an open study needs it, and for
        the last project in use."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            if of is ThingKind.PROJECT:
                hold_projects(session)
            row = self._deletable(session, of, name)
            self._may(Action.MANAGE, of, row)
            depends = dependents(session, of, row)
            name = shown_name(of, row)
            if of is ThingKind.SYSTEM_MESSAGE:
                row.archived_at = time.time()
                session.add(row)
            else:
                self._put_in(session, of, row, [one.as_dict() for one in depends])
        return Deleted(of, name, depends, row.id)

    @needs(Action.MANAGE)
    def restore(self, kind: str, name: str, as_name: str | None = None, *, number: int | None = None) -> Restored:
        """Takes a thing out of the bin, or back from where it was put away: the one of that number. Without a number,
        what is put away comes first, as it keeps its name from what is in the bin. Raises `NotFound`, and `NameTaken`
        where another has its name now and `as_name` gives it no other."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            item = listing.item(session, self._project_id, of, name, number)
            if item is None or (number is None and not as_name and self._is_put_away(session, of, name)):
                return self._brought_back(session, of, name, as_name, number)
            if item.state != BinState.KEPT:
                raise BadInput(
                    f"The {of.words} '{item.name}' is being deleted for good; it cannot be restored any more."
                )
            return self._taken_out(session, of, item, as_name)

    @needs(Action.BUILD)
    def archive(self, kind: str, name: str) -> Away:
        """Puts a thing away: lists leave it out, its name still finds it. Raises `NotFound`, and `BadInput` for the
        last project in use."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            if of is ThingKind.PROJECT:
                hold_projects(session)
            row = found(session, self._project_id, of, name)
            self._may(Action.BUILD, of, row)
            check_not_last(session, of, row)
            row.archived_at = row.archived_at or time.time()
            session.add(row)
            return listing.put_away(of, row)

    @needs(Action.BUILD)
    def rename(self, kind: str, name: str, to: str) -> str:
        """Gives a thing another name, and whatever names it too. Returns the new name. Raises `NotFound`, `NameTaken`,
        or `BadInput` while a job works on it."""
        of = ThingKind.of(kind)
        check_not_shipped(of, name)
        renaming.check_all_versions(of, name)
        to = renaming.checked(of, to)
        try:
            with self._database.session() as session:
                row = found(session, self._project_id, of, name)
                self._may(Action.BUILD, of, row)
                check_idle(session, of, row)
                renaming.rename(session, of, row, to)
        except IntegrityError as exc:
            raise NameTaken.of(of.words, to) from exc
        return to

    @needs(Action.READ)
    def names(self, kind: str) -> Sequence[str]:
        """What of a kind is in use and can be deleted, put away or renamed, the newest first."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            return names_in_use(session, self._project_id, of)

    @needs(Action.READ)
    def whereabouts(self, kind: str, name: str) -> Whereabouts:
        """Where the thing is that a name, which may be anything, would find."""
        of = ThingKind.of(kind)
        with self._database.session() as session:
            try:
                found(session, self._project_id, of, name)
            except BadInput:
                in_bin = listing.item(session, self._project_id, of, name) is not None
                return Whereabouts.IN_BIN if in_bin else Whereabouts.NOWHERE
        return Whereabouts.IN_USE

    @needs(Action.READ)
    def list(self) -> Sequence[Away]:
        """What is in the bin, the newest first: of this project, and projects."""
        with self._database.session() as session:
            return listing.binned(session, self._project_id)

    @needs(Action.READ)
    def archived(self) -> Sequence[Away]:
        """What is put away, the newest first: of this project, and projects."""
        with self._database.session() as session:
            return listing.archived(session, self._project_id)

    @needs(Action.MANAGE)
    def empty(self) -> Job:
        """Starts to delete for good what is in the bin now. Raises `BadInput` while something reads all there is, and
        for a project that is in the bin itself."""
        return self._jobs.enqueue(EMPTY, status("title_empty_bin"), self._payload())

    @needs(Action.MANAGE)
    def empty_here(self, *, compact: bool = False, on_progress: Progress | None = None) -> dict[str, Any]:
        """The same in this process. Returns `bytes` (of files, and of the database's file), `emptied`, `reusable`."""
        payload = self._payload() | {"compact": compact}
        return self._jobs.run_new(EMPTY, status("title_empty_bin"), payload, on_progress=on_progress)

    @needs(Action.READ)
    def days_kept(self) -> int:
        """For how many days things stay in the bins of this workspace; 0 is until somebody empties them."""
        with self._database.session() as session:
            return expiring.days_kept(session)

    @needs(Action.MANAGE)
    def keep_for(self, days: int) -> None:
        """Changes it. Raises `BadInput` for what is no number of days."""
        with self._database.session() as session:
            expiring.keep_for(session, days)

    @needs(Action.MANAGE)
    def expire(self, now: float) -> Job | None:
        """Starts to delete for good what is due at a time, in seconds since 1970; None where nothing is that is not
        being deleted. Raises `BadInput` while something reads all there is."""
        with self._database.session() as session:
            items = listing.items(session, self._project_id)
            due = {listing.mark(one) for one in items if expiring.is_due(session, one, now)} - _leaving(session)
            if not due:
                return None
            check_unread(session)
        payload = {"items": [[*mark] for mark in sorted(due)], "due_at": now}
        return self._jobs.enqueue(EMPTY, status("title_expire_bin"), payload)

    def _payload(self) -> dict[str, object]:
        with self._database.session() as session:
            _check_in_use(session.get_one(Project, self._project_id))
            check_unread(session)
            items = [[*listing.mark(item)] for item in listing.items(session, self._project_id)]
        return {"items": items}

    def _deletable(self, session: Session, kind: ThingKind, name: str) -> Row:
        check_not_shipped(kind, name)
        row = found(session, self._project_id, kind, name)
        check_idle(session, kind, row)
        check_not_last(session, kind, row)
        return row

    def _put_in(self, session: Session, kind: ThingKind, row: Row, depends: Sequence[dict[str, Any]]) -> None:
        item = BinItem(
            project_id=row.id if kind is ThingKind.PROJECT else self._project_id, kind=kind, thing_id=row.id,
            name=shown_name(kind, row), by=self.access.actor.name, person_id=self.access.actor.person_id or None,
            detail={"depends": [*depends]},
        )  # fmt: skip
        session.add(item)
        session.flush()
        table = TABLES[kind]
        values: dict[str, object] = {"binned_at": item.created_at}
        if kind not in KEEPS_NAME:
            values["name"] = binned_name(row.name, item.id or 0)
        session.execute(update(table).where(col(table.id) == row.id).values(**values))

    def _taken_out(self, session: Session, kind: ThingKind, item: BinItem, as_name: str | None) -> Restored:
        row = session.get_one(TABLES[kind], item.thing_id)
        self._may(Action.MANAGE, kind, row)
        name = item.name
        if kind not in KEEPS_NAME:
            name = renaming.checked(kind, as_name) if as_name else item.name
            other = renaming.holder(session, kind, self._project_id, name)
            if kind is ThingKind.PROJECT and other is not None and is_untouched(session, other, self._library):
                remove(session, other)
            elif other is not None:
                raise NameTaken(
                    f"There is another {kind.words} named '{name}' now. Restore this one under another name: "
                    f"understudy restore {kind} '{item.name}' --name OTHER"
                )
            row.name = name
        elif as_name and as_name != item.name:
            raise BadInput(f"A {kind.words} comes back under its own name. Restore it, then rename it.")
        row.binned_at = None
        session.add(row)
        session.delete(item)
        return Restored(kind, name, item.by, item.created_at, item.thing_id)

    def _is_put_away(self, session: Session, kind: ThingKind, name: str) -> bool:
        try:
            return found(session, self._project_id, kind, name).archived_at is not None
        except BadInput:
            return False

    def _brought_back(
        self, session: Session, kind: ThingKind, name: str, as_name: str | None, number: int | None
    ) -> Restored:
        """What was put away rather than put into the bin."""
        try:
            row = found(session, self._project_id, kind, name)
        except NotFound as exc:
            there = [item.name for item in listing.items(session, self._project_id) if item.kind == kind]
            known = f"There are: {', '.join(there[:12])}." if there else f"It holds no {kind.words}."
            raise NotFound(f"There is no {kind.words} named '{name}' in the bin. {known}") from exc
        if row.archived_at is None or number not in (None, row.id):
            raise BadInput(f"The {kind.words} '{name}' is neither in the bin nor put away.")
        if as_name:
            raise BadInput(f"The {kind.words} '{name}' kept its name. Restore it, then rename it.")
        self._may(Action.MANAGE, kind, row)
        at, row.archived_at = row.archived_at, None
        session.add(row)
        return Restored(kind, shown_name(kind, row), "", at, row.id)

    @property
    def _library(self) -> dict[str, str]:
        """The words of the system messages that each project comes with, by name."""
        return {message.name: message.text for message in library(self._database.settings.assets)}

    def _may(self, action: Action, kind: ThingKind, row: Row) -> None:
        """A project is asked for by its own name, everything else by that of the project it is of."""
        if kind is ThingKind.PROJECT:
            Access(self.access.actor, name_before(row.name)).check(action)


def _check_in_use(project: Project) -> None:
    """A job of a project goes with it, so none of it could tell how its own deleting ended."""
    if project.binned_at is not None:
        raise BadInput(
            f"The project '{name_before(project.name)}' is in the bin itself. Empty the bin from another project."
        )


def _leaving(session: Session) -> set[tuple[Any, ...]]:
    """The marks of what jobs under way delete: a project in the bin is listed in every other."""
    mine = (col(Job.kind) == EMPTY.name, col(Job.state).in_(JOB_UNDER_WAY))
    jobs = session.exec(select(Job).where(*mine))
    return {tuple(mark) for job in jobs for mark in job.payload.get("items", ()) if isinstance(mark, list)}
