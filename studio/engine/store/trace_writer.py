"""The one way a trace enters the store: the row people browse, its texts, its flags and its place in the index."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from studio.engine.store.flags import flags_of
from studio.engine.store.numbering import take_ids
from studio.engine.store.search import index_new_traces, indexed_words
from studio.engine.store.tables import Prompt, Run, Trace, TraceText

_ADD_TRACE, _ADD_TEXT = insert(Trace.__table__), insert(TraceText.__table__)  # type: ignore[attr-defined]
PREVIEW = 200
"""Characters of the prompt and the answer shown in lists."""


@dataclass(frozen=True)
class NewTrace:
    """One answer with everything that is known about it. What is None of `known_answer`, `family` and `task` is taken
    from `prompt`."""

    run: Run
    prompt_text: str
    system_message_name: str
    system_message_text: str
    response: str
    teacher: str
    model: str
    terms: str
    known_answer: str | None = None
    prompt: Prompt | None = None
    run_item_id: int | None = None
    request_id: int | None = None
    attempt_id: int | None = None
    messages: list[dict[str, Any]] | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    collection: str = ""
    family: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class PreparedTrace:
    """An answer as it is written, but for its id: made before a transaction begins, which is then short."""

    row: dict[str, Any]
    text: dict[str, Any]
    words: list[str]


def prepared(trace: NewTrace) -> PreparedTrace:
    said = (storable(trace.prompt_text), storable(trace.system_message_text), storable(trace.response))
    return PreparedTrace(_row(trace, said), _text_row(trace, said), indexed_words(searched_text(said[0], said[2])))


def write_traces(session: Session, traces: Sequence[NewTrace]) -> list[int]:
    """Stores answers in the caller's session and returns their ids."""
    return write_prepared(session, [prepared(trace) for trace in traces])


def write_prepared(session: Session, traces: Sequence[PreparedTrace]) -> list[int]:
    """The same for answers that are prepared already."""
    if not traces:
        return []
    ids, now = take_ids(session, Trace, len(traces)), time.time()
    numbered = list(zip(ids, traces, strict=True))
    connection = session.connection()
    connection.execute(_ADD_TRACE, [{"id": id, "created_at": now, **trace.row} for id, trace in numbered])
    connection.execute(_ADD_TEXT, [{"trace_id": id, **trace.text} for id, trace in numbered])
    index_new_traces(session, [(id, trace.words) for id, trace in numbered])
    return ids


def _row(trace: NewTrace, said: tuple[str, str, str]) -> dict[str, Any]:
    prompt = trace.prompt
    return {
        "project_id": trace.run.project_id, "run_id": trace.run.id,
        "run_item_id": trace.run_item_id, "prompt_id": prompt.id if prompt else None,
        "request_id": trace.request_id, "attempt_id": trace.attempt_id, "teacher": trace.teacher,
        "model": trace.model, "system_message": trace.system_message_name, "collection": trace.collection,
        "family": trace.family if trace.family is not None or prompt is None else prompt.family,
        "task": trace.task if trace.task is not None or prompt is None else prompt.task,
        "terms": trace.terms, "finish_reason": trace.finish_reason,
        "flags": flags_of(said[2], trace.finish_reason), "edited": False,
        "input_tokens": trace.input_tokens, "output_tokens": trace.output_tokens,
        "prompt_preview": preview(said[0]), "response_preview": preview(said[2]),
    }  # fmt: skip


def _text_row(trace: NewTrace, said: tuple[str, str, str]) -> dict[str, Any]:
    known = trace.known_answer if trace.known_answer is not None or trace.prompt is None else trace.prompt.answer
    return {
        "prompt": said[0], "system_message": said[1], "messages": trace.messages,
        "response": said[2], "reasoning": None if trace.reasoning is None else storable(trace.reasoning),
        "known_answer": known,
    }  # fmt: skip


def searched_text(prompt_text: str, response: str) -> str:
    """What a trace is found by. A repaired answer is indexed again with the same function."""
    return f"{prompt_text}\n\n{response}"


def storable(text: str) -> str:
    """The text without what a database refuses: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def preview(text: str) -> str:
    """The first characters on one line."""
    line = " ".join(text[: PREVIEW * 4].split())
    return line if len(line) <= PREVIEW else line[: PREVIEW - 1] + "…"
