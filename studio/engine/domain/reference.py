"""What a user names: a thing of this project, a path, or a model of the Hugging Face hub."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PATH = re.compile(r"~|\.{0,2}[/\\]|\.{1,2}$|[A-Za-z]:[/\\]|file://", re.I)
"""How a text begins that can only be a path."""
_FILES = (".gguf", ".jsonl", ".json")
"""How a text ends that names a file rather than a model of the hub."""


DATA_SET = "hub:"
"""How the name of a data set of the hub begins, where a file of rows may be named too."""


class ReferenceKind(StrEnum):
    NAME = "name"
    PATH = "path"
    HUB = "hub"


@dataclass(frozen=True)
class Reference:
    """`value` is the name, the path or the hub id."""

    kind: ReferenceKind
    value: str

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """What a text looks like by itself. Only the project and the disk know better: see `References.settle`."""
        text = text.strip()
        if _PATH.match(text) or text.lower().endswith(_FILES):
            return cls(ReferenceKind.PATH, text)
        if is_hub_id(text):
            return cls(ReferenceKind.HUB, text)
        return cls(ReferenceKind.PATH if "/" in text or "\\" in text else ReferenceKind.NAME, text)


def is_data_set(path: Path) -> bool:
    """Whether it is no path but the name of a data set of the hub."""
    return path.as_posix().startswith(DATA_SET)


def is_hub_id(text: str) -> bool:
    return bool(HUB_ID.fullmatch(text)) and ".." not in text
