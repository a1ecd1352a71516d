"""A job as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import Connection, case

from roadworthy.access import Actor, Deed
from roadworthy.errors import UsageError
from roadworthy.jobs.job import Job, Progress, clean_words, read_json, write_json
from roadworthy.jobs.lease import Lease
from roadworthy.jobs.schema import jobs
from roadworthy.jobs.standing import stands_now
from roadworthy.records import Once, Store

__all__ = ["Handler", "Running"]

T = TypeVar("T")
_LONGEST_CHECKPOINT = 1024 * 1024
_LONGEST_NOTE = 200


class Running:
    """One attempt at one job.

    A handler works in steps. After each it saves a checkpoint, in the same transaction as what the step wrote, and
    begins with `checkpoint` when it is called again, on whatever worker. All that it calls here raises `Cancelled`,
    `Stopping` or `LostLease` when it is to stop, or at least at the next `check`.
    """

    def __init__(
        self,
        job: Job,
        lease: Lease,
        *,
        asker: Actor,
        checkpoint: str | None,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self.job = job
        self._lease = lease
        self._asker = asker
        self._checkpoint = checkpoint
        self._clock = clock
        self._new_id = new_id

    @property
    def store(self) -> Store:
        """The store, for reading; what the job writes goes through `transact`."""
        return self._lease.store

    @property
    def attempt(self) -> int:
        """1 for the first."""
        return self.job.attempts

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """Where this attempt begins: what the ones before it saved last; None where nothing was."""
        return None if self._checkpoint is None else read_json(self._checkpoint)

    def check(self) -> None:
        """Raise where the job is to stop: `Cancelled`, `LostLease`, `Stopping`. Cheap: call it in every loop."""
        self._lease.check()

    def progress(self, done: int, total: int | None = None, words: str = "") -> None:
        """Say how far it is, and `check`. Written at most twice a second; `words` in at most 200 characters.

        No personal data in the words. UsageError where `done` is not between 0 and `total`.
        """
        if done < 0 or (total is not None and done > total):
            raise UsageError(f"{done} of {total} is no progress", mend="0 <= done <= total")
        self._lease.report(Progress(done, total, clean_words(words)[:_LONGEST_NOTE]))
        self._lease.check()

    def save(self, checkpoint: Mapping[str, Any], *, within: Connection | None = None) -> None:
        """Save where to go on from, durably when this returns (`within` a `transact`: when that does).

        JSON of at most 1 MiB, without personal data. LostLease where somebody else has the job.
        """
        text = write_json("checkpoint", checkpoint, most=_LONGEST_CHECKPOINT)
        # An attempt that came further than those before it may be killed without that counting as a failure.
        further = case((jobs.c.checkpoint.is_distinct_from(text), self.attempt), else_=jobs.c.saved_attempt)

        def write(connection: Connection) -> None:
            self._lease.write(connection, checkpoint=text, saved_attempt=further)

        if within is None:
            self.store.transact(write)
        else:
            write(within)

    def transact(self, work: Callable[[Connection], T]) -> T:
        """`Store.transact` behind the fence: what `work` writes is written while the job is ours, or not at all.

        LostLease where somebody else has it. Short: see `Store.transact`.
        """

        def fenced(connection: Connection) -> T:
            self._lease.write(connection)
            return work(connection)

        return self.store.transact(fenced)

    def once(self, key: str) -> Once:
        """For a record that this job makes once, on however many attempts: `Replayed` where one before did."""
        caller = f"job:{self.job.job_id}"
        return Once(caller, key, sha256(f"{caller}\n{key}".encode()).digest())

    def deed(self) -> Deed:
        """A deed of whoever asked for the job, now, with what they still may. NotAllowed once they are switched off."""
        with self.store.reading() as connection:
            asker = stands_now(connection, self._asker)
        return Deed(store=self.store, by=asker, now=self._clock(), new_id=self._new_id)


Handler = Callable[[Running], Mapping[str, Any]]
"""Works on jobs of one kind, and gives the result: JSON of at most 256 KiB, files by their digest."""
