"""The file of a backup: a tar archive, packed with gzip, whose last entry lists every other with its SHA-256."""

import errno
import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from studio.engine.backup.entry_names import INSIDE, MANIFEST, check_together, name_of
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput, Failed

FORMAT = 1
LARGEST_MANIFEST = 256_000_000
"""Bytes of the list: a million files need fewer."""
LEAST_LISTED = 90
"""Bytes of what the list says of one file, beside its name."""
LARGEST_HEADER = 1 << 16
"""Bytes of what stands before one entry, such as its long name, with what tar reads ahead."""
BLOCK = 1 << 20
OF_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
Told = Callable[[int], None]
"""Told how many more bytes are copied; raises what ends the work."""


@dataclass
class Manifest:
    """What an archive holds. `files` are the bytes and the SHA-256 of each by its name in the workspace."""

    version: str
    schema: str
    created_at: float
    database: str
    """What the copied workspace kept its rows in: sqlite or postgresql."""
    without_models: bool
    left_out: list[str] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(int(one["bytes"]) for one in self.files.values())

    def as_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()  # In ASCII: a name on disk need not be text.

    @classmethod
    def of(cls, said: bytes) -> "Manifest":
        """Raises `BadInput` for what no version of the studio wrote, or a later one did."""
        try:
            read = json.loads(said)
            number = read["format"]
            files = {str(name): {"bytes": int(one["bytes"]), "sha256": str(one["sha256"])}
                     for name, one in read["files"].items()}  # fmt: skip
            made = cls(
                str(read["version"]), str(read["schema"]), float(read["created_at"]), str(read["database"]),
                bool(read["without_models"]), [str(one) for one in read["left_out"]], files, int(number),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as exc:
            raise BadInput("The list of files in the archive cannot be read. It is damaged, or no backup.") from exc
        if made.format > FORMAT:
            raise BadInput(
                "The archive was written by a newer version of Understudy than the one installed. "
                "Upgrade with `pip install --upgrade understudy`, then restore it."
            )
        return made


class ArchiveWriter:
    """Writes the entries of one archive and notes each in the list."""

    def __init__(self, file: IO[bytes], manifest: Manifest, told: Told) -> None:
        self._packed = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1)
        self._tar = tarfile.open(fileobj=self._packed, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._manifest, self._told = manifest, told

    def add(self, path: Path, name: str) -> bool:
        """Copies a file as long as it is now. False for one that is gone; raises `Failed` for one that shrinks."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            entry = tarfile.TarInfo(INSIDE + name)
            found = path.stat()
            entry.size, entry.mtime, entry.mode = found.st_size, int(found.st_mtime), 0o600
            reader = _Hashed(file, entry.size, self._told)
            try:
                self._tar.addfile(entry, reader)  # type: ignore[arg-type]
            except OSError as exc:
                if exc.errno is not None:
                    raise
                raise Failed(f"{path} became shorter while it was copied. Nothing is kept; run it again.") from exc
        self._manifest.files[name] = {"bytes": entry.size, "sha256": reader.digest}
        return True

    def finish(self) -> None:
        """Writes the list, after which the archive is whole."""
        said = self._manifest.as_json()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(said), 0o600
        self._tar.addfile(entry, io.BytesIO(said))
        self._tar.close()
        self._packed.close()


def verified(path: Path, told: Told) -> Manifest:
    """Reads an archive from end to end. Raises `BadInput` unless it holds exactly what its list says, under names that
    lead nowhere else; nothing is written."""
    with _explained(path):
        return _verified(path, told)


def _verified(path: Path, told: Told) -> Manifest:
    found: dict[str, dict[str, Any]] = {}
    manifest, listed = None, 0
    for name, file, size in _entries(path):
        if manifest is not None:
            raise BadInput(f"The archive goes on after the list of its files, with {shown(name)}. Use another backup.")
        if name in found:
            raise BadInput(f"The archive holds {shown(name)} twice. Use another backup.")
        listed += len(name) + LEAST_LISTED
        if max(listed, 0 if name else size) > LARGEST_MANIFEST:
            raise BadInput("The list of files in the archive is too long to be one. It is damaged, or no backup.")
        if not name:
            manifest = Manifest.of(file.read(size))
            continue
        reader = _Hashed(file, size, told)
        while reader.read(BLOCK):
            pass
        found[name] = {"bytes": size, "sha256": reader.digest}
    if manifest is None:
        raise BadInput(f"{path} does not end in a list of its files. It is cut off, or no backup of Understudy.")
    check_together(found.keys())
    different = sorted(name for name in found.keys() | manifest.files if found.get(name) != manifest.files.get(name))
    if different:
        raise BadInput(f"The archive is damaged: {shown(different[0])} is not what was backed up. Use another backup.")
    return manifest


def extract(path: Path, folder: Path, manifest: Manifest, told: Told, *, only: Collection[str] | None = None) -> None:
    """Writes the entries below a folder, or `only` those. Raises `BadInput` for one that is no longer what was
    verified."""
    with _explained(path):
        for name, file, size in _entries(path):
            if not name or (only is not None and name not in only):
                continue
            reader = _Hashed(file, size, told)
            with _made(folder / name, name) as written:
                while block := reader.read(BLOCK):
                    written.write(block)
            if manifest.files.get(name, {}).get("sha256") != reader.digest:
                raise BadInput(f"{path} changed while it was read. Restore it again when nobody writes to it.")


def _made(target: Path, name: str) -> IO[bytes]:
    """Opens a new file. Raises `BadInput` for a name that this disk does not take, or takes for another's."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("xb")
    except OSError as exc:
        if exc.errno not in OF_NAMES:
            raise
        raise BadInput(
            f"{shown(name)} of the archive cannot be a file on this disk ({exc.strerror}). Restore it to another disk."
        ) from exc


def _entries(path: Path) -> Iterator[tuple[str, IO[bytes], int]]:
    """(name in the workspace, what is in it, its bytes) of each entry in turn; the list has no name. Raises `BadInput`
    for what is no archive and for entries that are not plain files below the workspace."""
    with gzip.open(path) as unpacked:
        guarded = _Guarded(unpacked)
        with tarfile.open(fileobj=guarded, mode="r|") as tar:
            while (entry := tar.next()) is not None:
                name = name_of(entry)
                file = tar.extractfile(entry)
                assert file is not None
                guarded.in_header = False
                yield name, file, entry.size
                while file.read(BLOCK):  # What was not wanted is no part of the next header.
                    pass
                tar.members.clear()  # type: ignore[attr-defined]  # It keeps every entry otherwise.
                guarded.begin_header()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Raises `BadInput` in place of what reading an archive that is none raises, or one that is cut off."""
    if not path.is_file() or not os.access(path, os.R_OK):
        raise BadInput(f"There is no file {path} that can be read. Check the name of the backup.")
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:  # Of the disk, not of what is in the file.
            raise
        raise BadInput(f"{path} cannot be read as a backup ({exc}). It is damaged or cut off, or no backup.") from exc


class _Guarded(io.RawIOBase):
    """What is unpacked, of which a header takes no more than a header may: tar reads all of it into memory."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self.in_header, self._left = file, True, LARGEST_HEADER

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if self.in_header and self._left < 0:
            raise BadInput("The archive holds an entry whose name or description is too long. Use another backup.")
        return block

    def begin_header(self) -> None:
        self.in_header, self._left = True, LARGEST_HEADER


class _Hashed:
    """Reads at most `size` bytes, and knows their digest."""

    def __init__(self, file: IO[bytes], size: int, told: Told) -> None:
        self._file, self._left, self._told, self._hash = file, size, told, hashlib.sha256()

    def read(self, size: int = BLOCK) -> bytes:
        block = self._file.read(min(size, self._left))
        self._left -= len(block)
        self._hash.update(block)
        self._told(len(block))
        return block

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
