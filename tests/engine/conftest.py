"""Both databases, SQLite and a real PostgreSQL started here; and a tiny model, as a folder and as a GGUF file."""

import os
import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.projects import Projects
from studio.engine.store.tables import Project

_numbers = count(1)
_make = runpy.run_path(str(Path(__file__).parent / "engines" / "tiny_llama.py"))["make"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings of a workspace without any tables, once for each database."""
    if request.param == "sqlite":
        return settings
    new_database: Callable[..., str] = request.getfixturevalue("new_database")
    return settings.model_copy(update={"database_url": new_database()})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with all tables and nothing in them, once for each kind; commands and child processes find it too."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("_migrated_file"), settings.workspace / "understudy.db")
    else:
        url = request.getfixturevalue("new_database")(template=request.getfixturevalue("_migrated_template"))
        settings = settings.model_copy(update={"database_url": url})
        monkeypatch.setenv("UNDERSTUDY_DATABASE_URL", url)
    database = Database(settings)
    yield database
    database.close()


@pytest.fixture
def studio_database(settings: Settings, _migrated_file: Path) -> Iterator[Database]:
    """The SQLite database of the test's own workspace, with all tables."""
    shutil.copyfile(_migrated_file, settings.workspace / "understudy.db")
    database = Database(settings)
    yield database
    database.close()


@pytest.fixture(scope="session")
def _migrated_template(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    url = new_database()
    database = Database(Settings(workspace=tmp_path_factory.mktemp("migrated"), database_url=url))
    database.upgrade()
    database.close()
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def project(database: Database) -> Project:
    return Projects(database).get("default")


@pytest.fixture(scope="session")
def new_database(_postgresql: str) -> Callable[..., str]:
    """Makes another database in the running PostgreSQL, empty or like `template`, and returns its URL."""

    def make(template: str = "template0") -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        engine = create_engine(_postgresql.replace("/?", "/postgres?"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return _postgresql.replace("/?", f"/{name}?")

    return make


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[str]:
    """The server that UNDERSTUDY_TEST_POSTGRES names; else one of its own in a temporary folder, reached only by a
    socket inside it. Where it could be started and CI has not done so, that is a failure."""
    if url := os.environ.get("UNDERSTUDY_TEST_POSTGRES"):
        yield url
        return
    programs = _programs()
    if os.environ.get("CI") == "true":
        pytest.fail("CI has PostgreSQL and did not start it: UNDERSTUDY_TEST_POSTGRES is not set")
    folder = Path(tempfile.mkdtemp(prefix="understudy-pg-"))
    # The server refuses to run as root; Debian's package made a user for it.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **as_user)  # type: ignore[call-overload]

    data, options = str(folder / "data"), f"-k {folder} -c listen_addresses= -c fsync=off -c log_min_messages=fatal"
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        run(str(programs / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start")
        yield f"postgresql://postgres@/?host={folder}"
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where PostgreSQL's programs are; Debian keeps the server's out of PATH."""
    for folder in (Path("/usr/lib/postgresql/15/bin"), *map(Path, os.environ.get("PATH", "").split(":"))):
        if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file():
            return folder
    pytest.skip("no PostgreSQL is installed: neither /usr/lib/postgresql/15/bin nor PATH has initdb and pg_ctl")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that engines load in a moment."""
    return _make(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="session")
def tiny_gguf(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that llama.cpp's own converter makes of it."""
    from studio.engine.export.converter import fetch_converter
    from studio.engine.export.gguf_writing import convert

    out = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    convert(tiny, out, "f16", name="tiny", converter=fetch_converter(Settings()))
    return out
