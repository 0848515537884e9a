"""Practice prompts: questions of the practice world with their right answers, optionally copied to a file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from studio.engine.domain.bounds import PRACTICE_PROMPTS, SEED
from studio.engine.errors import BadInput
from studio.engine.practice import STANDARD_LEVEL, ask
from studio.engine.practice.families import FAMILIES
from studio.engine.prompts.record import NewPrompt
from studio.engine.store import whole_file

__all__ = ["STANDARD_LEVEL", "check", "copied_to", "questions"]


def check(families: Sequence[str], count: int, level: int, seed: int) -> None:
    """Raises `BadInput` for unknown or repeated families, a level that a family does not have, and numbers that
    are out of bounds."""
    if not families:
        raise BadInput(f"Name at least one practice family. The families are: {', '.join(FAMILIES)}.", field="families")
    for family in families:
        if family not in FAMILIES:
            raise BadInput(
                f"There is no practice family '{family}'. The families are: {', '.join(FAMILIES)}.", field="families"
            )
        if not 1 <= level <= len(FAMILIES[family].levels):
            raise BadInput(
                f"The family '{family}' has levels 1 to {len(FAMILIES[family].levels)}, not {level}.", field="level"
            )
    if len(set(families)) != len(families):
        raise BadInput("A practice family is named twice. Name each once.", field="families")
    PRACTICE_PROMPTS.check(count, "The count of practice prompts", "count")
    SEED.check(seed, "The seed", "seed")


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
    try:
        with whole_file(out) as file:
            yield _copying(rows, file)
    except OSError as exc:
        raise BadInput(
            f"{out} cannot be written ({exc.strerror or exc}). Name a file in a folder that exists."
        ) from exc


def _copying(rows: Iterable[NewPrompt], file: IO[bytes]) -> Iterator[NewPrompt]:
    for row in rows:
        line = {"prompt": row.text, "answer": row.answer, "family": row.family}
        file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
        yield row
