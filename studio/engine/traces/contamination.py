"""Does a prompt stand in files that must stay unseen? By its normalised text, or by any thirteen words in a row.

Thirteen-word overlap is the criterion of Brown et al. (arXiv 2005.14165, appendix C).
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from studio.engine.domain.words import plain_words
from studio.engine.errors import BadInput
from studio.engine.prompts import Skip, settle
from studio.engine.store import sha256_of

WORDS_IN_A_ROW = 13
_PLAIN_TEXT = (".txt", ".md", ".text")


def normalised(text: str) -> str:
    """The words of a text, without case, punctuation and spacing: what makes two wordings the same prompt."""
    return " ".join(plain_words(text))


class Unseen:
    """The prompts of some files, to be kept out of a dataset."""

    def __init__(self, prompts: Iterable[str] = ()) -> None:
        self._whole: set[bytes] = set()
        self._rows: set[int] = set()
        for prompt in prompts:
            self.add(prompt)

    def add(self, prompt: str) -> None:
        words = plain_words(prompt)
        if words:
            self._whole.add(_digest(" ".join(words)))
            self._rows.update(_in_a_row(words))

    def holds(self, prompt: str) -> bool:
        words = plain_words(prompt)
        return _digest(" ".join(words)) in self._whole or any(row in self._rows for row in _in_a_row(words))

    def __bool__(self) -> bool:
        return bool(self._whole)


def read(files: Iterable[Path]) -> tuple[Unseen, list[dict[str, Any]]]:
    """The prompts of files in any format prompts are imported from, or one on each line of a text file.

    Returns them with what a dataset records of each file. Raises `BadInput` for a file without a prompt.
    """
    unseen, seen_files = Unseen(), []
    for path in map(Path, files):
        count = 0
        for prompt in _prompts(path):
            unseen.add(prompt)
            count += 1
        if not count:
            raise _without_prompt(path)
        seen_files.append({"file": path.name, "prompts": count, "sha256": sha256_of(path)})
    return unseen, seen_files


def check(files: Iterable[Path]) -> None:
    """Raises `BadInput` for a file that is not there or whose first rows hold no prompt."""
    for path in map(Path, files):
        if next(_prompts(path), None) is None:
            raise _without_prompt(path)


def _without_prompt(path: Path) -> BadInput:
    return BadInput(f"{path} holds no prompt to keep out of the dataset. Check that it is the right file.")


def _prompts(path: Path) -> Iterator[str]:
    if path.suffix.lower() in _PLAIN_TEXT and path.is_file():
        yield from (line for line in path.read_text(errors="replace").splitlines() if line.strip())
        return
    for row in settle(path).rows():
        if not isinstance(row, Skip):
            yield row[1].text
            yield from (turn["content"] for turn in (row[1].messages or [])[:-1] if turn["role"] == "user")


def _in_a_row(words: list[str]) -> Iterator[int]:
    return (hash(tuple(words[start : start + WORDS_IN_A_ROW])) for start in range(len(words) - WORDS_IN_A_ROW + 1))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
