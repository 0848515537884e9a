"""Files and models are kept by address: relative to the workspace, or as a URL. Absolute paths become one of the two.

Where a workspace keeps its own models, exports, trainings and datasets has never changed, so these are told by the end
of their paths, also when the workspace was moved before, or is not known because the database is on a server.
"""

import json
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

PRACTICE_BASE = "practice-base"
SHIPPED_BASE = f"assets://{PRACTICE_BASE}"
DATASET = r"artifacts/[0-9a-f]{2}/[0-9a-f]{64}(\.\w+)?"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def upgrade() -> None:
    places = _Places(_workspace())
    models = _models(places)
    _files(places, models)
    _jobs(places, models)
    _studies(places)
    _replay_teachers(places)


class _Places:
    """Paths of the version before as addresses. `workspace` is None where the database does not tell."""

    def __init__(self, workspace: Path | None) -> None:
        known = [] if workspace is None else [workspace.absolute(), workspace.resolve()]
        self._folders: tuple[Path, ...] = tuple(known)

    def address(self, text: str, own: str | None = None) -> str:
        """`own` matches the relative address that the thing has when the workspace itself keeps it."""
        path = _absolute(text)
        if path is None:
            return text
        if (inside := self.inside(path)) is not None:
            return inside
        found = re.search(rf"/({own})$", path.as_posix()) if own else None
        return path.as_uri() if found is None or self._is_foreign(path, found[1]) else found[1]

    def inside(self, path: PurePath) -> str | None:
        folder = next((folder for folder in self._folders if path.is_relative_to(folder)), None)
        return None if folder is None else path.relative_to(folder).as_posix()

    def _is_foreign(self, path: PurePath, own: str) -> bool:
        """Whether it is still where it was, and not here: then it is another workspace's."""
        return bool(self._folders) and Path(path).exists() and not (self._folders[0] / own).exists()


def _workspace() -> Path | None:
    url = op.get_bind().engine.url
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(str(url.database)).parent if is_file else None


def _absolute(text: Any) -> PurePath | None:
    for kind in (PurePosixPath, PureWindowsPath):
        if isinstance(text, str) and (path := kind(text)).is_absolute():
            return path
    return None


def _table(name: str, *columns: str, **values: Any) -> sa.TableClause:
    return sa.table(name, sa.column("id"), *map(sa.column, columns), *(sa.column(*pair) for pair in values.items()))


def _rows(table: sa.TableClause) -> Iterator[Any]:
    yield from op.get_bind().execute(sa.select(table)).all()


def _set(table: sa.TableClause, row: Any, **values: Any) -> None:
    op.get_bind().execute(sa.update(table).where(table.c.id == row.id).values(**values))


def _models(places: _Places) -> dict[str, str]:
    """Rewrites the models and returns the address of each path that one had."""
    table = _table("model", "project_id", "name", "kind", "path", detail=sa.JSON)
    found: dict[str, str] = {}
    for row in _rows(table):
        detail = row.detail if isinstance(row.detail, dict) else {}
        is_in_place = detail.get("origin") == row.path
        own = None if is_in_place else rf"models/{row.project_id}/{re.escape(row.name)}(/[^/]+\.gguf)?"
        is_shipped = row.name == PRACTICE_BASE and row.kind == "base"
        found[row.path] = SHIPPED_BASE if is_shipped else places.address(row.path, own)
        origin = _absolute(detail.get("origin"))
        _set(table, row, path=found[row.path], detail=detail | {"origin": origin.as_uri()} if origin else detail)
    return found


def _files(places: _Places, models: dict[str, str]) -> None:
    table = _table("model_file", "path")
    for row in _rows(table):
        own = r"exports/\d+/([^/]+)/\2-[^/]+\.gguf"
        _set(table, row, path=models.get(row.path) or places.address(row.path, own))


def _jobs(places: _Places, models: dict[str, str]) -> None:
    table = _table("job", "project_id", "kind", payload=sa.JSON)
    for row in _rows(table):
        if not isinstance(row.payload, dict):
            continue
        if row.kind == "train" and isinstance(row.payload.get("spec"), dict):
            _set(table, row, payload=_training(places, models, row))
        elif row.kind == "export" and (path := _absolute(row.payload.get("model"))):
            address = models.get(row.payload["model"]) or places.address(row.payload["model"])
            _set(table, row, payload=row.payload | {"model": path.name, "address": address})


def _training(places: _Places, models: dict[str, str], row: Any) -> dict[str, Any]:
    payload, spec = row.payload, row.payload["spec"]
    base = str(spec.get("base") or "")
    if _absolute(base) is None and HUB_ID.fullmatch(base):
        base = f"hf://{base}"
    elif base not in models and base.replace("\\", "/").endswith(f"/assets/{PRACTICE_BASE}"):
        base = SHIPPED_BASE
    else:
        base = models.get(base) or places.address(base)
    stages = [stage | {"file": places.address(stage["file"], DATASET)} for stage in spec.get("stages") or []]
    return payload | {
        "spec": spec | {"base": base, "stages": stages},
        "folder": places.address(payload.get("folder") or "", rf"training/{row.project_id}/[^/]+"),
        "path": places.address(payload.get("path") or "", rf"models/{row.project_id}/[^/]+"),
    }


def _studies(places: _Places) -> None:
    table = _table("study", detail=sa.JSON)
    for row in _rows(table):
        arms = row.detail.get("arms") if isinstance(row.detail, dict) else None
        if arms and any(_absolute(arm.get("source")) for arm in arms):
            _set(table, row, detail=row.detail | {"arms": [_arm(places, arm) for arm in arms]})


def _arm(places: _Places, arm: dict[str, Any]) -> dict[str, Any]:
    if _absolute(arm.get("source")) is None:
        return arm
    kind = "file" if arm.get("kind") == "file" else "weights"
    own = r"exports/\d+/([^/]+)/\2-[^/]+\.gguf"
    return arm | {"kind": kind, "source": places.address(arm["source"], own)}


def _replay_teachers(places: _Places) -> None:
    """A file of recorded answers in the workspace is named from there. Its address is part of what makes two questions
    the same, so these are numbered anew and no answer is asked for again."""
    table = _table("teacher", "base_url")
    for row in _rows(table):
        if not row.base_url.startswith("replay://"):
            continue
        parts = urlsplit(row.base_url)
        path = _absolute(unquote(parts.netloc + parts.path))
        if path is not None and (inside := places.inside(path)) is not None:
            address = f"replay://{quote(inside)}{'?' + parts.query if parts.query else ''}"
            _set(table, row, base_url=address)
            _ask_as(row.id, address)


def _ask_as(teacher_id: int, address: str) -> None:
    table = _table(
        "request", "teacher_id", "model", "sample", fingerprint=sa.LargeBinary, messages=sa.JSON, parameters=sa.JSON
    )
    encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    for row in op.get_bind().execute(sa.select(table).where(table.c.teacher_id == teacher_id)).all():
        text = encoder.encode([address, row.model, row.messages, row.parameters, row.sample])
        _set(table, row, fingerprint=blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest())
