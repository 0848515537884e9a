"""Settles what a user means by what was typed: a thing of the project first, then what is on the disk, then the hub."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from studio.engine.domain.address import FILE, Address
from studio.engine.domain.reference import Reference, ReferenceKind, is_data_set
from studio.engine.errors import BadInput
from studio.engine.settings import Settings
from studio.engine.store.roots import Roots

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""Of an address such as s3://bucket/file; a drive's letter is none."""


class References:
    """The one place where a user's words become a path, under the folders that this instance allows."""

    def __init__(self, settings: Settings) -> None:
        self._roots = Roots.of(settings)

    def settle(self, text: str, is_known: Callable[[str], bool]) -> Reference:
        """A name of the project, an existing path (absolute), or, of what is not here, what it looks like.

        `is_known` says whether the project has a thing of that name. Raises NotAllowed for a path outside the roots.
        """
        if is_known(text):
            return Reference(ReferenceKind.NAME, text)
        looks = Reference.parse(text)
        path = _absolute(looks.value)
        if looks.kind is ReferenceKind.PATH:
            self._roots.admit(path)
        if looks.value and self._roots.admits(path) and _is_there(path):
            return Reference(ReferenceKind.PATH, str(path))
        return looks

    def source(self, text: str | Path) -> Path:
        """The absolute path of something to read, whether or not it is there. Raises NotAllowed."""
        return self._roots.admit(_absolute(str(text)))

    def rows(self, text: str | Path) -> Path:
        """The same for rows: a data set of the hub, `hub:owner/name`, stays the name that it is."""
        return Path(text) if is_data_set(Path(text)) else self.source(text)

    def text_of(self, text: str | Path) -> str:
        """What a text file holds. Raises NotAllowed, or BadInput for what cannot be read as text."""
        path = self.source(text)
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise BadInput(f"{path} cannot be read as text ({exc}). Check its path and that it is UTF-8.") from exc

    def target(self, text: str | Path) -> Path:
        """The absolute path of something to write. Raises NotAllowed, or BadInput when its folder is missing."""
        path = self.source(text)
        if not path.parent.is_dir():
            raise BadInput(
                f"There is no folder {path.parent} to write {path.name} to. Create it or choose another place."
            )
        return path


def _absolute(text: str) -> Path:
    if "\0" in text:
        raise BadInput("A path holds an invisible character. Copy it again.")
    if text.lower().startswith(f"{FILE}://"):
        return Address.parse(text).local_path
    if SCHEME.match(text):
        raise BadInput(
            f"{text} is not on this machine, and this version of the studio reads and writes local files only. "
            "Copy it here and name the copy."
        )
    try:
        return Path(os.path.normpath(Path(text).expanduser().absolute()))
    except RuntimeError as exc:
        raise BadInput(f"'{text}' names somebody whose home is not known. Write the path out in full.") from exc


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # Too long a name, for one, or a folder that may not be entered.
        return False
