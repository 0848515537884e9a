"""A job keeps its title and what it says as codes with values beside the sentences."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("titled", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("status", sa.JSON(), nullable=True))
