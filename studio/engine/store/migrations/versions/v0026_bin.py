"""Things can be put away, and into a bin from which they can be restored until it is emptied. What emptying looks for
by its references is indexed."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PUT_AWAY = ("project", "prompt_source", "run", "dataset", "model", "study")


def upgrade() -> None:
    for table in PUT_AWAY:
        op.add_column(table, sa.Column("archived_at", sa.Float(), nullable=True))
    for table in (*PUT_AWAY, "teacher"):
        op.add_column(table, sa.Column("binned_at", sa.Float(), nullable=True))
    op.create_table(
        "bin_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thing_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "thing_id"),
    )
    op.create_index("ix_bin_item_project_id", "bin_item", ["project_id"])
    op.create_index("trace_request", "trace", ["request_id"])
    op.create_index("trace_attempt", "trace", ["attempt_id"])
    op.create_index("batch_line_item", "batch_line", ["item_id"])
