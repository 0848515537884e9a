"""Rows with a column for each field: the columns are guessed from their names, or named with `--map FIELD=COLUMN`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from studio.engine.errors import BadInput
from studio.engine.prompts.dialogue import NO_RESPONSE, NOT_LEARNED, REASONING, Dialogue, question_of
from studio.engine.prompts.listed_turns import is_turns
from studio.engine.prompts.record import ImportedAnswer, ImportedReply, NewPrompt, Unusable
from studio.engine.prompts.shapes.shape import Shape, count_of, required_text, text_of
from studio.engine.prompts.shapes.turns import read_turns

FIELDS = ("prompt", "system", "answer", "task", "id", "family", "collection")
RESPONSE = "response"
REASONING_FIELD = "reasoning"
LOGGED = ("model", "finish_reason", "input_tokens", "output_tokens", REASONING_FIELD)
ANSWER_FIELDS = (*FIELDS, RESPONSE, *LOGGED)
"""What a file of answers may have columns for: those of a prompt, the answer, and what a log says about it."""
RESPONSE_GUESSES = (
    "response", "completion", "output", "prediction", "generation", "solution", "answer", "chosen", "reply",
    "model_output", "model_response", "assistant", "assistant_response", "output_text", "generated_text", "target",
    "bot", "gpt",
)  # fmt: skip
GUESSES: dict[str, tuple[str, ...]] = {
    "prompt": (
        "prompt", "question", "instruction", "problem", "query", "text", "input", "user_prompt", "user", "user_input",
        "user_message", "input_text", "request", "human", "message", "messages", "conversation", "turns",
    ),
    "system": ("system", "system_message", "system_prompt", "system_instruction"),
    "answer": (
        "answer", "completion", "target", "solution", "output", "response", "chosen", "generation", "reference",
        "reference_answer", "expected_output", "gold", "ground_truth",
    ),
    "task": ("task", "task_name", "category"),
    "id": ("id", "question_id", "task_id", "idx"),
    "family": ("family",),
    "collection": ("collection",),
}  # fmt: skip
"""In the order of likelihood, in small letters with _ between words. Other tools keep fields within an object
(Argilla's `fields.instruction`, Label Studio's `data.prompt`, Kiln's `output.output`): a column's last part counts
where no whole name does."""
MAX_NAMES = 40
_OPTIONAL = tuple(field for field in GUESSES if field != "prompt")
_ABSENT = object()


class Columns(Shape):
    """The shape of rows whose fields are columns. A column may be dotted: `meta.source`, `instances.0.output`."""

    name: ClassVar[str] = "columns"

    def __init__(self, mapping: dict[str, str]) -> None:
        self.columns = mapping

    @property
    def mapping(self) -> dict[str, str]:  # type: ignore[override]
        return self.columns

    def matches(self, row: dict[str, Any]) -> bool:
        return look_up(row, self.columns["prompt"]) is not _ABSENT

    def prompts(self, row: dict[str, Any]) -> Iterator[NewPrompt]:
        value = self._value(row, "prompt")
        prompt = question_of(Dialogue(read_turns(value)))[0] if is_turns(value) else NewPrompt(required_text(value))
        about: dict[str, Any] = {attribute: self._text(row, field) for attribute, field in self._about}
        if "system" in about and not about["system"]:
            del about["system"]  # A turn may have said one.
        yield replace(prompt, **about) if about else prompt

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[ImportedAnswer]:
        response, thought = self._reply(row)
        if response is None:
            raise Unusable(NO_RESPONSE)
        reply = ImportedReply(
            response,
            reasoning=thought or self._text(row, REASONING_FIELD),
            model=self._text(row, "model") or "",
            finish_reason=self._text(row, "finish_reason"),
            input_tokens=count_of(self._value(row, "input_tokens")),
            output_tokens=count_of(self._value(row, "output_tokens")),
        )
        for prompt in self.prompts(row):
            yield ImportedAnswer(prompt, reply)

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        return self._roots

    @cached_property
    def _about(self) -> list[tuple[str, str]]:
        """What the map has columns for: (attribute of a prompt, field of the map)."""
        return [("external_id" if field == "id" else field, field) for field in _OPTIONAL if field in self.columns]

    @cached_property
    def _roots(self) -> frozenset[str]:
        return frozenset(name for column in self.columns.values() for name in (column, column.partition(".")[0]))

    def _reply(self, row: dict[str, Any]) -> tuple[str | None, str | None]:
        """(what was answered, what was thought before); the answer may be a turn of its own, or a list of them."""
        value = self._value(row, RESPONSE)
        turns = read_turns(value) if is_turns(value) else ()
        if turns and turns[-1].role == "assistant" and not turns[-1].is_call:
            if not turns[-1].is_learned:
                raise Unusable(NOT_LEARNED)
            return turns[-1].text or None, turns[-1].carried.get(REASONING)
        return text_of(value, RESPONSE), None

    def _text(self, row: dict[str, Any], field: str) -> str | None:
        return text_of(self._value(row, field), field)

    def _value(self, row: dict[str, Any], field: str) -> Any:
        column = self.columns.get(field)
        return value_of(row, column) if column else None


def look_up(row: Any, column: str) -> Any:
    """The value of a column, which may be dotted; a column whose very name holds the dot comes first."""
    if isinstance(row, dict) and column in row:
        return row[column]
    head, dot, rest = column.partition(".")
    if isinstance(row, dict) and head in row:
        inner = row[head]
    elif isinstance(row, list) and head.isdecimal() and int(head) < len(row):
        inner = row[int(head)]
    else:
        return _ABSENT
    return look_up(inner, rest) if dot else inner


def value_of(row: dict[str, Any], column: str) -> Any:
    """Like `look_up`, with None where there is no such column."""
    value = look_up(row, column)
    return None if value is _ABSENT else value


def parse_map(text: str) -> dict[str, str]:
    """`prompt=question,answer=solution.text` as a dictionary. Raises `BadInput` for what is not FIELD=COLUMN."""
    mapping: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column:
            raise BadInput(f"'{part}' in the column map is not FIELD=COLUMN, as in prompt=question,answer=answer.")
        if field in mapping:
            raise BadInput(f"The column map names the field '{field}' twice. Give it one column.")
        mapping[field] = column
    return mapping


def checked(
    mapping: dict[str, str], rows: list[dict[str, Any]], origin: str, fields: tuple[str, ...] = FIELDS
) -> dict[str, str]:
    """A map whose fields are known and whose columns are found in at least one of the first rows."""
    unknown = sorted(mapping.keys() - set(fields))
    if unknown:
        raise BadInput(f"There is no field '{unknown[0]}' to map a column to. The fields are: {', '.join(fields)}.")
    for column in mapping.values():
        if all(look_up(row, column) is _ABSENT for row in rows):
            raise BadInput(f"{origin} has no column '{column}'. Its columns are: {_listed(names_in(rows))}.")
    if "prompt" not in mapping:
        raise BadInput(
            f"The column map says nothing about the prompt. Add prompt=COLUMN; {origin} has: {_listed(names_in(rows))}."
        )
    return mapping


def guess(rows: list[dict[str, Any]], origin: str) -> dict[str, str]:
    """The likeliest column for each field. Raises `BadInput` when none looks like a prompt."""
    names = names_in(rows)
    mapping: dict[str, str] = {}
    for field, candidates in GUESSES.items():
        found = _likeliest(names, candidates, mapping.values(), whole=field not in ("prompt", "answer"))
        if found and (field == "prompt" or _holds_text(rows, found)):
            mapping[field] = found
    if "prompt" not in mapping:
        raise BadInput(
            f"No column of {origin} looks like a prompt. Say which it is with --map prompt=COLUMN; "
            f"its columns are: {_listed(list(names_in(rows)))}."
        )
    return mapping


def guess_answers(rows: list[dict[str, Any]], origin: str, given: dict[str, str]) -> dict[str, str]:
    """The columns of a file of answers: those given, the likeliest response, and the likeliest of all else if no prompt
    is given. Raises `BadInput` when no column can be the response, or one would be prompt and response."""
    names = names_in(rows)
    rest = {field: column for field, column in given.items() if field != RESPONSE}
    response = given.get(RESPONSE) or _likeliest(names, RESPONSE_GUESSES, rest.values())
    if response is None:
        raise BadInput(
            f"No column of {origin} looks like a response. Say which it is with --map prompt=COLUMN,response=COLUMN; "
            f"its columns are: {_listed(names)}."
        )
    fields = rest or {field: column for field, column in guess(rows, origin).items() if column != response}
    if "prompt" not in fields:
        raise BadInput(f"{origin} has one column for prompt and response. Name both: --map prompt=A,response=B.")
    logged = {name: name for name in LOGGED if name in names and name not in (*fields.values(), response)}
    return checked({**logged, **fields, RESPONSE: response}, rows, origin, ANSWER_FIELDS)


def _likeliest(
    names: Iterable[str], candidates: Sequence[str], taken: Iterable[str], *, whole: bool = False
) -> str | None:
    """The first of the candidates that a column is called: by its whole name, else by the last part of it."""
    free = [name for name in names if name not in set(taken)]
    for part in (_plain_name,) if whole else (_plain_name, _last_part):
        called = {part(name): name for name in reversed(free)}
        found = next((called[candidate] for candidate in candidates if candidate in called), None)
        if found is not None:
            return found
    return None


def _plain_name(name: str) -> str:
    return name if name.islower() and " " not in name else "_".join(name.lower().replace("-", " ").split())


def _last_part(name: str) -> str:
    return _plain_name(name.rpartition(".")[2])


def names_in(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Column names in the order met, nested ones dotted."""
    names: dict[str, None] = {}
    for row in rows:
        for name in _names(row, "", 0):
            names.setdefault(name)
    return list(names)


def _names(value: Any, prefix: str, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and value and depth < 3:
        for key, inner in value.items():
            yield from _names(inner, f"{prefix}.{key}" if prefix else str(key), depth + 1)
    elif isinstance(value, list) and value and isinstance(value[0], dict) and depth < 3:
        yield prefix
        yield from _names(value[0], f"{prefix}.0", depth)
    else:
        yield prefix


def _holds_text(rows: list[dict[str, Any]], column: str) -> bool:
    """Whether a guessed column can be read at all: a list of references must not cost anyone the prompt."""
    try:
        return any(text_of(look_up(row, column), column) for row in rows if column in row)
    except Unusable:
        return False


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown
