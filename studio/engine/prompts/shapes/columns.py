"""Rows with a column for each field: the columns are guessed from their names, or named with `--map FIELD=COLUMN`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from studio.engine.errors import BadInput
from studio.engine.prompts.dialogue import NO_RESPONSE, Dialogue, question_of
from studio.engine.prompts.record import Answer, NewPrompt, Reply, Unusable
from studio.engine.prompts.shapes.shape import Shape, count_of, required_text, text_of
from studio.engine.prompts.shapes.turns import read_turns

FIELDS = ("prompt", "system", "answer", "task", "id", "family", "collection")
RESPONSE = "response"
LOGGED = ("model", "finish_reason", "input_tokens", "output_tokens")
ANSWER_FIELDS = (*FIELDS, RESPONSE, *LOGGED)
"""What a file of answers may have columns for: those of a prompt, the answer, and what a log says about it."""
RESPONSE_GUESSES = ("response", "completion", "output", "prediction", "generation", "solution", "answer")
GUESSES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "instruction", "problem", "query", "text", "input"),
    "system": ("system", "system_message", "system_prompt"),
    "answer": ("answer", "completion", "target", "solution", "output", "response"),
    "task": ("task", "task_name", "category"),
    "id": ("id", "question_id", "task_id", "idx"),
    "family": ("family",),
    "collection": ("collection",),
}
MAX_NAMES = 40
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
        if _is_turns(value):
            prompt, _ = question_of(Dialogue(read_turns(value, role_key="role", text_key="content")))
        else:
            prompt = NewPrompt(required_text(value))
        yield replace(
            prompt,
            system=self._text(row, "system") or prompt.system,
            answer=self._text(row, "answer"),
            task=self._text(row, "task"),
            family=self._text(row, "family"),
            collection=self._text(row, "collection"),
            external_id=self._text(row, "id"),
        )

    def answers(self, row: dict[str, Any], *, every_turn: bool = False) -> Iterator[Answer]:
        response = self._text(row, RESPONSE)
        if response is None:
            raise Unusable(NO_RESPONSE)
        reply = Reply(
            response,
            model=self._text(row, "model") or "",
            finish_reason=self._text(row, "finish_reason"),
            input_tokens=count_of(self._value(row, "input_tokens")),
            output_tokens=count_of(self._value(row, "output_tokens")),
        )
        for prompt in self.prompts(row):
            yield Answer(prompt, reply)

    def _text(self, row: dict[str, Any], field: str) -> str | None:
        return text_of(self._value(row, field), field)

    def _value(self, row: dict[str, Any], field: str) -> Any:
        column = self.columns.get(field)
        value = look_up(row, column) if column else None
        return None if value is _ABSENT else value


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
    names = set(names_in(rows))
    mapping: dict[str, str] = {}
    for field, candidates in GUESSES.items():
        found = next((name for name in candidates if name in names and name not in mapping.values()), None)
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
    free = (name for name in RESPONSE_GUESSES if name in names and name not in rest.values())
    response = given.get(RESPONSE) or next(free, None)
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


def _is_turns(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, dict) and "role" in turn for turn in value)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown
