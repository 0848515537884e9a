"""Practice prompts: questions of the practice world with their right answers, optionally copied to a file."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from studio.engine.errors import BadInput
from studio.engine.practice.families import FAMILIES
from studio.engine.practice.world import STANDARD_LEVEL, ask
from studio.engine.prompts.record import NewPrompt

__all__ = ["STANDARD_LEVEL", "check", "copied_to", "questions"]


def check(families: Sequence[str], count: int, level: int) -> None:
    """Raises `BadInput` for unknown or repeated families, a count below one, or a level that a family does not have."""
    if not families:
        raise BadInput(f"Name at least one practice family. The families are: {', '.join(FAMILIES)}.")
    for family in families:
        if family not in FAMILIES:
            raise BadInput(f"There is no practice family '{family}'. The families are: {', '.join(FAMILIES)}.")
        if not 1 <= level <= len(FAMILIES[family].levels):
            raise BadInput(f"The family '{family}' has levels 1 to {len(FAMILIES[family].levels)}, not {level}.")
    if len(set(families)) != len(families):
        raise BadInput("A practice family is named twice. Name each once.")
    if count < 1:
        raise BadInput(f"Ask for at least 1 practice prompt, not {count}.")


def questions(families: Sequence[str], count: int, seed: int, level: int) -> Iterator[NewPrompt]:
    """Different questions, the families in turn, the same for the same seed."""
    for question in ask(tuple(families), count, seed, level):
        yield NewPrompt(text=question.prompt, answer=question.answer, family=question.family)


@contextmanager
def copied_to(out: Path | None, rows: Iterable[NewPrompt]) -> Iterator[Iterable[NewPrompt]]:
    """The same rows, each also written as a line of JSON. `out` appears when the block ends without an error."""
    if out is None:
        yield rows
        return
    if out.is_dir():
        raise BadInput(f"{out} is a folder. Name a file for the practice prompts.")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            yield _copying(rows, file)
        temporary.replace(out)
    except OSError as exc:
        raise BadInput(
            f"{out} cannot be written ({exc.strerror or exc}). Name a file in a folder that exists."
        ) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _copying(rows: Iterable[NewPrompt], file: TextIO) -> Iterator[NewPrompt]:
    for row in rows:
        line = {"prompt": row.text, "answer": row.answer, "family": row.family}
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        yield row
