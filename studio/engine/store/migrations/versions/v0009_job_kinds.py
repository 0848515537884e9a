"""A job names a kind instead of a function, says what it is about, and what it keeps of the machine.

The kinds of earlier versions are those of this one, so that jobs which wait or were cut short go on.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

SUBJECTS = {
    "collect": ("run", "run"), "train": ("model", "model_id"), "answer": ("study", "study_id"),
    "invent": ("prompts", "source"),
}  # fmt: skip
"""Kind of job -> what it is about, and where its payload had the number of that."""
EVERY = 1_000_000
RESOURCES = {
    "train": {"processors": EVERY, "gpus": 1, "memory": 0},
    "export": {"processors": EVERY, "gpus": 0, "memory": 0},
    "answer": {"processors": EVERY, "gpus": 1, "memory": 0},
}
NONE = {"processors": 0, "gpus": 0, "memory": 0}


def upgrade() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject_kind", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("resources", sa.JSON(), nullable=False, server_default=json.dumps(NONE)))
    _fill()
    op.execute("ALTER TABLE job DROP COLUMN entry")  # Alembic would copy the table, to which others refer.
    op.create_index("job_subject", "job", ["project_id", "subject_kind", "subject_id", "id"])


def _fill() -> None:
    connection = op.get_bind()
    job = sa.table(
        "job", *(sa.column(name) for name in ("id", "project_id", "kind", "subject_kind", "subject_id")),
        sa.column("payload", sa.JSON), sa.column("resources", sa.JSON),
    )  # fmt: skip
    rows = connection.execute(sa.select(job.c.id, job.c.project_id, job.c.kind, job.c.payload)).all()
    for row in rows:
        kind, number = _subject(connection, row)
        values = {"subject_kind": kind, "subject_id": number, "resources": RESOURCES.get(row.kind, NONE)}
        connection.execute(sa.update(job).where(job.c.id == row.id).values(**values))


def _subject(connection: sa.Connection, row: Any) -> tuple[str | None, int | None]:
    payload = row.payload if isinstance(row.payload, dict) else {}
    if row.kind == "export":
        model = sa.table("model", sa.column("id"), sa.column("project_id"), sa.column("name"))
        named = sa.select(model.c.id).where(model.c.project_id == row.project_id, model.c.name == payload.get("model"))
        number = connection.execute(named).scalar()
        return ("model", number) if number is not None else (None, None)
    kind, key = SUBJECTS.get(row.kind, (None, ""))
    number = payload.get(key)
    return (kind, number) if kind and isinstance(number, int) else (None, None)
