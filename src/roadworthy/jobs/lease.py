"""A job held by one worker for one attempt. Every write goes through the fence: it is the holder's, or LostLease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from roadworthy.errors import StoreError
from roadworthy.jobs.interrupted import Cancelled, Interrupted, LostLease, Stopping
from roadworthy.jobs.job import Progress
from roadworthy.jobs.schema import jobs
from roadworthy.records import Store, to_us

__all__ = ["Lease"]

_LOOK_EVERY = 0.25
_WRITE_EVERY = 0.5


class Lease:
    """What the handler's thread and the one that keeps the lease share. Any thread may call anything."""

    def __init__(
        self,
        store: Store,
        job_id: str,
        attempt: int,
        *,
        span: timedelta,
        clock: Callable[[], datetime],
        stopwatch: Callable[[], float],
    ) -> None:
        self.store = store
        self.job_id = job_id
        self.attempt = attempt
        self.span = span
        self._clock = clock
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._interrupt: Interrupted | None = None
        self._progress: Progress | None = None
        self._looked = self._written = stopwatch()

    # The fence.

    def write(self, connection: Connection, **values: Any) -> None:
        """Write to the job's row, as its holder, and hold it so until the transaction ends. LostLease: it is not.

        The write counts as a beat. On PostgreSQL it locks the row, which whoever would take over skips; on SQLite the
        transaction holds the file.
        """
        now_us = to_us(self._clock())
        held = (jobs.c.job_id == self.job_id) & (jobs.c.attempts == self.attempt) & (jobs.c.state == "running")
        kept: dict[str, Any] = {
            "beat": jobs.c.beat + 1,
            "heartbeat_us": now_us,
            "lease_until_us": now_us + self.span // timedelta(microseconds=1),
        }
        with self._lock:
            progress = self._progress
        if progress is not None:
            kept |= {
                "progress_done": progress.done,
                "progress_total": progress.total,
                "progress_words": progress.words,
            }
        found = connection.execute(update(jobs).where(held).values(kept | values).returning(jobs.c.cancel_us))
        row = found.one_or_none()
        if row is None:
            raise self.lose()
        with self._lock:
            self._written = self._stopwatch()
        self._note(cancel_asked=row.cancel_us is not None)

    def beat(self) -> None:
        """Keep the lease, and write progress that was not written yet."""
        self.store.transact(self.write)

    def end(self, state: str, **values: Any) -> None:
        """Let go of the job: it is in `state` from here on."""
        now_us = to_us(self._clock())
        over = {"state": state, "worker": None, "lease_until_us": None} | values
        if state != "queued":
            over["ended_us"] = now_us
        self.store.transact(lambda connection: self.write(connection, **over))

    # What the handler is told.

    @property
    def interrupt(self) -> Interrupted | None:
        """Why the handler is to stop, once it is."""
        return self._interrupt

    def check(self) -> None:
        """Raise what interrupts the job, if anything does: as known a quarter of a second ago at most.

        Where the store cannot be read the holder goes on: nobody can take over either.
        """
        if self._stopwatch() - self._looked >= _LOOK_EVERY:
            try:
                self._look()
            except StoreError:
                self._looked = self._stopwatch()
        if self._interrupt is not None:
            raise self._interrupt.with_traceback(None)

    def report(self, progress: Progress) -> None:
        """Remember how far it is; written with the next beat, or now where the last write is half a second old."""
        now = self._stopwatch()
        with self._lock:
            self._progress = progress
            if now - self._written < _WRITE_EVERY:
                return
            self._written = now
        with suppress(StoreError):  # out of reach: a later beat writes it
            self.beat()

    def ask_to_stop(self) -> None:
        """The worker shuts down."""
        with self._lock:
            self._interrupt = self._interrupt or Stopping("the worker is shutting down")

    def lose(self) -> LostLease:
        """The job is somebody else's; the error to raise."""
        lost = LostLease("the job is no longer this worker's; nothing was written", where=f"job {self.job_id}")
        with self._lock:
            self._interrupt = lost
        return lost

    def _look(self) -> None:
        wanted = select(jobs.c.state, jobs.c.attempts, jobs.c.cancel_us).where(jobs.c.job_id == self.job_id)
        with self.store.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or (row.state, row.attempts) != ("running", self.attempt):
            self.lose()
        else:
            self._note(cancel_asked=row.cancel_us is not None)

    def _note(self, *, cancel_asked: bool) -> None:
        self._looked = self._stopwatch()
        if cancel_asked:
            with self._lock:
                if not isinstance(self._interrupt, LostLease):
                    self._interrupt = Cancelled("the job is to be cancelled", where=f"job {self.job_id}")
