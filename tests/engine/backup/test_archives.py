"""A restore checks everything before it changes anything: archives that are damaged, cut off, newer or meant to do harm
are refused with a sentence, and leave nothing behind."""

import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio.engine.backup import restore
from studio.engine.errors import BadInput
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.migrations import newest, upgrade
from studio.engine.studio import Studio

Change = Callable[[dict[str, bytes]], None]


def quiet(*_: object) -> None:
    pass


@pytest.fixture
def good(studio: Studio, tmp_path: Path) -> Path:
    (studio.settings.logs / "log.1").write_text("a line\n", encoding="utf-8")
    studio.backups.run_here(tmp_path / "good.tar.gz")
    return tmp_path / "good.tar.gz"


def refused(archive: Path, tmp_path: Path, why: str) -> None:
    place = tmp_path / "place" / "restored"
    with pytest.raises(BadInput, match=why):
        restore(archive, Settings(workspace=place), quiet)
    assert not place.parent.exists() or list(place.parent.iterdir()) == []


def changed(good: Path, tmp_path: Path, *, entry: tarfile.TarInfo | None = None, **inside: Any) -> Path:
    """The archive with other contents, the list made to agree unless `stale`; and with one more entry at the front."""
    stale, manifest, front = inside.pop("stale", False), inside.pop("manifest", {}), inside.pop("front", None)
    made = tmp_path / "changed.tar.gz"
    with tarfile.open(good) as source, tarfile.open(made, "w:gz") as target:
        if entry is not None:
            target.addfile(entry, io.BytesIO(front or b"x" * entry.size))
        said: dict[str, Any] = {}
        if entry is not None:
            said[entry.name.removeprefix("workspace/")] = {
                "bytes": entry.size, "sha256": hashlib.sha256(b"x" * entry.size).hexdigest()
            }  # fmt: skip
        for member in source:
            file = source.extractfile(member)
            assert file is not None
            content = inside.get(member.name.rpartition("/")[2].replace(".", "_"), file.read())
            if member.name == "manifest.json":
                kept = json.loads(content) | manifest
                content = json.dumps(kept | ({} if stale else {"files": said})).encode()
            else:
                name = member.name.removeprefix("workspace/")
                said[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return made


def database_of(good: Path, tmp_path: Path, *statements: str) -> bytes:
    with tarfile.open(good) as tar:
        tar.extract("workspace/understudy.db", tmp_path / "taken", filter="data")
    path = tmp_path / "taken" / "workspace" / "understudy.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path.read_bytes()


def rows_of(workspace: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(workspace / "understudy.db")) as connection:
        return connection.execute(query).fetchall()


def test_what_is_changed_on_the_way_is_told(good: Path, tmp_path: Path) -> None:
    assert restore(changed(good, tmp_path), Settings(workspace=tmp_path / "same"), quiet)["files"] == 2
    refused(changed(good, tmp_path, log_1=b"other\n", stale=True), tmp_path, "'logs/log.1' is not what was backed up")
    whole = good.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 200):
        good.write_bytes(whole[:cut])
        refused(good, tmp_path, "cut off")
    good.write_bytes(whole[:2_000] + bytes(byte ^ 1 for byte in whole[2_000:2_010]) + whole[2_010:])
    refused(good, tmp_path, "damaged|cut off")
    refused(tmp_path / "none.tar.gz", tmp_path, "There is no file")


NAMES = ("../out", "workspace/../../out", "/etc/out", "workspace//etc/out", "elsewhere/out", "workspace/a\\..\\out",
         "workspace/C:/out", "workspace/./out")  # fmt: skip
KINDS = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE)


def test_names_that_lead_out_and_what_is_no_plain_file_are_refused(good: Path, tmp_path: Path) -> None:
    for name in NAMES:
        entry = tarfile.TarInfo(name)
        entry.size = 3
        refused(changed(good, tmp_path, entry=entry), tmp_path, "Use another backup")
    assert not [path for path in tmp_path.rglob("out") if path.name == "out"]
    for kind in KINDS:
        entry = tarfile.TarInfo("workspace/logs")
        entry.type, entry.linkname = kind, "understudy.db"
        refused(changed(good, tmp_path, entry=entry), tmp_path, "Use another backup")


