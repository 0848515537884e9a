"""What a name in a recipe or command may stand for: a model of this project, a folder, a GGUF file or a hub id."""

import re
from dataclasses import dataclass
from pathlib import Path

from studio.engine.errors import BadInput

PRACTICE_BASE = "practice-base"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class ModelRef:
    """A model that can be run or trained from. `path` is its folder of weights; a brought GGUF file has `gguf_path`."""

    name: str
    path: Path
    kind: str
    """base, student, gguf, or folder for one that no project knows."""
    gguf_path: Path | None = None


def checked_name(name: str) -> str:
    """The name, when it can also be a folder's name on every system."""
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise BadInput(
            f"'{name}' cannot name a model: use up to 64 letters, digits, dots, dashes and underscores, "
            "starting with a letter or digit."
        )
    return name


def is_hub_id(text: str) -> bool:
    return bool(_HUB_ID.fullmatch(text)) and ".." not in text
