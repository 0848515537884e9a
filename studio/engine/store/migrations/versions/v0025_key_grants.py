"""To which host the key of a source may be sent in a project. What the teachers of before name is granted."""

import time
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LOCAL = ("practice://", "replay://")
PORTS = {"http": 80, "https": 443}

TEACHER = sa.table("teacher", *map(sa.column, ("project_id", "base_url", "api_key_env")))
GRANT = sa.table("key_grant", *map(sa.column, ("project_id", "source", "host", "created_at")))


def upgrade() -> None:
    op.create_table(
        "key_grant",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "source", "host"),
    )
    teachers = op.get_bind().execute(sa.select(TEACHER).where(TEACHER.c.api_key_env != "")).all()
    granted = {
        (teacher.project_id, source, host)
        for teacher in teachers
        if (host := _host_of(teacher.base_url))
        for part in teacher.api_key_env.split(",")
        if (source := part.strip())
    }
    names = ("project_id", "source", "host")
    if granted:
        now = time.time()
        op.bulk_insert(GRANT, [dict(zip(names, one, strict=True), created_at=now) for one in sorted(granted)])


def _host_of(base_url: str) -> str:
    """As `teachers.grants` writes it at this revision; empty for what is no address."""
    if base_url.startswith(LOCAL):
        return base_url.partition("://")[0] + "://"
    try:
        parts = urlsplit(base_url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return ""
    name = (parts.hostname or "").rstrip(".")
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}" if name and port else ""