def test_a_file_that_is_there_twice_is_refused(good: Path, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("workspace/logs/log.1")
    entry.size = 3
    refused(changed(good, tmp_path, entry=entry), tmp_path, "twice")


def test_what_a_newer_version_wrote_is_refused(good: Path, tmp_path: Path) -> None:
    later = f"{int(newest()) + 1:04}"
    refused(changed(good, tmp_path, manifest={"schema": later}), tmp_path, "newer version of Understudy")
    refused(changed(good, tmp_path, manifest={"format": 2}), tmp_path, "newer version of Understudy")
    database = database_of(good, tmp_path, f"UPDATE alembic_version SET version_num = '{later}'")
    refused(changed(good, tmp_path, understudy_db=database), tmp_path, "another version than its list says")


def test_a_database_that_would_act_or_is_none_is_refused(good: Path, tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER acts AFTER DELETE ON key_grant BEGIN UPDATE person SET kind = 'owner'; END"
    refused(changed(good, tmp_path, understudy_db=database_of(good, tmp_path, trigger)), tmp_path, "holds 'acts'")
    refused(changed(good, tmp_path, understudy_db=b"no database at all"), tmp_path, "cannot be read")
    refused(changed(good, tmp_path, understudy_db=b""), tmp_path, "no such table")
    no_text = "UPDATE alembic_version SET version_num = CAST(x'ff' AS TEXT)"
    refused(changed(good, tmp_path, understudy_db=database_of(good, tmp_path, no_text)), tmp_path, "cannot be read")


@pytest.mark.parametrize("kind", ["Trigger", "View", "table"])
def test_a_database_that_says_otherwise_what_would_act_is_refused(good: Path, tmp_path: Path, kind: str) -> None:
    what = "VIEW acts AS SELECT 1" if kind == "View" else "TRIGGER acts AFTER INSERT ON teacher BEGIN SELECT 1; END"
    hidden = f"UPDATE sqlite_master SET type = '{kind}' WHERE name = 'acts'"
    database = database_of(good, tmp_path, f"CREATE {what}", "PRAGMA writable_schema=ON", hidden)
    refused(changed(good, tmp_path, understudy_db=database), tmp_path, "holds 'acts'|malformed")


def test_nothing_of_the_schema_in_an_archive_is_in_the_workspace(good: Path, tmp_path: Path) -> None:
    database = database_of(
        good,
        tmp_path,
        "INSERT INTO preference VALUES ('kept', '1')",
        "CREATE TABLE more (name TEXT REFERENCES teacher (name) ON UPDATE CASCADE)",
        "ALTER TABLE key_grant ADD COLUMN everywhere TEXT DEFAULT 'https://evil.example:443'",
        "CREATE INDEX odd ON teacher (upper(name))",
    )
    place = tmp_path / "restored"
    restore(changed(good, tmp_path, understudy_db=database), Settings(workspace=place), quiet)
    fresh = Database(Settings(workspace=tmp_path / "fresh").prepare())
    fresh.upgrade()
    fresh.close()
    made, wanted = (set(rows_of(one, "SELECT type, name FROM sqlite_master")) for one in (place, tmp_path / "fresh"))
    assert made == wanted and "evil" not in str(rows_of(place, "SELECT sql FROM sqlite_master"))
    assert rows_of(place, "SELECT value FROM preference WHERE key = 'kept'") == [(1,)]


def test_an_archive_of_an_older_version_grants_nothing(good: Path, tmp_path: Path) -> None:
    """That version kept no grants, and its own workspace is granted what it used."""
    older = Database(Settings(workspace=tmp_path / "older").prepare())
    upgrade(older.engine, "0024")
    older.close()
    with closing(sqlite3.connect(tmp_path / "older" / "understudy.db")) as connection:
        connection.execute("INSERT INTO project (id, name, created_at) VALUES (1, 'default', 0)")
        connection.execute(
            "INSERT INTO teacher (project_id, name, base_url, model, api_key_env, concurrency, timeout, terms, "
            "terms_note, created_at, batch_price_share) "
            "VALUES (1, 't', 'https://evil.example/v1', 'm', 'PAID_KEY', 1, 1, 'yes', '', 0, 1)"
        )
        connection.commit()
    database = (tmp_path / "older" / "understudy.db").read_bytes()
    archive = changed(good, tmp_path, understudy_db=database, manifest={"schema": "0024"})
    restore(archive, Settings(workspace=tmp_path / "restored"), quiet)
    assert rows_of(tmp_path / "restored", "SELECT name FROM teacher") == [("t",)]
    assert rows_of(tmp_path / "restored", "SELECT source FROM key_grant") == []


UNWRITTEN = ("token", "raters.key", "open.json", "links", "host", "Token", "token.", "backups/understudy-backup.tar.gz",
             "understudy.db-wal", ".hidden/file", "uploads/browser/file", "x" * 300)  # fmt: skip


def test_what_no_backup_holds_is_refused(good: Path, tmp_path: Path) -> None:
    """Whoever chose the key of a workspace would open it as its owner."""
    for name in UNWRITTEN:
        entry = tarfile.TarInfo(f"workspace/{name}")
        entry.size = 3
        refused(changed(good, tmp_path, entry=entry), tmp_path, "is no file of a workspace")


def test_a_name_that_is_a_file_and_a_folder_is_refused(good: Path, tmp_path: Path) -> None:
    for name in ("logs", "logs/log.1/more/still"):
        entry = tarfile.TarInfo(f"workspace/{name}")
        entry.size = 3
        refused(changed(good, tmp_path, entry=entry), tmp_path, "as a file and as a folder")


HEADERS = (b"0 x=1\n", b"13 size=-512\n", b"99999999999999999999999 a=b\n",
           b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n30 GNU.sparse.realsize=1000000\n")  # fmt: skip


@pytest.mark.parametrize("said", HEADERS)
def test_a_description_that_tar_stumbles_over_is_refused(tmp_path: Path, said: bytes) -> None:
    entry, file = tarfile.TarInfo("x"), tarfile.TarInfo("workspace/a")
    entry.type, entry.size = tarfile.XHDTYPE, len(said)
    with gzip.open(tmp_path / "odd.tar.gz", "wb") as odd:
        odd.write(entry.tobuf(tarfile.USTAR_FORMAT) + said.ljust(512, b"\0") + file.tobuf() + bytes(4_096))
    refused(tmp_path / "odd.tar.gz", tmp_path, "cannot be read as a backup|is no file of a workspace")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_description_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = kind, 1 << 33
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", compresslevel=1) as file:
        file.write(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    refused(tmp_path / "bomb.tar.gz", tmp_path, "too long")


def test_a_file_with_holes_is_refused(good: Path, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("workspace/holes")
    entry.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50)}
    refused(changed(good, tmp_path, entry=entry), tmp_path, "is no file of a workspace")


def test_what_unpacks_into_more_than_there_is_room_for_is_read_no_further(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, read = tarfile.TarInfo("workspace/zeros"), [0]
    entry.size = 50_000_000
    archive = changed(good, tmp_path, entry=entry)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10_000_000))
    with pytest.raises(BadInput, match="There is no room"):
        restore(archive, Settings(workspace=tmp_path / "r"), lambda done, *_: read.append(done))
    assert 10_000_000 < read[-1] < 20_000_000 and not (tmp_path / "r").exists()


def test_a_list_is_the_last_thing_in_an_archive(good: Path, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("manifest.json")
    said = json.dumps({"format": 1, "version": "0", "schema": "0001", "created_at": 0, "database": "sqlite",
                       "without_models": False, "left_out": [], "files": {}}).encode()  # fmt: skip
    entry.size = len(said)
    archive = changed(good, tmp_path, entry=entry, front=said)
    refused(archive, tmp_path, "goes on after the list")


def test_grants_that_somebody_put_into_an_archive_are_dropped(good: Path, tmp_path: Path) -> None:
    database = database_of(
        good,
        tmp_path,
        "INSERT INTO key_grant (project_id, source, host, created_at) VALUES (1, 'KEY', 'https://evil', 0)",
    )
    place = tmp_path / "restored"
    restore(changed(good, tmp_path, understudy_db=database), Settings(workspace=place), quiet)
    with closing(sqlite3.connect(place / "understudy.db")) as connection:
        assert connection.execute("SELECT count(*) FROM key_grant").fetchone() == (0,)


def test_lists_that_are_none_are_refused(good: Path, tmp_path: Path) -> None:
    for said in (b"[]", b"{", b'{"format": 1}', b"[" * 100_000, b"\xff"):
        bad = tmp_path / "bad.tar.gz"
        with tarfile.open(bad, "w:gz") as tar:
            entry = tarfile.TarInfo("manifest.json")
            entry.size = len(said)
            tar.addfile(entry, io.BytesIO(said))
        refused(bad, tmp_path, "cannot be read")
    with gzip.open(tmp_path / "empty.tar.gz", "wb") as empty:
        empty.write(b"\0" * 10_240)
    refused(tmp_path / "empty.tar.gz", tmp_path, "does not end in a list")


def test_a_workspace_that_holds_something_is_never_touched(good: Path, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="is not empty"):
        restore(good, Settings(workspace=place), quiet)
    with pytest.raises(BadInput, match="UNDERSTUDY_DATABASE_URL"):
        restore(good, Settings(workspace=tmp_path / "other", database_url="postgresql://somewhere/else"), quiet)
    assert [path.name for path in place.iterdir()] == ["notes.txt"] and not (tmp_path / "other").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert restore(good, Settings(workspace=empty), quiet)["restored"] == str(empty)
