"""A version of a dataset, as recipes, commands and links name it: NAME-v1, NAME-v2 and so on."""

import re
from dataclasses import dataclass
from typing import Self

MARK = "-v"
"""Between the name and the number."""
_WRITTEN = re.compile(rf"(?P<name>.+){MARK}(?P<number>[1-9]\d{{0,17}})")


@dataclass(frozen=True, order=True)
class DatasetVersion:
    """`number` is 1 or more, and counted by the studio. `str()` is how it is written."""

    name: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What a text names; None when it ends in no number of a version, as a dataset's name alone does."""
        found = _WRITTEN.fullmatch(text)
        return cls(found["name"], int(found["number"])) if found else None

    def __str__(self) -> str:
        return f"{self.name}{MARK}{self.number}"
