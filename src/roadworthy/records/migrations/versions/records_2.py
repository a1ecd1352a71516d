"""Applications are counted from their indexes alone: by week, and those that wait.

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
        ["decided_us", "branch", "answer", "pd", "decisions", "overridden"],
    )
    waiting = sa.text("status IN ('open', 'review')")
    op.drop_index("ix_applications_waiting", "applications")
    op.create_index(
        "ix_applications_waiting",
        "applications",
        ["decided_us", "status", "branch"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
