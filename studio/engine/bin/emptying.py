"""Empties the bin: each thing's rows in many short transactions, then its files, then its place in the bin. Whoever is
killed leaves what the next worker goes on with."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, col, select

from studio.engine.bin import deleting, files, listing, vacuum
from studio.engine.bin.expiring import is_due
from studio.engine.bin.pieces import Pieces
from studio.engine.bin.refusals import check_unread, is_asking
from studio.engine.bin.things import TABLES, ThingKind
from studio.engine.bin.whole_project import delete_project
from studio.engine.domain.states import BinState
from studio.engine.domain.status import status
from studio.engine.errors import Stopped
from studio.engine.jobs import Progress
from studio.engine.store import Database
from studio.engine.store.tables import BinItem, Dataset, Model, PromptSource

_DELETE: dict[ThingKind, Any] = {
    ThingKind.STUDY: deleting.delete_study,
    ThingKind.MODEL: deleting.delete_model,
    ThingKind.DATASET: deleting.delete_dataset,
    ThingKind.RUN: deleting.delete_run,
    ThingKind.PROMPTS: deleting.delete_prompts,
    ThingKind.TEACHER: deleting.delete_teacher,
    ThingKind.PROJECT: delete_project,
}
"""In this order: what depends on others before them."""
_LEFT = ((Model, ThingKind.MODEL), (Dataset, ThingKind.DATASET), (PromptSource, ThingKind.PROMPTS))
"""What may have stayed for the sake of others, which may be gone by now."""


class Emptying:
    """One emptying of one bin."""

    def __init__(self, database: Database, progress: Progress, is_put_down: Callable[[], bool]) -> None:
        self._database = database
        self._progress, self._is_put_down = progress, is_put_down
        self._pieces = Pieces(database, self._step)
        self._rows = 0

    def run(
        self,
        items: Sequence[Any],
        should_stop: Callable[[], bool],
        *,
        compact: bool = False,
        due_at: float | None = None,
    ) -> dict[str, Any]:
        """Deletes the items of the bin with these marks for good, or with `due_at` those of them that go by themselves
        at that time; asked to stop, it ends what it began. Returns
        `bytes`, `emptied`, `reusable`: bytes of the database's file that are free for what comes next. Raises
        `BadInput` while a job reads all there is."""
        with self._database.session() as session:
            check_unread(session, now=True)
        before = vacuum.file_size(self._database)
        freed, emptied, projects = 0, 0, set()
        for item in self._in_order(items):
            if item.state == BinState.KEPT and should_stop():
                break
            size = self._empty(item, due_at)
            if size is None:
                continue
            freed += size
            emptied += 1
            projects.add(item.project_id)
        for project_id in projects:
            self._look_after(project_id)
        vacuum.give_back(self._database, compact=compact)
        shrunk = max(0, before - vacuum.file_size(self._database))
        return {"bytes": freed + shrunk, "emptied": emptied, "reusable": vacuum.reusable(self._database)}

    def _in_order(self, items: Sequence[Any]) -> list[BinItem]:
        """Those that are in the bin still. An item that was noted by its number alone may be another by now."""
        marks = {tuple(item) for item in items if isinstance(item, Sequence)}
        with self._database.session() as session:
            mine = col(BinItem.id).in_([number for number, *_ in marks])
            found = [item for item in session.exec(select(BinItem).where(mine)) if listing.mark(item) in marks]
        order = list(_DELETE)
        return sorted(found, key=lambda item: (order.index(ThingKind(item.kind)), item.id))

    def _empty(self, item: BinItem, due_at: float | None) -> int | None:
        """Bytes of files; None for what stays in the bin, since a collector is at it or it is not due. From its first
        transaction on nobody restores it."""
        kind = ThingKind(item.kind)
        with self._database.session() as session:
            kept = _still(session, item)
            if kept is None:
                return 0  # It was restored, or went with its project.
            row = session.get(TABLES[kind], kept.thing_id)
            if row is None or row.binned_at != kept.created_at:  # A try before ended here; its number may be another's.
                session.delete(kept)
                return int(kept.detail.get("bytes", 0))
            if kept.state == BinState.KEPT and is_asking(session, kind, row):
                return None
            if kept.state == BinState.KEPT and due_at is not None and not is_due(session, kept, due_at):
                return None
            paths = files.files_of(session, self._database.settings, kind, row)
            if kept.state == BinState.KEPT:
                kept.state, kept.detail = BinState.EMPTYING, {**kept.detail, "bytes": files.size_of(paths)}
                session.add(kept)
            freed = int(kept.detail.get("bytes", 0))
        files.remove(paths)
        _DELETE[kind](self._pieces, row)
        self._forget(item)
        return freed

    def _forget(self, item: BinItem) -> None:
        with self._database.session() as session:
            kept = _still(session, item)
            if kept is not None:
                session.delete(kept)

    def _look_after(self, project_id: int) -> None:
        """Deletes what had stayed for the sake of what is gone now."""
        for table, kind in _LEFT:
            with self._database.session() as session:
                rows = _left_over(session, table, kind, project_id)
            for row in rows:
                _DELETE[kind](self._pieces, row)

    def _step(self, rows: int) -> None:
        self._rows += rows
        self._progress(self._rows, None, status("rows_deleted"))
        if self._is_put_down():
            raise Stopped("It was put down. Whoever goes on deletes the rest.")


def _still(session: Session, item: BinItem) -> BinItem | None:
    """The item as it is now; None when it is gone, also when another has its number."""
    kept = session.get(BinItem, item.id)
    return kept if kept is not None and listing.mark(kept) == listing.mark(item) else None


def _left_over(session: Session, table: Any, kind: ThingKind, project_id: int) -> Sequence[Any]:
    """Rows in the bin without a place in it: their files are gone already."""
    waiting = select(BinItem.thing_id).where(BinItem.kind == kind.value)
    mine = (table.project_id == project_id, col(table.binned_at).is_not(None), col(table.id).not_in(waiting))
    return session.exec(select(table).where(*mine)).all()
