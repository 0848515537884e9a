"""The names of an archive's entries, which may come from anybody: each is held against what a backup would write."""

import tarfile
from collections.abc import Collection
from pathlib import PurePosixPath

from studio.engine.backup.contents import is_copied
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput

MANIFEST = "manifest.json"
INSIDE = "workspace/"
"""How the name of every entry but the list begins."""
LONGEST_NAME = 255
"""Bytes of one part of a name on every usual disk."""


def name_of(entry: tarfile.TarInfo) -> str:
    """The name in the workspace; empty for the list. Raises `BadInput` for whatever tar would refuse to extract, and
    for everything but plain files that a backup would hold."""
    try:
        safe = tarfile.data_filter(entry, "/nowhere")
    except (tarfile.FilterError, ValueError) as exc:
        raise BadInput(f"The archive holds {shown(entry.name)}, which leads out of it. Use another backup.") from exc
    name = entry.name
    is_ours = name == MANIFEST or (name.startswith(INSIDE) and _is_file_name(name.removeprefix(INSIDE)))
    if not entry.isreg() or entry.issparse() or entry.size < 0 or safe.name != name or not is_ours:
        raise BadInput(f"The archive holds {shown(name)}, which is no file of a workspace. Use another backup.")
    return "" if name == MANIFEST else name.removeprefix(INSIDE)


def check_together(names: Collection[str]) -> None:
    """Raises `BadInput` for names of which one would be a file and a folder."""
    for name in names:
        for above in PurePosixPath(name).parents:
            if str(above) in names:
                raise BadInput(f"The archive holds {shown(str(above))} as a file and as a folder. Use another backup.")


def _is_file_name(name: str) -> bool:
    parts = name.split("/")
    try:
        is_short = all(len(part.encode("utf-8", "surrogateescape")) <= LONGEST_NAME for part in parts)
    except UnicodeEncodeError:
        return False
    is_plain = not {"", ".", ".."} & set(parts) and not {"\\", "\0"} & set(name) and ":" not in parts[0]
    return is_short and is_plain and is_copied(parts)
