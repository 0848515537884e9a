"""The replay teacher: serves the recorded answers of a file over the same protocol as any other teacher.

`python -m studio.engine.teachers.replay FILE --map prompt=COLUMN,response=COLUMN --port N` prints its base URL. Columns
may be dotted. Rows may also hold `system_message` and `model`, which then choose between answers to the same prompt.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from studio.engine.errors import BadInput, StudioError
from studio.engine.practice import AskedQuestion, Refusal, chat_app, serve
from studio.engine.prompts import Skip, is_storable, read_rows, value_of

FIELDS = ("prompt", "response", "system_message", "model")
UNKNOWN_PROMPT = "no_recorded_answer"
ANY_MODEL = "replay"


@dataclass(frozen=True)
class Recorded:
    response: str
    system_message: str | None
    model: str | None


class Recording:
    """Every recorded answer of a file, found by prompt."""

    def __init__(self, path: Path, mapping: dict[str, str] | None = None) -> None:
        self._answers: dict[str, list[Recorded]] = {}
        self._name = path.name
        for prompt, recorded in _rows(path, _columns(mapping or {})):
            self._answers.setdefault(_key(prompt), []).append(recorded)
        if not self._answers:
            wanted = ", ".join(_columns(mapping or {})[field] for field in ("prompt", "response"))
            raise BadInput(f"{path} holds no recorded answer with the columns {wanted}. Name them with --map.")

    @property
    def models(self) -> list[str]:
        named = {recorded.model for answers in self._answers.values() for recorded in answers if recorded.model}
        return sorted(named) or [ANY_MODEL]

    @property
    def names_models(self) -> bool:
        return self.models != [ANY_MODEL]

    def answer(self, question: AskedQuestion) -> str:
        """The recorded response; among several to one prompt, one of the same system message and model comes first."""
        answers = [
            recorded
            for recorded in self._answers.get(_key(question.prompt), ())
            if recorded.model in (None, question.model)
        ]
        exact = [recorded for recorded in answers if _key(recorded.system_message or "") == _key(question.system)]
        free = [recorded for recorded in answers if recorded.system_message is None]
        chosen = next(iter(exact or free), None)
        if chosen is None:
            start = " ".join(question.prompt.split())[:80]
            under = " under this system message or model" if _key(question.prompt) in self._answers else ""
            raise Refusal(404, UNKNOWN_PROMPT, f"{self._name} holds no recorded answer{under} to: {start}")
        return chosen.response


def replay_app(path: Path, mapping: dict[str, str] | None = None) -> Starlette:
    """The recorded answers of a file behind the chat-completions protocol. Raises BadInput when it holds none."""
    recording = Recording(path, mapping)
    return chat_app(recording.models, recording.answer, any_model=not recording.names_models)


def serve_replay(
    path: Path, mapping: dict[str, str] | None = None, port: int = 0, *, until_input_ends: bool = False
) -> None:
    serve(replay_app(path, mapping), port, until_input_ends=until_input_ends)


def read_mapping(text: str) -> dict[str, str]:
    """`prompt=question,response=gold.text` as a dict; raises BadInput on anything else."""
    mapping: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        field, separator, column = part.partition("=")
        if not separator or field.strip() not in FIELDS or not column.strip():
            raise BadInput(f"--map cannot read '{part}'. Write FIELD=COLUMN with a FIELD of {', '.join(FIELDS)}.")
        mapping[field.strip()] = column.strip()
    return mapping


def _columns(mapping: dict[str, str]) -> dict[str, str]:
    return {field: mapping.get(field, field) for field in FIELDS}


def _rows(path: Path, columns: dict[str, str]) -> Iterator[tuple[str, Recorded]]:
    """The rows with a prompt and a response. Raises BadInput at one that is no row, since answers would be missing."""
    for row in read_rows(path):
        if isinstance(row, Skip):
            raise BadInput(f"{path}, line {row.line} is {row}. Mend or remove the line.")
        prompt, response, system, model = (value_of(row.value, columns[field]) for field in FIELDS)
        if isinstance(prompt, str) and isinstance(response, str) and is_storable(prompt) and is_storable(response):
            yield prompt, Recorded(response, _text_or_none(system), _text_or_none(model))


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _key(text: str) -> str:
    return " ".join(text.split())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    try:
        mapping = read_mapping(",".join(arguments.map))
        serve_replay(arguments.file, mapping, arguments.port, until_input_ends=arguments.until_input_ends)
    except StudioError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
