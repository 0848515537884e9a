"""The schema's history: numbered steps in `versions/`, run by Alembic on either database.

A developer who changed `store/tables` writes the next step with `python -m studio.engine.store.migrations WORDS`.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from studio.engine.errors import BadInput

FOLDER = Path(__file__).parent
OWN_TABLES = ("trace_search", "trace_words")
"""The search index is written in SQL of each database and unknown to `store/tables`."""
_LOCK_NUMBER = 7_083_355_217
_one_at_a_time = threading.Lock()


def newest() -> str:
    """The number of the last step, from the names of the files: v0001_words.py."""
    return max((path.name[1:5] for path in (FOLDER / "versions").glob("v[0-9]*_*.py")), default="0000")


def upgrade(engine: Engine, to: str = "head") -> None:
    """Brings a database to this version. Safe when several processes start at once: one does it, the others wait.

    Raises `BadInput` for a database that a newer version of the studio has written.
    """
    if _version(engine) == newest():
        return  # The usual start, without loading Alembic.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _one_at_a_time, _locked(engine) as connection:
        _run(connection, to)


def belongs_to_tables(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Whether a comparison with `store/tables` concerns this table (Alembic's `include_object`)."""
    return not (kind == "table" and name is not None and name.startswith(OWN_TABLES))


def _version(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (OperationalError, ProgrammingError):
        return None  # No such table yet; a database that cannot be reached says so in the next step.


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """One transaction for all steps, which no second process can enter."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        yield connection
        connection.commit()


def _run(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    _check_it_is_ours(connection)
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as exc:
        raise BadInput(
            "This workspace was written by a newer version of Understudy than the one installed. "
            "Upgrade with `pip install --upgrade understudy`, or use another workspace."
        ) from exc


def _check_it_is_ours(connection: Connection) -> None:
    tables = inspect(connection).get_table_names()
    if tables and "alembic_version" not in tables:
        raise BadInput(
            f"The database holds tables that are not Understudy's or have no version ({', '.join(tables[:5])}). "
            "Use an empty database or another workspace."
        )
