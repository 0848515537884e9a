"""Which files of a workspace are copied with it, and what stays out of a copy."""

from collections.abc import Iterator, Sequence
from pathlib import Path

DATABASE = "understudy.db"
FOLDER = "backups"
"""Where the app keeps the copy that can be downloaded."""
DRAFT = ".backing-up-"
"""How the folder begins in which a copy is put together."""
SECRETS = ("token", "raters.key", "links", "host", "open.json")
UPLOADS, UPLOADED = "uploads", "kept"
MODELS = ("models", "training", "exports")
LEFT_OUT = (
    "browser sessions and links of people: each person is given a new link",
    "grants to send keys to hosts: the owner gives each teacher with a key its address again",
    "the secrets that sign raters' cookies and admit programs: new ones are made, and a rater counts as new",
)
"""What no copy holds, in words."""


def files_of(workspace: Path, *, without_models: bool = False) -> Iterator[Path]:
    """The files that go into a copy beside the database, in the order of their names. Links are not followed."""
    for entry in sorted(workspace.iterdir()):
        if not is_copied([entry.name, UPLOADED]) or entry.name == DATABASE:
            continue
        if without_models and entry.name in MODELS:
            continue
        yield from _below(entry / UPLOADED if entry.name == UPLOADS else entry)


def is_copied(parts: Sequence[str]) -> bool:
    """Whether a copy holds a file, by the parts of its name in the workspace. Of what was sent through the browser,
    only what a job keeps is copied: the rest is the browser's."""
    first = parts[0].casefold().rstrip(". ")  # As disks that tell no case, and Windows, would call it.
    if first.startswith(DATABASE):
        return list(parts[:1]) == [DATABASE]
    if not first or first in (*SECRETS, FOLDER) or parts[0].startswith("."):
        return False
    return first != UPLOADS or (parts[0] == UPLOADS and parts[1:2] == [UPLOADED])


def _below(entry: Path) -> Iterator[Path]:
    if entry.is_symlink():
        return
    if entry.is_file():
        yield entry
    elif entry.is_dir():
        for inside in sorted(entry.iterdir()):
            yield from _below(inside)
