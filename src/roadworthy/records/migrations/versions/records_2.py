"""Applications are counted and sought by their indexes alone: by week, by what waits, by what a search asks.

Revision ID: records_2
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "records_2"
down_revision = "records_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the index by time and the one of those that wait."""
    op.drop_index("ix_applications_decided_us", "applications")
    op.create_index(
        "ix_applications_decided",
        "applications",
        [
            "decided_us", "branch", "answer", "pd", "decisions", "overridden", "status", "final_answer", "release",
            "amount",
        ],
    )  # fmt: skip
    waiting = sa.text("status IN ('open', 'review')")
    op.drop_index("ix_applications_waiting", "applications")
    op.create_index(
        "ix_applications_waiting",
        "applications",
        ["decided_us", "status", "branch"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
