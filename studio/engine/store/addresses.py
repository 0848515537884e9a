"""Turns addresses into places on this machine and back: the only code that knows where the workspace is today."""

import os
from pathlib import Path

from studio.engine.domain.address import FILE, SHIPPED, Address
from studio.engine.domain.reference import is_data_set
from studio.engine.errors import BadInput, StudioError
from studio.engine.settings import Settings
from studio.engine.store.roots import Roots


class Addresses:
    """The addresses of one workspace. What was kept before it was moved is found where it is now."""

    def __init__(self, settings: Settings) -> None:
        self._workspace = settings.workspace.absolute()
        self._assets = settings.assets
        self._roots = Roots.of(settings)

    def of(self, path: Path) -> Address:
        """The address under which a place is stored: relative when it lies in the workspace."""
        path = Path(os.path.normpath(path.expanduser().absolute()))
        if (inside := _from(self._workspace, path)) is not None:
            return Address.parse(inside)
        if (inside := _from(self._assets, path)) is not None:
            return Address.shipped(inside)
        return Address.of_file(path)

    def path(self, address: Address | str) -> Path:
        """Where it is on this machine.

        Raises BadInput for an address elsewhere, NotAllowed for a place outside that users may not name any more.
        """
        where = Address.parse(address) if isinstance(address, str) else address
        if where.scheme == "":
            return self._workspace / where.relative
        if where.scheme == SHIPPED:
            return self._assets / where.relative
        if where.scheme == FILE:
            return self._roots.admit(where.local_path)
        raise BadInput(
            f"{where} is not on this machine, and this version of the studio reads local files only. "
            "Copy it here and import the copy."
        )

    def kept(self, path: Path) -> str:
        """How a job keeps a place that it will read or write; the name of a data set of the hub is none."""
        return path.as_posix() if is_data_set(path) else str(self.of(path))

    def found(self, kept: str) -> Path:
        """Where that is now, also of a job that kept an absolute path. Raises as `path` does."""
        path = Path(kept)
        if is_data_set(path):
            return path
        return self.path(self.of(path) if path.is_absolute() else kept)

    def shown(self, address: str) -> str:
        """For people: the path on this machine, or the address of what is not to be opened here."""
        try:
            return str(self.path(address))
        except StudioError:
            return address


def _from(folder: Path, path: Path) -> str | None:
    """The way from the folder down to the path, also where symbolic links lead to either; None when it is outside."""
    for above, below in ((folder, path), (folder.resolve(), path.resolve())):
        if below != above and below.is_relative_to(above):
            return below.relative_to(above).as_posix()
    return None
