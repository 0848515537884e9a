"""The prompt sources of one project: import, generate, browse, delete. A source is seen whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.jobs.context import Progress
from studio.engine.prompts import importing, making
from studio.engine.prompts.cleaning import Rules
from studio.engine.prompts.record import ImportReport, NewPrompt, Preview, Skip, Tally
from studio.engine.prompts.writing import UNFINISHED, Row, SourceWriter, check_unfinished
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, PromptSource, Run

PAGE_ROWS = 50
ITERATE_ROWS = 500
MAX_NAME = 100
ASKING = "asking"
"""The kind of the questions that an invention puts to a teacher: found by name, and shown nowhere."""


class Prompts:
    """Prompt sources of one project."""

    def __init__(self, database: Database, project_id: int) -> None:
        self._database = database
        self._project_id = project_id

    def sources(self) -> list[PromptSource]:
        """All sources, the newest first."""
        mine = (col(PromptSource.project_id) == self._project_id, col(PromptSource.kind).not_in((UNFINISHED, ASKING)))
        query = select(PromptSource).where(*mine).order_by(col(PromptSource.id).desc())
        with self._database.session() as session:
            return [source for source in session.scalars(query) if not source.detail.get("unfinished")]

    def source(self, name: str) -> PromptSource:
        """The source of that name. Raises `NotFound`."""
        with self._database.session() as session:
            return self._find(session, name)

    def import_file(
        self,
        path: Path,
        name: str,
        *,
        format: str = importing.AUTO,
        mapping: dict[str, str] | None = None,
        rules: Rules | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Reads a file, a folder of a data set, or `hub:owner/name` into a new source, cleaned by `rules` if given.

        Rows that cannot be used are left out, counted and reported with their lines. Raises `BadInput`, with nothing
        changed, for what cannot be read or holds no usable prompt at all.
        """
        self.check_free(name)
        path = Path(path)
        source = importing.settle(path, format, mapping, rules=rules)
        file = path.as_posix() if source.reader == "hub" else path.name
        detail: dict[str, Any] = {"file": file, "format": source.format, "mapping": source.mapping}
        if rules is not None:
            # The rules count while the rows are taken: the same dictionary is full once they all have been.
            detail |= {"rules": rules.as_dict(), "cleaning": source.counts}
        report = self._add(name, "import", source.rows(), detail=detail, origin=str(path), progress=progress)
        return report if rules is None else replace(report, cleaning=source.counts)

    def preview(
        self,
        path: Path,
        format: str = importing.AUTO,
        mapping: dict[str, str] | None = None,
        *,
        rules: Rules | None = None,
    ) -> Preview:
        """How a file would be imported: detected format, columns, the first prompts. Nothing is stored."""
        return importing.preview(importing.settle(Path(path), format, mapping, rules=rules))

    def columns(self, path: Path, format: str = importing.AUTO) -> list[str]:
        """The names of a file's columns, dotted where they are nested, also when none looks like a prompt."""
        return importing.columns_of(Path(path), format)

    def practice(
        self,
        families: Sequence[str],
        count: int,
        seed: int,
        name: str,
        *,
        level: int = making.STANDARD_LEVEL,
        out: Path | None = None,
    ) -> PromptSource:
        """Makes `count` different practice questions, fewer when the families hold fewer; compare the source's `count`.

        With `out`, the same questions are written there as JSONL of prompt, answer, family.
        """
        self.check_free(name)
        making.check(families, count, level)
        detail = {"families": list(families), "seed": seed, "level": level, "asked_for": count}
        with making.copied_to(out, making.questions(families, count, seed, level)) as rows:
            self._add(name, "practice", enumerate(rows, 1), detail=detail, origin="The practice world")
        return self.source(name)

    def add(
        self, name: str, kind: str, rows: Iterable[NewPrompt], *, detail: dict[str, Any] | None = None
    ) -> ImportReport:
        """Stores prompts made elsewhere as a new source. `kind` says how: import, practice, sample, invent."""
        self.check_free(name)
        usable = (Skip(place, row.unfit) if row.unfit else (place, row) for place, row in enumerate(rows, 1))
        return self._add(name, kind, usable, detail=detail or {}, origin="What was given")

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

    def iterate(self, source_name: str) -> Iterator[Prompt]:
        """All prompts of a source in order, a few hundred in memory at a time and no transaction held between them."""
        self.source(source_name)
        after: int | None = None
        while rows := self.page(source_name, after=after, limit=ITERATE_ROWS):
            yield from rows
            after = rows[-1].position

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

    def delete(self, name: str) -> None:
        """Removes a source and its prompts. Refused with `BadInput` while something was collected or made from it."""
        try:
            with self._database.session() as session:
                source = self._find(session, name)
                runs = session.scalars(select(col(Run.name)).where(col(Run.source_id) == source.id).limit(5)).all()
                if runs:
                    raise BadInput(f"The source '{name}' is used by {', '.join(runs)} and stays as long as they do.")
                session.execute(delete(Prompt).where(col(Prompt.source_id) == source.id))
                session.delete(source)
        except IntegrityError as exc:
            raise BadInput(f"The source '{name}' stays: answers to its prompts are kept in this project.") from exc

    def _add(
        self,
        name: str,
        kind: str,
        rows: Iterable[Row | Skip],
        *,
        detail: dict[str, Any],
        origin: str,
        progress: Progress | None = None,
    ) -> ImportReport:
        tally = Tally()
        writer = SourceWriter(self._database, self._project_id, name)
        try:
            writer.write(rows, tally, progress)
            if not writer.count:
                raise _nothing(origin, tally)
            kept = {"reasons": tally.reasons, "examples": [list(row) for row in tally.examples]}
            writer.finish(kind, {**detail, **kept})
        except BaseException:
            # Also when the person breaks it off; what a killed process leaves is cleared away by the next writer.
            writer.clear()
            raise
        return ImportReport(writer.name, writer.count, tally.total, tally.reasons, tally.examples)

    def _find(self, session: Session, name: str) -> PromptSource:
        mine = col(PromptSource.project_id) == self._project_id
        whole = col(PromptSource.kind) != UNFINISHED
        found = session.scalar(select(PromptSource).where(mine, whole, col(PromptSource.name) == name))
        if found is None or found.detail.get("unfinished"):
            shown = (mine, col(PromptSource.kind).not_in((UNFINISHED, ASKING)))
            known = session.scalars(select(col(PromptSource.name)).where(*shown).order_by(col(PromptSource.id).desc()))
            raise NotFound.named("prompt source", name, list(known))
        return found

    def check_free(self, name: str) -> None:
        """Before anything is read: a name that can be used and that nothing else has."""
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise BadInput(f"A prompt source needs a name of 1 to {MAX_NAME} printable characters.")
        check_unfinished(self._database, self._project_id, name)
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
