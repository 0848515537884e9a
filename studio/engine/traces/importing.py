"""Bringing in existing answers: a file of prompts and responses becomes a run of traces, whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, NameTaken
from studio.engine.jobs.context import Progress
from studio.engine.prompts.files import READERS
from studio.engine.prompts.importing import AUTO, HEAD_ROWS, Source
from studio.engine.prompts.importing import settle as settle_prompts
from studio.engine.prompts.record import DUPLICATE, NOT_TEXT, NewPrompt, Record, Skip, Tally, Unusable
from studio.engine.prompts.shapes.columns import Columns, checked, guess, names_in
from studio.engine.prompts.shapes.sharegpt import ShareGPT
from studio.engine.prompts.shapes.turns import conversation
from studio.engine.store.tables import Run, RunState
from studio.engine.store.trace_writer import write_trace

RESPONSE = "response"
RESPONSE_COLUMNS = ("response", "completion", "output", "prediction", "generation", "solution", "answer")
NO_RESPONSE = "no response"
TERMS = ("yes", "no", "research", "unknown")
LONGEST_NAME = 100
_REPORT_EVERY = 500


@dataclass(frozen=True)
class Answer:
    """A prompt with what was answered to it; `line` is where the row begins in its file."""

    line: int
    prompt: NewPrompt
    response: str


@dataclass(frozen=True)
class AnswerSource:
    """A file of answers whose columns are settled."""

    prompts: Source
    response: str | None
    """The column of the response; None when the shape itself holds it (messages, ShareGPT, Alpaca, tasks)."""

    @property
    def mapping(self) -> dict[str, str]:
        found = dict(self.prompts.shape.mapping)
        if self.response is None:
            return {**found, RESPONSE: found.pop("answer", found["prompt"])}
        return {**found, RESPONSE: self.response}

    def rows(self) -> Iterator[Answer | Skip]:
        for record in READERS[self.prompts.reader](self.prompts.path):
            if isinstance(record, Skip):
                yield record
                continue
            try:
                yield from self._answers(record)
            except Unusable as exc:
                yield Skip(record.line, exc.reason, exc.detail)

    def _answers(self, record: Record) -> Iterator[Answer | Skip]:
        for prompt in self.prompts.shape.prompts(record.value):
            response, prompt = self._response(record.value, prompt)
            if response is None or not response.strip():
                yield Skip(record.line, NO_RESPONSE)
            elif not prompt.storable or not replace(prompt, text=response).storable:
                yield Skip(record.line, NOT_TEXT)
            else:
                yield Answer(record.line, prompt, response)

    def _response(self, row: dict[str, Any], prompt: NewPrompt) -> tuple[str | None, NewPrompt]:
        """What was answered, and the prompt without it where the shape took it for the known answer."""
        if self.response is not None:
            responses = Columns({"prompt": self.prompts.shape.mapping["prompt"], "answer": self.response})
            return next(responses.prompts(row)).answer, prompt
        if isinstance(self.prompts.shape, ShareGPT):
            return _last_reply(row), prompt
        return prompt.answer, replace(prompt, answer=None)


def settle(path: Path, format: str = AUTO, mapping: dict[str, str] | None = None) -> AnswerSource:
    """Decides how a file is read from its first rows. Raises `BadInput` when no column can be the response."""
    path = Path(path)
    rest = {field: column for field, column in (mapping or {}).items() if field != RESPONSE}
    source = settle_prompts(path, format, rest or None)
    if not isinstance(source.shape, Columns) and not mapping:
        return AnswerSource(source, None)
    records = (row for row in READERS[source.reader](path) if isinstance(row, Record))
    rows = [record.value for record in islice(records, HEAD_ROWS)]
    response = (mapping or {}).get(RESPONSE) or _guessed(rows, path.name, rest)
    checked({"prompt": response}, rows, path.name)
    fields = rest or {field: column for field, column in guess(rows, path.name).items() if column != response}
    if "prompt" not in fields:
        raise BadInput(f"{path.name} has one column for prompt and response. Name both: --map prompt=A,response=B.")
    return AnswerSource(replace(source, shape=Columns(fields)), response)


def import_file(
    session: Session,
    project_id: int,
    source: AnswerSource,
    run_name: str,
    *,
    teacher_name: str,
    terms: str,
    progress: Progress,
) -> dict[str, Any]:
    """Writes the answers as traces of a new run. Returns `run`, `imported`, `skipped`, `reasons` and `examples`."""
    run = _new_run(session, project_id, source, run_name, teacher_name, terms)
    tally, seen, imported = Tally(), set[bytes](), 0
    for row in source.rows():
        if isinstance(row, Answer):
            key = blake2b(row.prompt.digest + row.response.encode(), digest_size=16).digest()
            if key not in seen:
                seen.add(key)
                _write(session, run, row, teacher_name, terms)
                imported += 1
                if imported % _REPORT_EVERY == 0:
                    session.expunge_all()
                    progress(imported, None, f"{imported:,} answers, {tally.total:,} left out")
                continue
            row = Skip(row.line, DUPLICATE)
        tally.add(row)
    if not imported:
        first = f" Line {tally.examples[0][0]}: {tally.examples[0][1]}." if tally.examples else ""
        raise BadInput(f"No row of {source.prompts.path} can be used, so nothing was imported.{first}")
    return {
        "run": run_name,
        "imported": imported,
        "skipped": tally.total,
        "reasons": tally.reasons,
        "examples": [{"line": line, "reason": reason} for line, reason in tally.examples],
    }


def _new_run(session: Session, project_id: int, source: AnswerSource, name: str, teacher_name: str, terms: str) -> Run:
    name, teacher_name = name.strip(), teacher_name.strip()
    for what, given in (("run", name), ("teacher", teacher_name)):
        if not given or len(given) > LONGEST_NAME or any(ord(character) < 32 for character in given):
            raise BadInput(f"The name of the {what} is 1 to {LONGEST_NAME} characters on one line.")
    if terms not in TERMS:
        raise BadInput(f"May these answers train another model? Terms are {', '.join(TERMS)}, not '{terms}'.")
    if session.exec(select(col(Run.id)).where(col(Run.project_id) == project_id, col(Run.name) == name)).first():
        raise NameTaken.of("run", name)
    settings = {
        "file": source.prompts.path.name,
        "format": source.prompts.format,
        "mapping": source.mapping,
        "teacher": teacher_name,
        "terms": terms,
    }
    run = Run(project_id=project_id, name=name, kind="import", state=RunState.DONE.value, settings=settings)
    session.add(run)
    session.flush()
    return run


def _write(session: Session, run: Run, answer: Answer, teacher_name: str, terms: str) -> None:
    write_trace(
        session,
        run=run,
        prompt_text=answer.prompt.text,
        system_message_name="",
        system_message_text=answer.prompt.system or "",
        response=answer.response,
        teacher=teacher_name,
        model="",
        terms=terms,
        known_answer=answer.prompt.answer,
        messages=answer.prompt.messages,  # type: ignore[arg-type]
        collection=run.name,
        family=answer.prompt.family,
        task=answer.prompt.task,
    )


def _guessed(rows: list[dict[str, Any]], origin: str, taken: dict[str, str]) -> str:
    names = names_in(rows)
    found = next((name for name in RESPONSE_COLUMNS if name in names and name not in taken.values()), None)
    if found is None:
        raise BadInput(
            f"No column of {origin} looks like a response. Say which it is with --map prompt=COLUMN,response=COLUMN; "
            f"its columns are: {', '.join(names[:40])}."
        )
    return found


def _last_reply(row: dict[str, Any]) -> str | None:
    turns = row.get("conversations")
    plain = isinstance(turns, list) and any(isinstance(turn, dict) and "from" in turn for turn in turns)
    keys = {"role_key": "from", "text_key": "value"} if plain else {"role_key": "role", "text_key": "content"}
    return conversation(turns, **keys)[1]
