"""Bringing in existing answers: a file of prompts and responses becomes a run of traces, seen whole or not at all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlmodel import Session

from studio.engine.errors import BadInput
from studio.engine.jobs.context import Progress
from studio.engine.prompts.cleaning import Rules
from studio.engine.prompts.importing import AUTO, Source
from studio.engine.prompts.importing import settle as settle_rows
from studio.engine.prompts.keeping import Seen
from studio.engine.prompts.record import DUPLICATE, Answer, Skip, Tally
from studio.engine.store.database import Database
from studio.engine.store.tables import Run
from studio.engine.store.trace_writer import NewTrace, write_traces
from studio.engine.teachers.runs.plan import OWN
from studio.engine.traces.arriving import Arrival, check_name

TERMS = ("yes", "no", "research", "unknown")
BATCH_ROWS = 500


@dataclass(frozen=True)
class Origin:
    """Where answers came from: what their traces say of their teacher, and how its terms stand."""

    teacher: str
    terms: str = "unknown"

    def check(self) -> None:
        check_name("teacher", self.teacher)
        if self.terms not in TERMS:
            raise BadInput(f"May these answers train another model? Terms are {', '.join(TERMS)}, not '{self.terms}'.")


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
) -> dict[str, Any]:
    """Writes the answers as traces of a new run. Returns `run`, `imported`, `skipped`, `reasons`, `examples`, and with
    rules `cleaning`: how often each acted.

    The run and its traces are seen when the last of them is written; an import that fails leaves nothing.
    """
    run_name, origin = run_name.strip(), replace(origin, teacher=origin.teacher.strip())
    origin.check()
    settings = _settings(source, origin, every_turn)
    arrival = Arrival(database, project_id, run_name, settings)
    try:
        tally = Tally()
        imported = _write(arrival, _distinct(source.answers(every_turn=every_turn), tally), origin, tally, progress)
        if not imported:
            first = f" Line {tally.examples[0][0]}: {tally.examples[0][1]}." if tally.examples else ""
            raise BadInput(f"No row of {source.path} can be used, so nothing was imported.{first}")
        counted = {"reasons": tally.reasons, **({"cleaning": source.counts} if source.rules else {})}
        arrival.finish({**settings, "imported": imported, **counted})
    except BaseException:
        arrival.clear()
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


def _distinct(rows: Iterable[tuple[int, Answer] | Skip], tally: Tally) -> Iterator[Answer]:
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


def _write(arrival: Arrival, answers: Iterator[Answer], origin: Origin, tally: Tally, progress: Progress) -> int:
    imported = 0
    for batch in _batches(answers):
        arrival.write(_adding(batch, origin))
        imported += len(batch)
        progress(imported, None, f"answers, {tally.total:,} left out")
    return imported


def _adding(batch: list[Answer], origin: Origin) -> Callable[[Session, Run], object]:
    return lambda session, run: write_traces(session, [_trace(run, answer, origin) for answer in batch])


def _batches(answers: Iterator[Answer]) -> Iterator[list[Answer]]:
    batch: list[Answer] = []
    for answer in answers:
        batch.append(answer)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _trace(run: Run, answer: Answer, origin: Origin) -> NewTrace:
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
