"""A trace that is cleared away looks for the rows that speak of it: indexes for that."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("operation_row_trace", "operation_row", ["trace_id"])
    op.create_index("dataset_row_trace", "dataset_row", ["trace_id"])
