"""Sides are drawn for each rater when an item is first shown to them, and a study may take raters by invitation only.

What a rater was shown before is in the votes they gave; what they have not judged is drawn anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("study", sa.Column("by_invitation", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "presentation",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("is_swapped", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["study_item.id"]),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "rater"),
    )
    op.create_index("ix_presentation_study_id", "presentation", ["study_id"])
    op.create_table(
        "rater_invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_rater_invitation_study_id", "rater_invitation", ["study_id"])
    op.execute(
        "INSERT INTO presentation (study_id, item_id, rater, is_swapped, created_at) "
        "SELECT vote.study_id, vote.item_id, vote.rater, vote.left_arm <> study_item.left_arm, vote.created_at "
        "FROM vote JOIN study_item ON study_item.id = vote.item_id WHERE vote.person_id IS NOT NULL"
    )
