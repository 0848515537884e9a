"""Bringing in existing answers: a file of prompts and responses becomes a run of traces, seen whole or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from studio.engine.domain.names import checked_brought_name, composed
from studio.engine.domain.status import status
from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress, Reservation, StagedWriter
from studio.engine.prompts import AUTO, DUPLICATE, ImportedAnswer, Seen, Skip, Source, Tally, by_bytes
from studio.engine.prompts import settle as settle_rows
from studio.engine.prompts.cleaning import Rules
from studio.engine.store import Database, NewTrace, prepared, write_prepared
from studio.engine.store.tables import Run
from studio.engine.teachers.plans import OWN
from studio.engine.traces import arriving

BATCH_ROWS = 500
BATCH_CHARACTERS = 500_000
"""Of texts: long answers are written fewer at a time, since each is indexed while others who write wait."""


@dataclass(frozen=True)
class Origin:
    """Where answers came from: what their traces say of their teacher, and how its terms stand."""

    teacher: str
    terms: str = "unknown"

    def check(self) -> None:
        checked_brought_name("teacher", self.teacher)
        Terms.checked(self.terms)


def settle(
    path: Path,
    format: str = AUTO,
    mapping: dict[str, str] | None = None,
    *,
    rules: Rules | None = None,
    batch_input: Path | None = None,
) -> Source:
    """Decides how answers are read from the first rows. Raises `BadInput` when no column can be the response."""
    return settle_rows(Path(path), format, mapping, answers=True, rules=rules, batch_input=batch_input)


def import_answers(
    database: Database,
    project_id: int,
    source: Source,
    run_name: str,
    origin: Origin,
    *,
    every_turn: bool = False,
    progress: Progress,
    reservation: Reservation | None = None,
    person_id: int | None = None,
) -> dict[str, Any]:
    """Writes the answers as traces of a new run of that person. Returns `run`, `imported`, `skipped`, `reasons`,
    `examples`, with rules `cleaning`: how often each acted, and `unread`: what rows hold that was not read, if any.

    The run and its traces are seen when the last of them is written; an import that fails leaves nothing.
    """
    run_name, origin = composed(run_name), replace(origin, teacher=origin.teacher.strip())
    origin.check()
    settings = _settings(source, origin, every_turn)
    run = arriving.begin(database, project_id, run_name, reservation)
    try:
        tally = Tally()
        told = by_bytes(progress, source.meter, "answers_from_bytes")
        imported = _write(run, _distinct(source.answers(every_turn=every_turn), tally), origin, tally, told)
        if not imported:
            first = f" Line {tally.examples[0][0]}: {tally.examples[0][1]}." if tally.examples else ""
            raise BadInput(f"No row of {source.path} can be used, so nothing was imported.{first}")
        counted = {"reasons": tally.reasons, **({"cleaning": source.counts} if source.rules else {})}
        counted |= {"unread": source.unread} if source.unread else {}
        arriving.finish(run, {**settings, "imported": imported, **counted}, person_id)
    except BaseException:
        run.clear()
        raise
    examples = [{"line": line, "reason": reason} for line, reason in tally.examples]
    return {"run": run_name, "imported": imported, "skipped": tally.total, **counted, "examples": examples}


def _settings(source: Source, origin: Origin, every_turn: bool) -> dict[str, Any]:
    return {
        "file": source.path.as_posix() if source.reader == "hub" else source.path.name,
        "format": source.format,
        "mapping": source.mapping,
        "teacher": origin.teacher,
        "terms": origin.terms,
        "every_turn": every_turn,
        **({"rules": source.rules.as_dict()} if source.rules else {}),
    }


def _distinct(rows: Iterable[tuple[int, ImportedAnswer] | Skip], tally: Tally) -> Iterator[ImportedAnswer]:
    """Each answer to each prompt once; the rest is counted."""
    with Seen() as seen:
        for row in rows:
            if isinstance(row, Skip):
                tally.add(row)
                continue
            line, answer = row
            key = blake2b(answer.prompt.digest + answer.reply.text.encode(), digest_size=16).digest()
            if seen.add(key):
                yield answer
            else:
                tally.add(Skip(line, DUPLICATE))


def _write(
    run: StagedWriter[Run], answers: Iterator[ImportedAnswer], origin: Origin, tally: Tally, progress: Progress
) -> int:
    imported = 0
    for batch in _batches(answers):
        traces = [prepared(_trace(run.row, answer, origin)) for answer in batch]
        with run.piece() as session:
            write_prepared(session, traces)
        imported += len(batch)
        progress(imported, None, status("answers_brought", left_out=tally.total))
    return imported


def _batches(answers: Iterator[ImportedAnswer]) -> Iterator[list[ImportedAnswer]]:
    batch: list[ImportedAnswer] = []
    characters = 0
    for answer in answers:
        batch.append(answer)
        characters += answer.prompt.characters + len(answer.reply.text)
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _trace(run: Run, answer: ImportedAnswer, origin: Origin) -> NewTrace:
    """A system message that came with the prompt is kept with it, under the name that collecting gives such a one."""
    prompt, reply = answer.prompt, answer.reply
    return NewTrace(
        run=run,
        prompt_text=prompt.text,
        system_message_name=prompt.system_name or (OWN if prompt.system else ""),
        system_message_text=prompt.system or "",
        response=reply.text,
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
        teacher=origin.teacher,
        model=reply.model,
        terms=origin.terms,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        known_answer=prompt.answer,
        messages=prompt.messages,
        collection=prompt.collection or run.name,
        family=prompt.family,
        task=prompt.task,
    )
