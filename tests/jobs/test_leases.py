"""One holder at a time: what it does not hold it cannot write, and no clock decides who holds it (R13, R14)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import sampled_from

from roadworthy.jobs import Job, LostLease, Running, cancel_job
from roadworthy.jobs.claiming import Claimed, Claims
from roadworthy.jobs.lease import Lease
from roadworthy.jobs.schema import jobs
from roadworthy.records import Store
from tests.jobs.conftest import ANA, Yard, idle, new_id

DAY = 86_400.0
SPAN = timedelta(seconds=30)


class Worker:
    """A worker at its lowest: what it holds, its own clock, and a hand to do one step at a time."""

    def __init__(self, yard: Yard, name: str, *, ahead: float = 0.0) -> None:
        self.yard = yard
        self.ahead = ahead
        self.claims = Claims(
            yard.store, ["count"], worker=name, span=SPAN, clock=self.clock, stopwatch=lambda: yard.seconds
        )

    def clock(self) -> datetime:
        return self.yard.now + timedelta(seconds=self.ahead)

    def claim(self) -> Claimed | None:
        return self.claims.claim()

    def take(self) -> tuple[Lease, Running]:
        claimed = self.claim()
        assert claimed is not None
        return self.hold(claimed)

    def hold(self, claimed: Claimed) -> tuple[Lease, Running]:
        job = claimed.job
        lease = Lease(
            self.yard.store,
            job.job_id,
            job.attempts,
            span=SPAN,
            clock=self.clock,
            stopwatch=lambda: self.yard.seconds,
        )
        running = Running(
            job, lease, asker=claimed.asker, checkpoint=claimed.checkpoint, clock=self.clock, new_id=new_id
        )
        return lease, running


def lose_worker(yard: Yard, first: Worker, second: Worker) -> tuple[Lease, Running]:
    """`first` took a job and is not heard of again; `second` watches until the lease is over. What `first` held."""
    held = first.take()
    assert second.claim() is None
    yard.wait(30)
    return held


def test_a_lost_worker_is_followed_once_its_lease_was_watched_to_its_end(yard: Yard) -> None:
    job = yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    first.take()
    for _ in range(3):
        assert second.claim() is None
        yard.wait(9.9)
    assert second.claims.next_in == pytest.approx(10.2)
    assert second.claim() is None
    yard.wait(0.4)
    claimed = second.claim()
    assert claimed is not None
    assert (claimed.job.worker, claimed.job.attempts, claimed.job.failures) == ("w2", 2, 1)
    assert yard.read(job) == claimed.job


def test_a_worker_that_gives_signs_keeps_its_lease(yard: Yard) -> None:
    yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    lease, _ = first.take()
    for _ in range(20):
        assert second.claim() is None
        yard.wait(29)
        lease.beat()
    assert second.claim() is None


def test_a_sign_that_comes_as_another_reaches_for_the_job_is_in_time(yard: Yard) -> None:
    yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    lease, _ = lose_worker(yard, first, second)
    ended, _ = second.claims._look()
    assert len(ended) == 1
    lease.beat()
    assert yard.store.transact(lambda connection: second.claims._take_next(connection, ended)) is None
    lease.beat()


def test_a_worker_that_just_came_watches_a_whole_lease_before_it_takes_over(yard: Yard) -> None:
    """Whatever `lease_until` says: it was written by another clock."""
    yard.submit()
    Worker(yard, "w1").take()
    yard.wait(1000)
    late = Worker(yard, "w2")
    assert late.claim() is None
    assert late.claims.next_in == 30.0
    yard.wait(30)
    assert late.claim() is not None


@pytest.mark.parametrize("ahead", [-DAY, DAY])
def test_clocks_a_day_apart_take_nothing_from_anyone_and_keep_nobody_waiting(yard: Yard, ahead: float) -> None:
    yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2", ahead=ahead)
    lease, _ = first.take()
    assert second.claim() is None
    yard.wait(29)
    lease.beat()
    assert second.claim() is None
    yard.wait(29)
    assert second.claim() is None
    yard.wait(1)
    assert second.claim() is not None


def test_a_clock_set_back_a_day_does_not_hold_up_a_job_that_waits_for_its_next_attempt(yard: Yard) -> None:
    def fail(running: Running) -> Mapping[str, Any]:
        raise OSError

    job = yard.submit()
    yard.runner(fail).run_one()
    assert yard.read(job).due_at == yard.now + timedelta(seconds=2)
    worker = Worker(yard, "w2", ahead=-DAY)
    assert worker.claim() is None
    yard.wait(1.9)
    assert worker.claim() is None
    yard.wait(0.1)
    assert worker.claim() is not None


def test_a_worker_whose_job_was_taken_over_writes_nothing(yard: Yard) -> None:
    job = yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    lease, running = lose_worker(yard, first, second)
    new_lease, _ = second.take()
    before = yard.read(job)
    written: list[int] = []
    acts: list[Callable[[], object]] = [
        lease.beat,
        lambda: running.save({"n": 1}),
        lambda: running.transact(lambda _: written.append(1)),
        lambda: running.progress(1),
        running.check,
        lambda: lease.end("done", result="{}"),
        lambda: lease.end("queued"),
    ]
    for act in acts:
        with pytest.raises(LostLease, match="no longer this worker's"):
            act()
    assert written == []
    assert yard.read(job) == before
    new_lease.end("done", result='{"by":"w2"}')
    assert yard.read(job).result == {"by": "w2"}


def test_a_worker_that_finds_itself_followed_hears_of_it_at_its_next_check(yard: Yard) -> None:
    yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    _, running = lose_worker(yard, first, second)
    running.check()  # nobody followed it yet
    second.take()
    yard.wait(0.3)
    with pytest.raises(LostLease):
        running.check()


def test_a_job_whose_workers_are_lost_again_and_again_has_failed(yard: Yard) -> None:
    """What takes its worker down with it does not do so for ever."""
    job = yard.submit(most_failures=3)
    workers = [Worker(yard, f"w{n}") for n in range(4)]
    for n in range(3):
        lose_worker(yard, workers[n], workers[n + 1])
    assert workers[3].claim() is None
    found = yard.read(job)
    assert (found.state, found.failures, found.attempts, found.worker) == ("failed", 3, 3, None)
    assert found.error == "its worker was lost (w2, attempt 3), as failure 3: no more are made"


def test_a_worker_lost_after_it_came_further_is_no_failure(yard: Yard) -> None:
    """Killed as often as you like, it goes on; the same checkpoint again is no further."""
    job = yard.submit(most_failures=2)
    worker = Worker(yard, "w0")
    claimed = worker.claim()
    assert claimed is not None
    for n in range(1, 5):
        other = Worker(yard, f"w{n}")
        _, running = worker.hold(claimed)
        running.save({"n": n})
        assert other.claim() is None
        yard.wait(30)
        found = other.claim()
        assert found is not None
        claimed, worker = found, other
        assert (found.job.failures, found.checkpoint) == (0, f'{{"n":{n}}}')
    _, running = worker.hold(claimed)
    running.save({"n": 4})
    last = Worker(yard, "last")
    assert last.claim() is None
    yard.wait(30)
    assert last.claim() is not None
    assert yard.read(job).failures == 1


def test_a_job_to_be_cancelled_whose_worker_is_lost_is_cancelled(yard: Yard) -> None:
    job = yard.submit()
    first, second = Worker(yard, "w1"), Worker(yard, "w2")
    first.take()
    assert cancel_job(yard.deed(), job.job_id).state == "running"
    assert second.claim() is None
    yard.wait(30)
    assert second.claim() is None
    assert yard.read(job).state == "cancelled"


def test_a_long_step_keeps_its_lease(yard: Yard) -> None:
    """The handler says nothing for three leases; another worker watches all the while."""
    span = timedelta(seconds=0.5)
    taken: list[str] = []

    def sleep(running: Running) -> Mapping[str, Any]:
        taken.append(running.job.worker or "")
        time.sleep(1.5)
        return {"slept": True}

    job = yard.submit()
    stop = threading.Event()
    runners = [yard.runner(sleep, name, lease=span, stopwatch=time.monotonic) for name in ("w1", "w2")]
    threads = [threading.Thread(target=runner.run_forever, args=(stop,)) for runner in runners]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 30
    while not yard.read(job).is_over and time.monotonic() < ends:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(20)
    found = yard.read(job)
    assert (found.state, found.attempts, found.failures) == ("done", 1, 0)
    assert taken in (["w1"], ["w2"])


def test_two_workers_never_take_the_same_job(yard: Yard) -> None:
    """All at once for the same few jobs, from a lost worker's as from the queue."""
    for _ in range(6):
        yard.submit()
    lost = Worker(yard, "lost")
    for _ in range(3):
        lost.take()
    workers = [Worker(yard, f"w{n}") for n in range(6)]
    for worker in workers:
        worker.claims._look()
    yard.wait(30)
    gate = threading.Barrier(6)
    taken: list[tuple[str, int]] = []

    def take(worker: Worker) -> None:
        gate.wait()
        while claimed := worker.claim():
            taken.append((claimed.job.job_id, claimed.job.attempts))

    threads = [threading.Thread(target=take, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == len(set(taken)) == 6
    assert sorted(attempts for _, attempts in taken) == [1, 1, 1, 2, 2, 2]


class Leases(RuleBasedStateMachine):
    """Workers with clocks of their own take, beat, save, end and vanish in any order.

    At any moment at most one attempt at a job is in force, and it is the last one; only it ever writes.
    """

    store: Store

    held: Bundle[tuple[str, int, Lease, Running]] = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.store.transact(lambda connection: connection.execute(jobs.delete()))
        self.yard = Yard(self.store)
        self.workers = [Worker(self.yard, f"w{n}", ahead=ahead) for n, ahead in enumerate((0.0, DAY, -DAY))]
        self.made: dict[str, Job] = {}
        self.last: dict[str, int] = {}
        self.over: dict[str, Job] = {}

    @rule()
    def submit(self) -> None:
        if len(self.made) < 3:
            job = self.yard.submit(most_failures=3)
            self.made[job.job_id] = job

    @rule(target=held, who=sampled_from([0, 1, 2]))
    def claim(self, who: int) -> Any:
        claimed = self.workers[who].claim()
        if claimed is None:
            return multiple()
        job = claimed.job
        assert job.job_id not in self.over
        assert job.attempts == self.last.get(job.job_id, 0) + 1
        self.last[job.job_id] = job.attempts
        return (job.job_id, job.attempts, *self.workers[who].hold(claimed))

    @rule(seconds=sampled_from([1.0, 12.0, 29.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.yard.wait(seconds)

    @rule(holding=held, act=sampled_from(["beat", "save", "progress", "transact"]))
    def write(self, holding: tuple[str, int, Lease, Running], act: str) -> None:
        job_id, attempt, lease, running = holding
        acts: dict[str, Callable[[], object]] = {
            "beat": lease.beat,
            "save": lambda: running.save({"attempt": attempt, "at": self.yard.seconds}),
            "progress": lambda: running.progress(attempt),
            "transact": lambda: running.transact(lambda _: None),
        }
        if act != "progress":  # which may be written later
            self._try(job_id, attempt, acts[act])
        elif not self._in_force(job_id, attempt):
            self.yard.wait(1)
            with pytest.raises(LostLease):
                running.progress(attempt)

    @rule(holding=held, state=sampled_from(["done", "failed", "queued"]))
    def end(self, holding: tuple[str, int, Lease, Running], state: str) -> None:
        job_id, attempt, lease, _ = holding
        values = {"result": f'{{"attempt":{attempt}}}'} if state == "done" else {}
        self._try(job_id, attempt, lambda: lease.end(state, **values))

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        for job_id, job in self.made.items():
            found = self.yard.read(job)
            if job_id in self.over:
                assert found == self.over[job_id]
            elif found.is_over:
                self.over[job_id] = found

    def _in_force(self, job_id: str, attempt: int) -> bool:
        found = self.yard.read(self.made[job_id])
        return found.state == "running" and found.attempts == attempt == self.last[job_id]

    def _try(self, job_id: str, attempt: int, act: Callable[[], object]) -> None:
        if self._in_force(job_id, attempt):
            act()
            return
        before = self.yard.read(self.made[job_id])
        with pytest.raises(LostLease):
            act()
        assert self.yard.read(self.made[job_id]) == before


def test_in_any_order_of_events_only_the_last_attempt_writes(shared_store: Store) -> None:
    machine = type("LeasesHere", (Leases,), {"store": shared_store})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=30, deadline=None))


def test_a_handler_that_lost_its_job_is_waited_for_and_its_end_is_nobodys(yard: Yard) -> None:
    """The runner learns of it by its heartbeat, and writes nothing for it."""
    job = yard.submit()

    def work(running: Running) -> Mapping[str, Any]:
        ends = time.monotonic() + 20
        yard.store.transact(
            lambda connection: connection.execute(
                jobs.update().where(jobs.c.job_id == job.job_id).values(attempts=2, worker="w2")
            )
        )
        while time.monotonic() < ends:
            time.sleep(0.01)
            running.check()
        return {}

    runner = yard.runner(work, lease=timedelta(seconds=0.3), stopwatch=time.monotonic)
    assert runner.run_one()
    assert runner.stuck() == ()
    found = yard.read(job)
    assert (found.state, found.worker, found.attempts) == ("running", "w2", 2)
    assert yard.runner(idle).run_one() is False
    assert found.actor == ANA.account
