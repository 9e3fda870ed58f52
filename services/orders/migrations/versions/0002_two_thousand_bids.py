"""Two thousand bids: how many stand is counted where it is decided, and not over all of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bids_taken",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "shard"),
    )
    op.execute(
        "INSERT INTO bids_taken (competition_id, shard, standing) "
        "SELECT competition_id, ('x' || right(bid_id::text, 4))::bit(16)::int % 32, "
        "count(*) FILTER (WHERE status = 'standing') FROM own_bid GROUP BY 1, 2"
    )
