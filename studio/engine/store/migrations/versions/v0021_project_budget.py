"""A project may have a budget over all its runs, a run says what its questions under way are reckoned at, and an answer
of a study how it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("project", sa.Column("budget_usd", sa.Float(), nullable=True))
    op.add_column("run", sa.Column("reserved_usd", sa.Float(), nullable=False, server_default="0"))
    op.add_column("study_answer", sa.Column("finish_reason", sa.String(), nullable=True))
