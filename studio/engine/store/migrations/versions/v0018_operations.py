"""Operations and datasets that are made in pieces: how far an operation is, and whether a dataset is whole."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("operation", sa.Column("state", sa.String(), nullable=False, server_default="done"))
    op.add_column("operation", sa.Column("cursor", ID, nullable=False, server_default="0"))
    op.add_column("operation", sa.Column("until", ID, nullable=False, server_default="0"))
    op.execute("UPDATE operation SET state = 'undone' WHERE undone_at IS NOT NULL")
    # A default that is an expression would make Alembic copy the table, to which others refer.
    op.add_column("dataset", sa.Column("is_whole", sa.Boolean(), nullable=False, server_default="1"))
