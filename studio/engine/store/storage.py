"""How much room the workspace takes, item by item, and how much the disk has left."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from studio.engine.settings import Settings

DATABASE_FILES = ("understudy.db", "understudy.db-wal", "understudy.db-shm")


@dataclass(frozen=True)
class Space:
    """Bytes per item of the workspace (database, artifacts, models, logs, uploads, other), and free on its disk."""

    items: dict[str, int]
    free: int

    @property
    def total(self) -> int:
        return sum(self.items.values())


def space(settings: Settings) -> Space:
    """Walks the workspace once. Files that vanish meanwhile are not counted."""
    items = dict.fromkeys(("database", "artifacts", "models", "logs", "uploads", "other"), 0)
    for path in settings.workspace.rglob("*"):
        name = path.relative_to(settings.workspace).parts[0]
        kind = "database" if name in DATABASE_FILES else (name if name in items else "other")
        items[kind] += _size(path)
    return Space(items, shutil.disk_usage(settings.workspace).free)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() and not path.is_symlink() else 0
    except OSError:
        return 0
