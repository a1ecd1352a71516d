"""The table of jobs.

Revision ID: jobs_1
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "jobs_1"
down_revision = None
branch_labels = ("jobs",)
depends_on = ("access_1",)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("once_key", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("most_failures", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("lease_span_us", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_us", sa.BigInteger()),
        sa.Column("heartbeat_us", sa.BigInteger()),
        sa.Column("wait_us", sa.BigInteger(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint", sa.Text()),
        sa.Column("saved_attempt", sa.Integer(), nullable=False),
        sa.Column("progress_done", sa.BigInteger(), nullable=False),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("progress_words", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("cancel_us", sa.BigInteger()),
        sa.Column("cancel_by", sa.Text()),
        sa.Column("submitted_us", sa.BigInteger(), nullable=False),
        sa.Column("started_us", sa.BigInteger()),
        sa.Column("ended_us", sa.BigInteger()),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name=op.f("ck_jobs_result")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("actor", "once_key", name=op.f("uq_jobs_actor_once_key")),
    )
    op.create_index(op.f("ix_jobs_state_submitted_us"), "jobs", ["state", "submitted_us"])
    op.create_index(op.f("ix_jobs_submitted_us"), "jobs", ["submitted_us"])
