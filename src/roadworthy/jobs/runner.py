"""The worker: takes one job after another, keeps its lease while the handler works, and says how it ended."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from roadworthy.errors import RoadworthyError, StoreError, UsageError
from roadworthy.jobs.claiming import Claims
from roadworthy.jobs.interrupted import Cancelled, Interrupted, LostLease, Stopping
from roadworthy.jobs.job import clean_words, write_json
from roadworthy.jobs.lease import Lease
from roadworthy.jobs.place import where_it_failed, where_it_stands
from roadworthy.jobs.running import Handler, Running
from roadworthy.records import Store, to_us

__all__ = ["Runner", "Stuck"]

_LONGEST_RESULT = 256 * 1024
_TICK = timedelta(microseconds=1)
_LOOK_EVERY = 0.1
_FIRST_POLL, _LAST_POLL = 0.2, 5.0
_NAME = re.compile(r"[\w.:@-]{1,64}")


@dataclass(frozen=True)
class Stuck:
    """A handler that was given up and is still at work: on which job, of which kind, and where in the code."""

    job_id: str
    kind: str
    at: str


class _Attempt:
    """One call of a handler, in a thread of its own, and what comes of it."""

    def __init__(self, handler: Handler, running: Running, lease: Lease) -> None:
        self.job = running.job
        self.lease = lease
        self.over = threading.Event()
        self.result: str | None = None
        self.error: BaseException | None = None
        # A daemon: a handler that never comes back keeps no process alive.
        self._thread = threading.Thread(
            target=self._work, args=(handler, running), name=f"job {self.job.job_id}", daemon=True
        )
        self._thread.start()

    def stuck(self) -> Stuck:
        return Stuck(self.job.job_id, self.job.kind, where_it_stands(self._thread))

    def _work(self, handler: Handler, running: Running) -> None:
        try:
            self.result = write_json("result", handler(running), most=_LONGEST_RESULT)
        except BaseException as error:  # noqa: BLE001  # whatever ends the handler ends the attempt, and is said
            self.error = error
        finally:
            self.over.set()


class Runner:
    """Works on the jobs of a store, one at a time; as many runners as one likes, in as many processes, share it.

    handlers     by the kind of job they work on; other kinds are left to other workers
    worker       the name that people see; only for them
    clock        the time, for people; no lease is judged by it
    new_id       gives record ids
    lease        how long a worker may give no sign before another takes its job over
    time_limit   how long one attempt may take, by kind in `time_limits` where it differs; then the job has failed
    first_wait   what the next attempt waits after a failure, doubled for each more, up to `last_wait`
    grace        how long a handler has to come to its next check when the worker stops
    stopwatch    seconds that only ever go on
    """

    def __init__(
        self,
        store: Store,
        handlers: Mapping[str, Handler],
        *,
        worker: str,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        lease: timedelta = timedelta(seconds=30),
        time_limit: timedelta = timedelta(hours=6),
        time_limits: Mapping[str, timedelta] | None = None,
        first_wait: timedelta = timedelta(seconds=2),
        last_wait: timedelta = timedelta(minutes=5),
        grace: timedelta = timedelta(seconds=10),
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        if not _NAME.fullmatch(worker):
            raise UsageError(f"{worker!r} is no name of a worker", mend="letters, digits and . : @ _ -, at most 64")
        limits = dict(time_limits or {})
        spans = [lease, time_limit, first_wait, last_wait, *limits.values()]
        if any(span <= timedelta(0) for span in spans):
            raise UsageError("a lease, a wait and a time limit are longer than nothing")
        if unknown := sorted(set(limits) - set(handlers)):
            raise UsageError(f"a time limit for {unknown[0]!r}, which has no handler", available=sorted(handlers))
        self.worker = worker
        self._store = store
        self._handlers = dict(handlers)
        self._clock = clock
        self._new_id = new_id
        self._lease = lease
        self._limits = {kind: limits.get(kind, time_limit) for kind in handlers}
        self._first_wait, self._last_wait = first_wait, last_wait
        self._grace = grace.total_seconds()
        self._stopwatch = stopwatch
        self._claims = Claims(store, handlers, worker=worker, span=lease, clock=clock, stopwatch=stopwatch)
        self._woken = threading.Event()
        self._given_up: list[_Attempt] = []
        self.fault: str | None = None

    def run_forever(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a job at hand then goes back to the queue at its next check.

        Asks the store again after 0.2 s, then ever less often down to every 5 s while there is nothing, at once when
        woken, and when a lease it watches may end. While the store is out of reach it says so in `fault` and goes on.
        """
        poll = _FIRST_POLL
        while not stop.is_set():
            self._woken.clear()
            try:
                worked = self.run_one(stop)
                self.fault = None
            except StoreError as error:
                worked, self.fault = False, error.message
            poll = _FIRST_POLL if worked else min(2 * poll, _LAST_POLL)
            if not worked:
                self._rest(stop, poll if self._claims.next_in is None else min(poll, self._claims.next_in))

    def wake(self) -> None:
        """There is a job: look now. From any thread of this process."""
        self._woken.set()

    def stuck(self) -> tuple[Stuck, ...]:
        """Handlers that were given up and are still at work."""
        self._given_up = [attempt for attempt in self._given_up if not attempt.over.is_set()]
        return tuple(attempt.stuck() for attempt in self._given_up)

    def run_one(self, stop: threading.Event | None = None) -> bool:
        """Take one job and work on it, to its end or until it is interrupted; False where there was none.

        A handler's errors end up in the job. StoreError: the store is out of reach, and nothing was taken.
        """
        claimed = self._claims.claim()
        if claimed is None:
            return False
        job = claimed.job
        lease = Lease(
            self._store, job.job_id, job.attempts, span=self._lease, clock=self._clock, stopwatch=self._stopwatch
        )
        running = Running(
            job,
            lease,
            asker=claimed.asker,
            checkpoint=claimed.checkpoint,
            clock=self._clock,
            new_id=self._new_id,
        )
        attempt = _Attempt(self._handlers[job.kind], running, lease)
        stop = stop or threading.Event()
        try:
            if self._attend(attempt, stop):
                self._end(attempt, stop)
        except LostLease:
            pass  # whoever has the job now says how it ended
        except BaseException:
            lease.ask_to_stop()
            raise
        return True

    def _attend(self, attempt: _Attempt, stop: threading.Event) -> bool:
        """Keep the lease until the handler is through (True), or it is given up (False)."""
        began = beaten = self._stopwatch()
        limit = self._limits[attempt.job.kind]
        asked: float | None = None
        while not attempt.over.wait(min(_LOOK_EVERY, self._lease.total_seconds() / 10)):
            now = self._stopwatch()
            if now - began >= limit.total_seconds():
                self._give_up(attempt, limit)
                return False
            if stop.is_set() and asked is None:
                attempt.lease.ask_to_stop()
                asked = now
            if asked is not None and now - asked >= self._grace:
                self._given_up.append(attempt)
                return False
            if now - beaten >= self._lease.total_seconds() / 3 and not isinstance(attempt.lease.interrupt, LostLease):
                beaten = now
                try:
                    attempt.lease.beat()
                except LostLease:
                    continue  # the handler hears of it at its next check, and is waited for
                except StoreError as error:
                    self.fault = error.message  # out of reach, for everybody: the next beat tries again
        return True

    def _give_up(self, attempt: _Attempt, limit: timedelta) -> None:
        """The handler is past its time limit: name it, fail the job, and leave its thread behind."""
        self._given_up.append(attempt)
        found = attempt.stuck()
        words = f"{found.kind} was still at work after its time limit of {limit}, in {self.worker} at {found.at}"
        try:
            attempt.lease.end("failed", failures=attempt.job.failures + 1, error=words)
        finally:
            attempt.lease.lose()

    def _end(self, attempt: _Attempt, stop: threading.Event) -> None:
        """Say how it ended, as soon as the store can be reached: what was worked for is not thrown away."""
        state, values = self._outcome(attempt)
        poll = _FIRST_POLL
        while True:
            try:
                attempt.lease.end(state, **values)
            except StoreError as error:
                self.fault = error.message
                if stop.wait(poll):
                    return  # the lease runs out, and another worker goes on from the checkpoint
                poll = min(2 * poll, _LAST_POLL)
            else:
                return

    def _outcome(self, attempt: _Attempt) -> tuple[str, dict[str, Any]]:
        """The job's next state, and what is written with it."""
        error = attempt.error
        if error is None:
            return "done", {"result": attempt.result, "error": None}
        why = attempt.lease.interrupt
        if isinstance(why, LostLease):
            raise why
        if isinstance(why, Cancelled):
            return "cancelled", {}
        if isinstance(why, Stopping) and isinstance(error, Stopping):
            return "queued", {}
        job = attempt.job
        failures = job.failures + 1
        failed = {"failures": failures, "error": _say(error)}
        if failures >= job.most_failures or _is_final(error):
            return "failed", failed
        wait = min(self._first_wait * 2 ** min(failures - 1, 30), self._last_wait)
        return "queued", failed | {"wait_us": wait // _TICK, "due_us": to_us(self._clock() + wait)}

    def _rest(self, stop: threading.Event, seconds: float) -> None:
        """Until `stop` is set, the runner is woken, or so many seconds are over."""
        ends = time.monotonic() + seconds
        while not stop.is_set() and (left := ends - time.monotonic()) > 0:
            if self._woken.wait(min(left, _LOOK_EVERY)):
                return


def _is_final(error: BaseException) -> bool:
    """Whether the same attempt again would end the same: an error that we raise on purpose, but for the store's."""
    return isinstance(error, RoadworthyError) and not isinstance(error, StoreError | Interrupted)


def _say(error: BaseException) -> str:
    """An error of ours in its words; of any other only its class and place: its words may quote what it choked on."""
    if isinstance(error, RoadworthyError):
        return clean_words(str(error))
    return f"{type(error).__name__} at {where_it_failed(error)}"
