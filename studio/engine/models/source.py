"""What a name in a recipe or command turns out to be on this machine."""

from dataclasses import dataclass
from pathlib import Path

PRACTICE_BASE = "practice-base"


@dataclass(frozen=True)
class ModelRef:
    """A model that can be run or trained from. `path` is its folder of weights; a brought GGUF file has `gguf_path`."""

    name: str
    path: Path
    kind: str
    """base, student, gguf, or folder for one that no project knows."""
    gguf_path: Path | None = None

    @property
    def weights(self) -> Path:
        """What an engine loads: the GGUF file, or the folder."""
        return self.gguf_path or self.path
