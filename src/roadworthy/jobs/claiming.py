"""Which job a worker takes next, in one transaction that no two workers share a row in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, or_, select, update

from roadworthy.access import Actor
from roadworthy.jobs.job import Job, to_job
from roadworthy.jobs.schema import jobs
from roadworthy.jobs.standing import read_standing
from roadworthy.jobs.watch import Seen, Watch
from roadworthy.records import Store, to_us

__all__ = ["Claimed", "Claims"]

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Claimed:
    """A job that is this worker's from now on, who asked for it, and the checkpoint it begins with."""

    job: Job
    asker: Actor
    checkpoint: str | None


class Claims:
    """How one worker finds work: jobs of `kinds`, each for a lease of `span`."""

    def __init__(
        self,
        store: Store,
        kinds: Collection[str],
        *,
        worker: str,
        span: timedelta,
        clock: Callable[[], datetime],
        stopwatch: Callable[[], float],
    ) -> None:
        self._store = store
        self._kinds = sorted(kinds)
        self._worker = worker
        self._span = span
        self._clock = clock
        self._watch = Watch(stopwatch)
        self.next_in: float | None = None

    def claim(self) -> Claimed | None:
        """The next job, or None where there is none; `next_in` then says in how many seconds one may be.

        First what a lost worker left, then the queue in the order of submission. A job whose worker was lost once too
        often, or that was to be cancelled, is ended on the way.
        """
        ended, waits = self._look()
        if not ended and not waits:
            return None
        return self._store.transact(lambda connection: self._take_next(connection, ended))

    def _look(self) -> tuple[list[Seen], bool]:
        """What ended while we watched, and whether anything is in the queue: reading only, so that nobody waits."""
        ours = jobs.c.kind.in_(self._kinds)
        span = case((jobs.c.state == "running", jobs.c.lease_span_us), else_=jobs.c.wait_us)
        watched = select(jobs.c.job_id, jobs.c.state, jobs.c.attempts, jobs.c.beat, span).where(
            ours, or_(jobs.c.state == "running", and_(jobs.c.state == "queued", jobs.c.wait_us > 0))
        )
        ready = select(jobs.c.job_id).where(ours, self._is_ready()).limit(1)
        with self._store.reading() as connection:
            seen = [Seen(*row) for row in connection.execute(watched)]
            waits = connection.execute(ready).one_or_none() is not None
        ended, self.next_in = self._watch.look(seen)
        return ended, waits

    def _is_ready(self) -> ColumnElement[bool]:
        # A clock that is ahead only shortens a back-off; one that is behind is made good by the watch.
        return and_(jobs.c.state == "queued", jobs.c.due_us <= to_us(self._clock()))

    def _take_next(self, connection: Connection, ended: list[Seen]) -> Claimed | None:
        lost = [seen for seen in ended if seen.state == "running"]
        waited = [seen for seen in ended if seen.state == "queued"]
        for seen in lost:
            row = self._lock(connection, _still(seen))
            if row is not None and not self._end_lost(connection, row):
                return self._take(connection, row, failures=row.failures + _failed_by_loss(row))
        ready = or_(self._is_ready(), *(_still(seen) for seen in waited))
        row = self._lock(connection, and_(jobs.c.kind.in_(self._kinds), ready))
        return None if row is None else self._take(connection, row, failures=row.failures)

    def _lock(self, connection: Connection, wanted: ColumnElement[bool]) -> Row[Any] | None:
        """The oldest such job that nobody else has locked (on SQLite the transaction has locked them all)."""
        oldest = select(jobs).where(wanted).order_by(jobs.c.submitted_us, jobs.c.job_id).limit(1)
        return connection.execute(oldest.with_for_update(skip_locked=True)).one_or_none()

    def _end_lost(self, connection: Connection, row: Row[Any]) -> bool:
        """End a job whose worker was lost, where it is not to be tried again."""
        values: dict[str, Any] = {"worker": None, "lease_until_us": None, "ended_us": to_us(self._clock())}
        failures = row.failures + _failed_by_loss(row)
        if row.cancel_us is not None:
            values |= {"state": "cancelled"}
        elif failures >= row.most_failures:
            error = (
                f"its worker was lost ({row.worker}, attempt {row.attempts}), as failure {failures}: no more are made"
            )
            values |= {"state": "failed", "failures": failures, "error": error}
        else:
            return False
        connection.execute(update(jobs).where(jobs.c.job_id == row.job_id).values(values))
        return True

    def _take(self, connection: Connection, row: Row[Any], *, failures: int) -> Claimed:
        now_us = to_us(self._clock())
        values = {
            "state": "running",
            "attempts": row.attempts + 1,
            "failures": failures,
            "worker": self._worker,
            "beat": row.beat + 1,
            "lease_span_us": self._span // _TICK,
            "lease_until_us": now_us + self._span // _TICK,
            "heartbeat_us": now_us,
            "wait_us": 0,
            "due_us": 0,
            "started_us": now_us if row.started_us is None else row.started_us,
        }
        taken = connection.execute(update(jobs).where(jobs.c.job_id == row.job_id).values(values).returning(jobs)).one()
        return Claimed(to_job(taken), read_standing(taken.standing), taken.checkpoint)


def _still(seen: Seen) -> ColumnElement[bool]:
    """It is as it was seen."""
    return and_(
        jobs.c.job_id == seen.job_id,
        jobs.c.state == seen.state,
        jobs.c.attempts == seen.attempts,
        jobs.c.beat == seen.beat,
    )


def _failed_by_loss(row: Row[Any]) -> int:
    """A lost worker is a failure, unless its attempt had come further than those before it."""
    return 0 if row.saved_attempt == row.attempts else 1
