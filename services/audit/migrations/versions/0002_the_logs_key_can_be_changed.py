"""The log's key can be changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column(
            "number",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="1 is the first change of the log's key",
        ),
        sa.Column(
            "note", sa.Text(), nullable=False, comment="kernel/log_keys.py: signed by the old key and the new one"
        ),
        sa.PrimaryKeyConstraint("number"),
    )
