"""The folders that an instance lets its users name: all of them on one's own machine, a list on a hosted one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from studio.engine.errors import NotAllowed
from studio.engine.settings import Settings


@dataclass(frozen=True)
class Roots:
    """`folders` are resolved; None lets everything in."""

    folders: tuple[Path, ...] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings list, with what was sent through the browser and what is shipped beside it."""
        if settings.roots is None:
            return cls()
        usual = (settings.workspace / "uploads", settings.assets)
        return cls(tuple(folder.expanduser().resolve() for folder in (*settings.roots, *usual)))

    def admit(self, path: Path) -> Path:
        """The path, when it does not lead out of the roots. Raises NotAllowed."""
        if not self.admits(path):
            raise NotAllowed(
                f"{path} leads to a place that this instance does not let its users name. "
                f"Use one of: {', '.join(map(str, self.folders or ()))}."
            )
        return path

    def admits(self, path: Path) -> bool:
        """Whether the path, and in a folder each symbolic link directly in it, stays within the roots."""
        if self.folders is None:
            return True
        return self._leads_inside(path) and all(self._leads_inside(link) for link in _links_in(path))

    def _leads_inside(self, path: Path) -> bool:
        """The Hugging Face cache keeps a snapshot's files in `blobs` beside it and links to them: that is inside."""
        assert self.folders is not None
        folder, leads_to = path.parent.resolve(), path.resolve()
        if _lies_in(leads_to, self.folders):
            return True
        is_snapshot = folder.parent.name == "snapshots" and _lies_in(folder, self.folders)
        return is_snapshot and leads_to.is_relative_to(folder.parent.parent / "blobs")


def _links_in(path: Path) -> list[Path]:
    return [inside for inside in path.resolve().iterdir() if inside.is_symlink()] if path.is_dir() else []


def _lies_in(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
