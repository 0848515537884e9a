"""The one way a trace enters the store: the row people browse, its texts, its flags and its place in the index."""

import re
from typing import Any

from sqlmodel import Session

from studio.engine.store.search import index_trace
from studio.engine.store.tables import Prompt, Run, Trace, TraceText

PREVIEW = 200
"""Characters of the prompt and the answer shown in lists."""
_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m (?:very |really |so )?sorry|sorry,|i apologi[sz]e"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|will not)\b"
    r"|i(?: a|['’])m (?:unable|not able)|as an ai\b|unfortunately, i (?:can|am)"
    r"|抱歉|很抱歉|对不起|我(?:不能|无法|没办法)|作为(?:一个|一名)?(?:人工智能|AI)|無法|我無法)",
    re.IGNORECASE,
)


def write_trace(
    session: Session,
    *,
    run: Run,
    prompt_text: str,
    system_message_name: str,
    system_message_text: str,
    response: str,
    teacher: str,
    model: str,
    terms: str,
    known_answer: str | None = None,
    prompt: Prompt | None = None,
    run_item_id: int | None = None,
    request_id: int | None = None,
    attempt_id: int | None = None,
    messages: list[dict[str, Any]] | None = None,
    reasoning: str | None = None,
    finish_reason: str | None = None,
    input_tokens: int = 0,
    output_tokens: int = 0,
    collection: str = "",
    family: str | None = None,
    task: str | None = None,
) -> Trace:
    """Stores one answer with everything that is known about it, in the caller's session, and returns its row.

    What is left out of `known_answer`, `family` and `task` is taken from `prompt`.
    """
    assert run.id is not None
    prompt_text, system_message_text, response = (
        storable(text) for text in (prompt_text, system_message_text, response)
    )
    trace = Trace(
        project_id=run.project_id,
        run_id=run.id,
        run_item_id=run_item_id,
        prompt_id=prompt.id if prompt else None,
        request_id=request_id,
        attempt_id=attempt_id,
        teacher=teacher,
        model=model,
        system_message=system_message_name,
        collection=collection,
        family=family if family is not None or prompt is None else prompt.family,
        task=task if task is not None or prompt is None else prompt.task,
        terms=terms,
        finish_reason=finish_reason,
        flags=flags_of(response, finish_reason),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        prompt_preview=preview(prompt_text),
        response_preview=preview(response),
    )
    session.add(trace)
    session.flush()
    assert trace.id is not None
    session.add(
        TraceText(
            trace_id=trace.id,
            prompt=prompt_text,
            system_message=system_message_text,
            messages=messages,
            response=response,
            reasoning=None if reasoning is None else storable(reasoning),
            known_answer=known_answer if known_answer is not None or prompt is None else prompt.answer,
        )
    )
    index_trace(session, trace.id, searched_text(prompt_text, response))
    return trace


def searched_text(prompt_text: str, response: str) -> str:
    """What a trace is found by. A repaired answer is indexed again with the same function."""
    return f"{prompt_text}\n\n{response}"


def storable(text: str) -> str:
    """The text without what a database refuses: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def flags_of(response: str, finish_reason: str | None) -> list[str]:
    """What can be told from the answer alone: `empty`, `length` (cut off by the token limit), `refusal`."""
    found = {
        "empty": not response.strip(),
        "length": finish_reason == "length",
        "refusal": bool(_REFUSAL.match(response[:200])) or finish_reason == "content_filter",
    }
    return [flag for flag, present in found.items() if present]


def preview(text: str) -> str:
    """The first characters on one line."""
    line = " ".join(text[: PREVIEW * 4].split())
    return line if len(line) <= PREVIEW else line[: PREVIEW - 1] + "…"
