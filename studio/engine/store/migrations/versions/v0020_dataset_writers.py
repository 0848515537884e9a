"""Who writes a dataset that is not whole yet, and until when that holds without a sign of life."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("dataset", sa.Column("holder", sa.String(), nullable=True))
    op.add_column("dataset", sa.Column("held_until", sa.Float(), nullable=True))
