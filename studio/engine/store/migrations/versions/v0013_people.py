"""People: a row for everyone who does something. Names given to labels before become local people, raters' cookies
become raters, and everything else was the owner's."""

import getpass
import hashlib
import time

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WRITERS = ("job", "run", "vote", "operation")
"""The tables that say who, from now on."""


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("archived_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("person_name", "person", ["kind", "name"])
    for table in WRITERS:
        _add_person(table)
    _fill()


def _add_person(table: str) -> None:
    """SQLite takes a column with its reference as it is; Alembic would copy the whole table for it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"ALTER TABLE {table} ADD COLUMN person_id INTEGER REFERENCES person (id)")
    else:
        op.add_column(table, sa.Column("person_id", ID, sa.ForeignKey("person.id"), nullable=True))


def _fill() -> None:
    connection = op.get_bind()
    owner = _add(connection, "owner", _login())
    operation = _table("operation", "by")
    for name in connection.execute(sa.select(operation.c.by).where(operation.c.by != "").distinct()).scalars().all():
        local = owner if name == "local" else _add(connection, "local", name)  # What the pages called the owner.
        connection.execute(sa.update(operation).where(operation.c.by == name).values(person_id=local))
    study = sa.table("study", sa.column("id"), sa.column("detail", sa.JSON))
    imported = [row.id for row in connection.execute(sa.select(study)) if (row.detail or {}).get("imported")]
    given = sa.table("vote", sa.column("rater"), sa.column("person_id"), sa.column("study_id"))
    here = given.c.study_id.not_in(imported)
    for rater in connection.execute(sa.select(given.c.rater).where(here).distinct()).scalars().all():
        key = "rater:" + hashlib.sha256(rater.encode()).hexdigest()
        person = _add(connection, "rater", "", key)
        connection.execute(sa.update(given).where(here, given.c.rater == rater).values(person_id=person))
    for name in ("job", "run", "operation"):
        table = _table(name)
        connection.execute(sa.update(table).where(table.c.person_id.is_(None)).values(person_id=owner))


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, sa.column("person_id"), *(sa.column(column) for column in columns))


def _add(connection: sa.Connection, kind: str, name: str, key: str | None = None) -> int:
    person = sa.table("person", *(sa.column(column) for column in ("id", "kind", "name", "key", "created_at")))
    values = {"kind": kind, "name": name, "key": key, "created_at": time.time()}
    connection.execute(sa.insert(person).values(**values))
    return int(connection.execute(sa.select(sa.func.max(person.c.id))).scalar_one())


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "owner"
