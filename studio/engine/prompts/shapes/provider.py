"""Logs of a provider's chat completions: what was asked beside what came back, as OpenAI's API writes both.

`request` and `response` may be objects, texts of JSON, or hold their `body`; a batch's output file says only what was
answered, and its input file, given beside it, what was asked. Each choice is an answer.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.prompts.dialogue import NO_RESPONSE, REASONING, Dialogue, Turn, question_of
from studio.engine.prompts.files import json_rows
from studio.engine.prompts.keeping import temporary
from studio.engine.prompts.record import ImportedReply, NewPrompt, Record, Skip, Unusable
from studio.engine.prompts.shapes.shape import Conversations, count_of, required_text, text_of
from studio.engine.prompts.shapes.turns import read_turn, read_turns

NO_QUESTION = status("row_not_in_batch")
REQUESTS = ("request", "request_body", "input")
RESPONSES = ("response", "response_body", "output")


class Provider(Conversations):
    name: ClassVar[str] = "provider"
    mapping: ClassVar[dict[str, str]] = {"prompt": "request", "system": "request", "response": "response"}

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        """A log says much about an exchange that is nobody's to keep: all of it counts as read."""
        return frozenset(row)

    def __init__(self, batch_input: Path | None = None) -> None:
        self._batch_input = batch_input

    def matches(self, row: dict[str, Any]) -> bool:
        if "custom_id" in row and ("body" in row or "response" in row):
            return True
        return isinstance(_reply(row).get("choices"), list) and bool(_request(row))

    def gathered(self, records: Iterable[Record | Skip]) -> Iterator[Record | Skip]:
        """Each answer of a batch beside its question."""
        if self._batch_input is None:
            yield from records
            return
        with closing(_questions(self._batch_input)) as asked:
            for record in records:
                if isinstance(record, Skip):
                    yield record
                    continue
                query = "SELECT body FROM asked WHERE id = ?"
                found = asked.execute(query, (str(record.value.get("custom_id", "")),)).fetchone()
                if found is None:
                    yield Skip(record.line, NO_QUESTION)
                else:
                    yield replace(record, value={**record.value, "request": json.loads(zlib.decompress(found[0]))})

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        """One prompt, however often it was answered, and also when it was not."""
        yield question_of(Dialogue(_asked(row), _id(row)))[0]

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        asked, reply = _asked(row), _answered(row)
        for number, choice in enumerate(reply["choices"]):
            turn, last = _choice(choice)
            last = replace(last, model=_model(row, reply))
            if number == 0:
                # A request is counted once, however many choices it drew.
                asked_for, answered = _usage(reply.get("usage"))
                last = replace(last, input_tokens=asked_for, output_tokens=answered)
            yield Dialogue((*asked, turn), _id(row), last=last)


def _asked(row: dict[str, Any]) -> tuple[Turn, ...]:
    request = _request(row)
    if not request:
        reason = NO_QUESTION if "custom_id" in row else status("row_no_request")
        raise Unusable(reason, status("row_with_batch") if "custom_id" in row else "")
    if "messages" not in request and isinstance(request.get("prompt"), str):
        return (Turn("user", required_text(request["prompt"])),)
    return read_turns(request.get("messages"))


def _answered(row: dict[str, Any]) -> dict[str, Any]:
    """The body of the response. Raises `Unusable` for one without an answer."""
    reply, code = _reply(row), _status(row)
    fault = row.get("error") or reply.get("error")
    if fault or code >= 400:
        said = fault.get("message", fault.get("code", "")) if isinstance(fault, dict) else fault or f"HTTP {code}"
        raise Unusable(status("row_provider_error"), " ".join(str(said).split())[:120])
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unusable(NO_RESPONSE)
    return reply


def _choice(choice: object) -> tuple[Turn, ImportedReply]:
    if not isinstance(choice, dict):
        raise Unusable(NO_RESPONSE)
    said = choice.get("message")
    if said is None and "delta" in choice:
        raise Unusable(status("row_streamed"))
    given = {"content": choice.get("text")} if said is None else said
    turn = read_turn({"role": "assistant", **given} if isinstance(given, dict) else given)
    reasoning = turn.carried.get(REASONING)
    return turn, ImportedReply(
        "", reasoning=reasoning, finish_reason=text_of(choice.get("finish_reason"), "finish reason")
    )


def _usage(usage: object) -> tuple[int, int]:
    """(tokens of the question, tokens of the answers)."""
    given = usage if isinstance(usage, dict) else {}
    asked = count_of(given.get("prompt_tokens", given.get("input_tokens")))
    return asked, count_of(given.get("completion_tokens", given.get("output_tokens")))


def _model(row: dict[str, Any], reply: dict[str, Any]) -> str:
    return str(reply.get("model") or _request(row).get("model") or row.get("model") or "")


def _id(row: dict[str, Any]) -> str | None:
    return text_of(row.get("custom_id", row.get("id", _reply(row).get("id"))), "id")


def _status(row: dict[str, Any]) -> int:
    found = next((_object(row[name]) for name in RESPONSES if name in row), {})
    return count_of(found.get("status_code", row.get("status_code")))


def _request(row: dict[str, Any]) -> dict[str, Any]:
    for name in (*REQUESTS, "body"):
        found = _object(row.get(name))
        found = _object(found["body"]) if "body" in found else found
        if "messages" in found or "prompt" in found:
            return found
    return row if isinstance(row.get("messages"), list) else {}


def _reply(row: dict[str, Any]) -> dict[str, Any]:
    for name in RESPONSES:
        found = _object(row.get(name))
        if found:
            return _object(found["body"]) if "body" in found else found
    return row if isinstance(row.get("choices"), list) else {}


def _object(value: object) -> dict[str, Any]:
    """An object, also when it was logged as a text of JSON; an empty one for anything else."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _questions(path: Path) -> Any:
    """The bodies of a batch's input file by custom id, in a temporary database."""
    asked = temporary()
    asked.execute("CREATE TABLE asked (id TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID")
    try:
        for record in json_rows.rows(path):
            if isinstance(record, Record) and "custom_id" in record.value:
                body = zlib.compress(json.dumps(_object(record.value.get("body"))).encode(), 1)
                asked.execute("INSERT OR REPLACE INTO asked VALUES (?, ?)", (str(record.value["custom_id"]), body))
        if asked.execute("SELECT 1 FROM asked LIMIT 1").fetchone() is None:
            raise BadInput(f"{path} is not a batch's input file: no row of it has a custom_id. Name the file sent.")
    except BaseException:
        asked.close()
        raise
    return asked
