"""Makes a workspace of a backup: everything is checked before anything is written, and the workspace appears whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.engine.backup.archive import Manifest, extract, verified
from studio.engine.backup.contents import DATABASE, LEFT_OUT
from studio.engine.backup.rebuilding import rebuild
from studio.engine.backup.sanitization import sanitize, schema_of
from studio.engine.domain.status import status
from studio.engine.errors import BadInput
from studio.engine.jobs import Progress
from studio.engine.settings import Settings
from studio.engine.store import Database, temporary_folder, told_when_full
from studio.engine.store.migrations import newest


def restore(archive: Path, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Makes the workspace that the settings name, which must not be there yet or be empty, from a backup. Returns
    `restored`, `files`, `bytes`, `left_out`, `without_models`.

    Raises `BadInput`, with nothing changed, for an archive that is damaged, of a newer version or no backup, and for a
    workspace that holds something.
    """
    workspace = settings.workspace.expanduser().absolute()
    check_kind(settings)
    if holds_something(workspace):
        raise BadInput(
            f"{workspace} is not empty, and a backup replaces nothing. With --workspace, name a "
            "folder that is empty or not there yet; or let it take the place of this one with --replace."
        )
    with unpacked(archive, settings, progress) as (made, manifest):
        if workspace.exists():
            workspace.rmdir()  # Empty: anything else was refused, and would be now.
        made.replace(workspace)
    return {
        "restored": str(workspace), "files": len(manifest.files), "bytes": manifest.size, "left_out": list(LEFT_OUT),
        "without_models": manifest.without_models,
    }  # fmt: skip


@contextmanager
def unpacked(
    archive: Path, settings: Settings, progress: Progress, *, rows_only: bool = False
) -> Iterator[tuple[Path, Manifest]]:
    """The workspace that a backup makes, beside the one that the settings name, for whoever moves it away: it is gone
    after the block. `rows_only` leaves out all files but the database. Raises `BadInput`, with nothing written, for an
    archive that is damaged, of a newer version or no backup."""
    workspace = settings.workspace.expanduser().absolute()
    above = next(folder for folder in workspace.parents if folder.exists())
    done, free = 0, shutil.disk_usage(above).free

    def told(size: int) -> None:
        nonlocal done
        done += size
        progress(done, None, status("bytes_checked"))

    def told_first(size: int) -> None:
        told(size)
        if done > free:  # A small archive may unpack into more than anybody waits for.
            raise _no_room(done, above)

    manifest = verified(archive, told_first)
    _check(archive, manifest)
    rows = int(manifest.files[DATABASE]["bytes"])
    if (needed := (rows if rows_only else manifest.size) + rows) > free:  # The database is made anew.
        raise _no_room(needed, above)
    workspace.parent.mkdir(parents=True, exist_ok=True)
    with (
        told_when_full(workspace.parent),
        temporary_folder(workspace.parent, f".{workspace.name}-restoring-") as folder,
    ):
        folder.chmod(0o700)
        made = folder / "workspace"
        made.mkdir(mode=0o700)
        extract(archive, made, manifest, told, only={DATABASE} if rows_only else None)
        _open(settings, made, manifest)
        yield made, manifest


def check_kind(settings: Settings) -> None:
    """Raises `BadInput` for a workspace whose rows are not in a file."""
    if settings.database_url:
        raise BadInput(
            "A backup is restored into a workspace of its own, with its database in a file. Unset "
            "UNDERSTUDY_DATABASE_URL, then restore it."
        )


def holds_something(workspace: Path) -> bool:
    return workspace.exists() and (not workspace.is_dir() or any(workspace.iterdir()))


def _check(archive: Path, manifest: Manifest) -> None:
    if DATABASE not in manifest.files:
        raise BadInput(f"{archive} holds no database. It is no backup of a workspace.")
    if manifest.schema > newest():
        raise BadInput(
            f"The workspace in {archive} is of a newer version of Understudy ({manifest.version}) than this one. "
            "Upgrade with `pip install --upgrade understudy`, then restore it."
        )


def _no_room(needed: int, above: Path) -> BadInput:
    return BadInput(f"There is no room for {needed:,} bytes at {above}. Free some space, or choose another disk.")


def _open(settings: Settings, made: Path, manifest: Manifest) -> None:
    """Makes the database anew, brings its tables to this version and then sets it to rest: a step of the migrations may
    grant what was in use when no grants were kept."""
    archived = made.parent / DATABASE
    (made / DATABASE).replace(archived)
    if schema_of(archived) != manifest.schema:
        raise BadInput("The archive's database is of another version than its list says. Use another backup.")
    workspace = settings.model_copy(update={"workspace": made})
    rebuild(archived, manifest.schema, workspace)
    opened = Database(workspace)
    try:
        opened.upgrade()
    finally:
        opened.close()
    sanitize(made / DATABASE)
