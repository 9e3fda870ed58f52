"""Lists in parts: the events that a closing's list came in, and the bids that are opened already"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "part",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "event_id"),
    )
    op.execute(
        "INSERT INTO part (competition_id, event_id, lines) "
        "SELECT competition_id, closed_event, standing FROM competition WHERE closed_event IS NOT NULL"
    )
    op.create_table(
        "opened",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "bid_id"),
    )
    op.execute(
        "INSERT INTO opened (competition_id, bid_id) "
        "SELECT (state->>'competition_id')::uuid, jsonb_array_elements_text(state->'opened')::uuid "
        "FROM competition_key ON CONFLICT DO NOTHING"
    )
    op.drop_index("bid_competition", table_name="bid")
    op.create_index("bid_competition", "bid", ["competition_id", "bid_id"], unique=False)
