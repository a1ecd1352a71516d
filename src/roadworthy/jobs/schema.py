"""The table of jobs, on the same MetaData as the proof. Moments and spans are whole microseconds.

JSON is kept as text: what is in it is asked of handlers, never of the database.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from roadworthy.records import metadata

__all__ = ["jobs"]

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    # Who asked, and with which rights, as JSON: the handler acts with these and no more.
    Column("actor", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("once_key", Text),
    # Every claim adds one to attempts, so (job_id, attempts) names one holder for ever: that is the fence.
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("most_failures", Integer, nullable=False),
    # The lease. The beat goes up with whatever its holder writes; others watch whether it still does.
    Column("worker", Text),
    Column("beat", BigInteger, nullable=False),
    Column("lease_span_us", BigInteger, nullable=False),
    Column("lease_until_us", BigInteger),
    Column("heartbeat_us", BigInteger),
    # Back-off: how long the next attempt waits, and until when by the clock of the worker that failed.
    Column("wait_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("checkpoint", Text),
    Column("saved_attempt", Integer, nullable=False),
    Column("progress_done", BigInteger, nullable=False),
    Column("progress_total", BigInteger),
    Column("progress_words", Text, nullable=False),
    Column("result", Text),
    Column("error", Text),
    Column("cancel_us", BigInteger),
    Column("cancel_by", Text),
    Column("submitted_us", BigInteger, nullable=False),
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
    UniqueConstraint("actor", "once_key"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
    Index(None, "state", "submitted_us"),
    Index(None, "submitted_us"),
)
