"""The prompt sources of one project: import, generate, browse, delete. A source is seen whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from studio.engine.domain.names import checked_source_name, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.jobs import Progress, Reservation, Reserved
from studio.engine.prompts import importing, making
from studio.engine.prompts.cleaning import Rules
from studio.engine.prompts.reading_progress import by_bytes
from studio.engine.prompts.record import ImportReport, NewPrompt, Preview, Skip, Tally
from studio.engine.prompts.writing import UNFINISHED, Row, SourceWriter, hide, staging
from studio.engine.store import Database, References, in_use, not_binned
from studio.engine.store.tables import Prompt, PromptSource, Run, Trace

PAGE_ROWS = 50
ITERATE_ROWS = 500
ASKING = "asking"
"""The kind of the questions that an invention puts to a teacher: found by name, and shown nowhere."""


class Prompts(Service):
    """Prompt sources of one project."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id
        self.references = References(database.settings)

    @needs(Action.READ)
    def sources(self) -> list[PromptSource]:
        """All sources, the newest first."""
        mine = (col(PromptSource.project_id) == self._project_id, col(PromptSource.kind).not_in((UNFINISHED, ASKING)))
        query = select(PromptSource).where(*mine, in_use(PromptSource)).order_by(col(PromptSource.id).desc())
        with self._database.session() as session:
            return [source for source in session.scalars(query) if not source.detail.get("unfinished")]

    @needs(Action.READ)
    def source(self, name: str) -> PromptSource:
        """The source of that name. Raises `NotFound`."""
        with self._database.session() as session:
            return self._find(session, name)

    @needs(Action.BUILD)
    def import_file(
        self,
        path: Path,
        name: str,
        *,
        format: str = importing.AUTO,
        mapping: dict[str, str] | None = None,
        rules: Rules | None = None,
        progress: Progress | None = None,
        reservation: Reservation | None = None,
    ) -> ImportReport:
        """Reads a file, a folder of a data set, or `hub:owner/name` into a new source, cleaned by `rules` if given.

        Rows that cannot be used are left out, counted and reported with their lines. Raises `BadInput`, with nothing
        changed, for what cannot be read or holds no usable prompt at all.
        """
        self.check_free(name, reservation)
        path = self.references.rows(path)
        source = importing.settle(path, format, mapping, rules=rules)
        file = path.as_posix() if source.reader == "hub" else path.name
        detail: dict[str, Any] = {"file": file, "format": source.format, "mapping": source.mapping}
        detail["unread"] = source.unread
        if rules is not None:
            # The rules count while the rows are taken: the same dictionary is full once they all have been.
            detail |= {"rules": rules.as_dict(), "cleaning": source.counts}
        report = self._add(
            name,
            "import",
            source.rows(),
            detail=detail,
            origin=str(path),
            reservation=reservation,
            progress=by_bytes(progress, source.meter, "prompts_from_bytes") if progress else None,
        )
        return replace(report, cleaning=source.counts if rules else None, unread=source.unread)

    @needs(Action.READ)
    def preview(
        self,
        path: Path,
        format: str = importing.AUTO,
        mapping: dict[str, str] | None = None,
        *,
        rules: Rules | None = None,
    ) -> Preview:
        """How a file would be imported: detected format, columns, the first prompts. Nothing is stored."""
        return importing.preview(importing.settle(self.references.rows(path), format, mapping, rules=rules))

    @needs(Action.READ)
    def columns(self, path: Path, format: str = importing.AUTO) -> list[str]:
        """The names of a file's columns, dotted where they are nested, also when none looks like a prompt."""
        return importing.columns_of(self.references.rows(path), format)

    @needs(Action.BUILD)
    def practice(
        self,
        families: Sequence[str],
        count: int,
        seed: int,
        name: str,
        *,
        level: int = making.STANDARD_LEVEL,
        out: Path | None = None,
        progress: Progress | None = None,
        reservation: Reservation | None = None,
    ) -> PromptSource:
        """Makes `count` different practice questions, fewer when the families hold fewer; compare the source's `count`.

        With `out`, the same questions are written there as JSONL of prompt, answer, family.
        """
        self.check_free(name, reservation)
        making.check(families, count, level, seed)
        detail = {"families": list(families), "seed": seed, "level": level, "asked_for": count}
        out = None if out is None else self.references.source(out)
        with making.copied_to(out, making.questions(families, count, seed, level)) as rows:
            self._add(
                name, "practice", enumerate(rows, 1), detail=detail, origin="The practice world", progress=progress,
                reservation=reservation,
            )  # fmt: skip
        return self.source(name)

    @needs(Action.BUILD)
    def add(
        self, name: str, kind: str, rows: Iterable[NewPrompt], *, detail: dict[str, Any] | None = None
    ) -> ImportReport:
        """Stores prompts made elsewhere as a new source. `kind` says how: import, practice, sample, invent."""
        self.check_free(name)
        usable = (Skip(place, row.unfit) if row.unfit else (place, row) for place, row in enumerate(rows, 1))
        return self._add(name, kind, usable, detail=detail or {}, origin="What was given")

    @needs(Action.READ)
    def page(
        self, source_name: str, *, query: str = "", after: int | None = None, limit: int = PAGE_ROWS
    ) -> list[Prompt]:
        """Up to `limit` prompts in file order, those after position `after` and containing `query` in text or task."""
        with self._database.session() as session:
            source = self._find(session, source_name)
            statement = select(Prompt).where(col(Prompt.source_id) == source.id).order_by(col(Prompt.position))
            if after is not None:
                statement = statement.where(col(Prompt.position) > after)
            if query.strip():
                words = query.strip()
                in_text = col(Prompt.text).icontains(words, autoescape=True)
                statement = statement.where(in_text | col(Prompt.task).icontains(words, autoescape=True))
            return list(session.scalars(statement.limit(limit)))

    @needs(Action.READ)
    def prompt(self, source_name: str, position: int) -> Prompt:
        """One prompt by its place in the source. Raises `NotFound`."""
        with self._database.session() as session:
            source = self._find(session, source_name)
            found = session.scalar(
                select(Prompt).where(col(Prompt.source_id) == source.id, col(Prompt.position) == position)
            )
        if found is None:
            raise NotFound(f"The source '{source_name}' has no prompt at place {position}. It holds {source.count}.")
        return found

    @needs(Action.READ)
    def iterate(self, source_name: str) -> Iterator[Prompt]:
        """All prompts of a source in order, a few hundred in memory at a time and no transaction held between them."""
        self.source(source_name)
        after: int | None = None
        while rows := self.page(source_name, after=after, limit=ITERATE_ROWS):
            yield from rows
            after = rows[-1].position

    @needs(Action.READ)
    def mix(self, source_name: str, limit: int = 12) -> list[tuple[str, int]]:
        """The commonest families, or tasks where there are no families, with how many prompts each has."""
        label = func.coalesce(col(Prompt.family), col(Prompt.task))
        with self._database.session() as session:
            source = self._find(session, source_name)
            rows = session.execute(
                select(label, func.count())
                .where(col(Prompt.source_id) == source.id, label.is_not(None))
                .group_by(label)
                .order_by(func.count().desc(), label)
                .limit(limit)
            )
            return [(name, count) for name, count in rows]

    @needs(Action.BUILD)
    def delete(self, name: str) -> None:
        """Removes a source and its prompts, some at a time; from the first moment on nothing shows it any more.

        Refused with `BadInput` while something was collected or made from it.
        """
        self.clear(self.hide(name))

    @needs(Action.BUILD)
    def hide(self, name: str) -> Reserved:
        """The first moment of deleting: what is left to do is a job's, or whoever's writes next in the project."""
        with self._database.session() as session:
            source = self._find(session, name)
            runs = session.scalars(select(col(Run.name)).where(col(Run.source_id) == source.id).limit(5)).all()
            if runs:
                raise BadInput(f"The source '{name}' is used by {', '.join(runs)} and stays as long as they do.")
            answered = select(col(Trace.id)).join(Prompt, col(Prompt.id) == col(Trace.prompt_id))
            if session.scalar(answered.where(col(Prompt.source_id) == source.id).limit(1)) is not None:
                raise BadInput(f"The source '{name}' stays: answers to its prompts are kept in this project.")
            return hide(session, source)

    @needs(Action.BUILD)
    def clear(self, reserved: Reserved) -> None:
        """Clears away what `hide` hid."""
        staging(self._database, self._project_id).clear(reserved)

    @needs(Action.BUILD)
    def clear_hidden(self, name: str, reservation: Reservation) -> None:
        """Clears away what a job was given to clear: a source that was deleted, or what it reserved and did not use."""
        staging(self._database, self._project_id).release(name.strip(), reservation)

    def _add(
        self,
        name: str,
        kind: str,
        rows: Iterable[Row | Skip],
        *,
        detail: dict[str, Any],
        origin: str,
        progress: Progress | None = None,
        reservation: Reservation | None = None,
    ) -> ImportReport:
        tally = Tally()
        writer = SourceWriter(self._database, self._project_id, name, reservation)
        try:
            writer.write(rows, tally, progress)
            if not writer.count:
                raise _nothing(origin, tally)
            writer.finish(kind, {**detail, **tally.kept()})
        except BaseException:
            # Also when the person breaks it off; what a killed process leaves is cleared away by the next writer.
            writer.clear()
            raise
        return ImportReport(writer.name, writer.count, tally.total, tally.reasons, tally.examples)

    def _find(self, session: Session, name: str) -> PromptSource:
        mine = col(PromptSource.project_id) == self._project_id
        whole = (col(PromptSource.kind) != UNFINISHED) & not_binned(PromptSource)
        found = session.scalar(select(PromptSource).where(mine, whole, col(PromptSource.name).in_(spellings(name))))
        if found is None or found.detail.get("unfinished"):
            shown = (mine, col(PromptSource.kind).not_in((UNFINISHED, ASKING)), in_use(PromptSource))
            known = session.scalars(select(col(PromptSource.name)).where(*shown).order_by(col(PromptSource.id).desc()))
            raise NotFound.named("prompt source", name, list(known))
        return found

    @needs(Action.READ)
    def check_free(self, name: str, own: Reservation | None = None) -> None:
        """Before anything is read: a name that can be used and that nothing has but, perhaps, the job that asks."""
        name = checked_source_name(name)
        staging(self._database, self._project_id).check_free(name, own)
        try:
            self.source(name)
        except NotFound:
            return
        raise NameTaken.of("prompt source", name)


def _nothing(origin: str, tally: Tally) -> BadInput:
    if not tally.examples:
        return BadInput(f"{origin} holds no prompt. Nothing was stored.")
    line, reason = tally.examples[0]
    return BadInput(
        f"{origin} holds no prompt that can be used: {tally.total} left out, the first at line {line} ({reason}). "
        "Nothing was stored."
    )
