"""What handlers are given and what becomes of what they give back (R13, R14)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from roadworthy.access import CONSOLE, Account, Act, Actor, add_account, change_account, record_in
from roadworthy.errors import DataError, OutcomeUnknown, StoreError, UsageError
from roadworthy.jobs import Cancelled, Job, Progress, Running, Stopping, cancel_job
from roadworthy.jobs.schema import jobs
from roadworthy.records import Recorded, ReleaseEvent, Replayed, Store
from tests.jobs.conftest import ANA, BEN, Yard, idle, new_id


def test_a_job_is_worked_on_and_its_result_kept(yard: Yard) -> None:
    job = yard.submit("count", {"to": 3})
    yard.wait(5)
    seen: list[Job] = []

    def count(running: Running) -> Mapping[str, Any]:
        seen.append(running.job)
        return {"sum": sum(range(running.job.input["to"] + 1)), "file": "ab" * 32}

    assert yard.runner(count).run_one()
    done = yard.read(job)
    assert (done.state, done.result, done.error, done.attempts) == ("done", {"sum": 6, "file": "ab" * 32}, None, 1)
    assert (done.started_at, done.ended_at, done.worker, done.lease_until) == (yard.now, yard.now, None, None)
    assert (seen[0].state, seen[0].worker, seen[0].lease_until) == ("running", "w1", yard.now + timedelta(seconds=30))
    assert not yard.runner(count).run_one()


def test_jobs_are_taken_in_the_order_they_were_asked_for_and_only_of_known_kinds(yard: Yard) -> None:
    taken: list[int] = []

    def take(running: Running) -> Mapping[str, Any]:
        taken.append(running.job.input["n"])
        return {}

    for n in (1, 2, 3):
        yard.submit("count", {"n": n})
        yard.submit("score", {"n": -n})
        yard.wait(1)
    runner = yard.runner(take)
    while runner.run_one():
        pass
    assert taken == [1, 2, 3]


def test_progress_is_there_to_read_while_the_handler_works(yard: Yard) -> None:
    seen: list[Progress] = []

    def count(running: Running) -> Mapping[str, Any]:
        for n in range(3):
            yard.wait(1)
            running.progress(n, 3, f"part {n}\0" + "x" * 500)
            seen.append(yard.read(running.job).progress)
        running.progress(3, 3)  # at the same moment as the last: written as the job ends
        return {}

    job = yard.submit()
    yard.runner(count).run_one()
    assert [progress.done for progress in seen] == [0, 1, 2]
    assert seen[1].total == 3
    assert seen[1].words.startswith("part 1xx")
    assert len(seen[1].words) == 200
    assert yard.read(job).progress == Progress(3, 3)


def test_no_progress_is_refused(yard: Yard) -> None:
    def count(running: Running) -> Mapping[str, Any]:
        for done, total in ((-1, None), (4, 3)):
            with pytest.raises(UsageError, match="is no progress"):
                running.progress(done, total)
        return {"refused": 2}

    job = yard.submit()
    yard.runner(count).run_one()
    assert yard.read(job).result == {"refused": 2}


def test_a_failure_is_tried_again_after_a_wait_that_doubles_and_then_the_job_has_failed(yard: Yard) -> None:
    def fail(running: Running) -> Mapping[str, Any]:
        raise ValueError("could not convert 'Ana Núñez'")

    job = yard.submit(most_failures=4)
    runner = yard.runner(fail, last_wait=timedelta(seconds=6))
    for failures, wait in ((1, 2), (2, 4), (3, 6)):
        assert runner.run_one()
        found = yard.read(job)
        assert (found.state, found.failures, found.attempts) == ("queued", failures, failures)
        assert found.due_at == yard.now + timedelta(seconds=wait)
        yard.wait(wait - 0.1)
        assert not runner.run_one()
        yard.wait(0.1)
    assert runner.run_one()
    found = yard.read(job)
    assert (found.state, found.failures, found.ended_at, found.due_at) == ("failed", 4, yard.now, None)
    yard.wait(1000)
    assert not runner.run_one()


def test_an_unforeseen_error_is_told_by_its_place_and_never_by_its_words(yard: Yard) -> None:
    """Its words may quote the data it choked on."""

    def fail(running: Running) -> Mapping[str, Any]:
        return {"n": int("Ana Núñez")}

    job = yard.submit(most_failures=1)
    yard.runner(fail).run_one()
    error = yard.read(job).error or ""
    assert error.startswith("ValueError at ")
    assert error.endswith("(fail)")
    assert "test_working" in error
    assert "Ana" not in error


def test_an_error_raised_on_purpose_is_told_in_its_words_and_not_tried_again(yard: Yard) -> None:
    def fail(running: Running) -> Mapping[str, Any]:
        raise DataError("no column 'defalt'", where="loans.csv\0", mend="--target default")

    job = yard.submit()
    yard.runner(fail).run_one()
    found = yard.read(job)
    assert (found.state, found.attempts, found.failures) == ("failed", 1, 1)
    assert found.error == "loans.csv: no column 'defalt'\n  mend: --target default"


@pytest.mark.parametrize(
    "error", [StoreError("out of reach"), OutcomeUnknown("broke off"), MemoryError(), SystemExit(1)]
)
def test_what_may_pass_is_tried_again_and_the_error_forgotten_once_it_is_done(yard: Yard, error: BaseException) -> None:
    def fail_once(running: Running) -> Mapping[str, Any]:
        if running.attempt == 1:
            raise error
        return {"attempt": running.attempt}

    job = yard.submit()
    runner = yard.runner(fail_once)
    assert runner.run_one()
    assert yard.read(job).error
    yard.wait(2)
    assert runner.run_one()
    found = yard.read(job)
    assert (found.state, found.result, found.error, found.failures) == ("done", {"attempt": 2}, None, 1)


@pytest.mark.parametrize("result", [None, 3, {"at": ANA}, {"pd": float("inf")}, {"rows": "x" * 300_000}])
def test_a_result_that_is_no_small_json_object_fails_the_job_in_words(yard: Yard, result: Any) -> None:
    job = yard.submit(most_failures=1)
    yard.runner(lambda _: result).run_one()
    found = yard.read(job)
    assert (found.state, found.result) == ("failed", None)
    assert found.error


def test_a_job_asked_to_be_cancelled_stops_at_its_next_check(yard: Yard) -> None:
    def work(running: Running) -> Mapping[str, Any]:
        running.check()
        yard.wait(0.3)
        cancel_job(yard.deed(), running.job.job_id)
        for call in (running.check, running.check, lambda: running.progress(1)):
            with pytest.raises(Cancelled):
                call()
        running.check()
        return {}

    job = yard.submit()
    yard.runner(work).run_one()
    found = yard.read(job)
    assert (found.state, found.result, found.failures, found.cancel_asked_by) == ("cancelled", None, 0, "ana")


def test_a_check_asks_the_store_at_most_four_times_a_second(yard: Yard) -> None:
    def work(running: Running) -> Mapping[str, Any]:
        cancel_job(yard.deed(), running.job.job_id)
        yard.wait(0.2)
        running.check()
        yard.wait(0.05)
        with pytest.raises(Cancelled):
            running.check()
        return {}

    job = yard.submit()
    yard.runner(work).run_one()
    assert yard.read(job).state == "done"  # its handler finished all the same


def test_an_error_after_a_cancel_is_the_end_and_no_failure(yard: Yard) -> None:
    def work(running: Running) -> Mapping[str, Any]:
        cancel_job(yard.deed(), running.job.job_id)
        running.save({"n": 1})
        raise ValueError

    job = yard.submit()
    yard.runner(work).run_one()
    assert (yard.read(job).state, yard.read(job).failures) == ("cancelled", 0)


def test_a_worker_that_stops_gives_its_job_back_with_its_checkpoint(yard: Yard) -> None:
    stop = threading.Event()

    def work(running: Running) -> Mapping[str, Any]:
        if running.checkpoint is None:
            running.save({"n": 7})
            stop.set()
            while True:
                time.sleep(0.01)
                running.check()
        return {"from": running.checkpoint["n"], "attempt": running.attempt}

    job = yard.submit()
    assert yard.runner(work).run_one(stop)
    found = yard.read(job)
    assert (found.state, found.failures, found.worker, found.due_at) == ("queued", 0, None, None)
    assert yard.runner(work, "w2").run_one()
    assert yard.read(job).result == {"from": 7, "attempt": 2}


def test_a_handler_that_raises_stopping_by_itself_has_failed(yard: Yard) -> None:
    def work(running: Running) -> Mapping[str, Any]:
        raise Stopping("I say so")

    job = yard.submit()
    yard.runner(work).run_one()
    assert (yard.read(job).state, yard.read(job).failures) == ("queued", 1)


def test_a_handler_that_blocks_past_its_time_limit_is_named(yard: Yard) -> None:
    """The runner leaves it behind and goes on; what it still tries to write is refused."""
    let_go, tried = threading.Event(), []

    def block(running: Running) -> Mapping[str, Any]:
        let_go.wait()
        try:
            running.save({"n": 1})
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is looked at below
            tried.append(type(error).__name__)
        return {"too": "late"}

    job, other = yard.submit("block"), yard.submit("count")
    runner = yard.runner(
        {"block": block, "count": idle},
        time_limits={"block": timedelta(seconds=0.2)},
        stopwatch=time.monotonic,
    )
    assert runner.run_one()
    found = yard.read(job)
    assert (found.state, found.failures) == ("failed", 1)
    words = found.error or ""
    assert words.startswith("block was still at work after its time limit of 0:00:00.200000, in w1 at ")
    assert words.endswith("(block)")
    assert [(stuck.job_id, stuck.kind) for stuck in runner.stuck()] == [(job.job_id, "block")]
    assert runner.run_one()
    assert yard.read(other).state == "done"
    let_go.set()
    ends = time.monotonic() + 20
    while runner.stuck():
        assert time.monotonic() < ends
        time.sleep(0.01)
    assert tried == ["LostLease"]
    assert (yard.read(job).state, yard.read(job).result) == ("failed", None)


def test_a_handler_that_blocks_does_not_keep_a_worker_from_stopping(yard: Yard) -> None:
    let_go, stop = threading.Event(), threading.Event()

    def block(running: Running) -> Mapping[str, Any]:
        stop.set()
        let_go.wait()
        return {"after": "all"}

    job = yard.submit()
    runner = yard.runner(block, grace=timedelta(seconds=0.2), stopwatch=time.monotonic)
    assert runner.run_one(stop)
    assert len(runner.stuck()) == 1
    assert yard.read(job).state == "running"  # its lease runs out, and another worker goes on
    let_go.set()


def test_effects_in_the_store_happen_once_on_however_many_attempts(yard: Yard) -> None:
    kinds: list[str] = []
    subject = f"job-effect:{new_id()}"

    def work(running: Running) -> Mapping[str, Any]:
        for step in ("a", "b"):
            deed = running.deed()
            event = ReleaseEvent(step="created", details={"attempt": running.attempt})
            result = running.transact(
                lambda connection, deed=deed, event=event, step=step: deed.record(  # type: ignore[misc]  # bound here
                    event, subject, once=running.once(step), within=connection
                )
            )
            kinds.append(type(result).__name__)
        if running.attempt == 1:
            raise OSError
        return {}

    yard.submit()
    runner = yard.runner(work)
    runner.run_one()
    yard.wait(2)
    runner.run_one()
    assert kinds == [Recorded.__name__] * 2 + [Replayed.__name__] * 2
    assert len(yard.store.ledger.history(subject)) == 2


def test_a_checkpoint_and_what_a_step_wrote_stand_or_fall_together(yard: Yard) -> None:
    subject = f"job-effect:{new_id()}"

    def work(running: Running) -> Mapping[str, Any]:
        def step(connection: Connection) -> None:
            running.deed().record(ReleaseEvent(step="created"), subject, once=running.once("s"), within=connection)
            running.save({"n": 1}, within=connection)
            if running.attempt == 1:
                raise OSError

        running.transact(step)
        return {"began with": running.checkpoint}

    job = yard.submit()
    runner = yard.runner(work)
    runner.run_one()
    assert yard.store.ledger.history(subject) == []
    yard.wait(2)
    runner.run_one()
    assert yard.read(job).result == {"began with": None}
    assert len(yard.store.ledger.history(subject)) == 1


def test_a_checkpoint_that_is_no_small_json_object_is_refused(yard: Yard) -> None:
    def work(running: Running) -> Mapping[str, Any]:
        for checkpoint in ({"a": {1}}, {"a": "x" * 1_100_000}):
            with pytest.raises(UsageError, match="checkpoint"):
                running.save(checkpoint)
        return {"refused": 2}

    job = yard.submit()
    yard.runner(work).run_one()
    assert yard.read(job).result == {"refused": 2}


def test_a_handler_acts_with_what_its_asker_was_given_and_still_has(yard: Yard) -> None:
    """Rights that were taken away since are gone; none are won; a switched-off account does nothing more."""
    admin = Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset({"admin"}))
    recorder = record_in(yard.store.ledger, new_id)

    def do(work: Any, *arguments: Any, **terms: Any) -> Account:
        account: Account = yard.store.transact(
            lambda connection: work(Act(connection, admin, yard.now, recorder), *arguments, **terms)
        )
        return account

    name = f"cleo{new_id()[-6:]}"
    do(add_account, name, roles={"analyst", "officer", "operator"}, authority=50.0)
    asker = Actor(account=name, credential="key:c", roles=frozenset({"analyst", "officer"}), authority=100.0)
    seen: list[Actor] = []

    def work(running: Running) -> Mapping[str, Any]:
        seen.append(running.deed().by)
        return {}

    yard.submit(by=asker)
    do(change_account, name, roles={"analyst", "approver"})
    yard.runner(work).run_one()
    assert (seen[0].roles, seen[0].authority) == (frozenset({"analyst"}), 50.0)
    assert (seen[0].account, seen[0].credential) == (name, "key:c")
    job = yard.submit(by=asker)
    do(change_account, name, active=False)
    yard.runner(work).run_one()
    found = yard.read(job)
    assert found.state == "failed"
    assert "switched off" in (found.error or "")


def test_what_was_worked_for_is_kept_though_the_store_was_out_of_reach(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [OutcomeUnknown("broke off"), StoreError("out of reach")]
    transact = Store.transact

    def break_off(store: Store, work: Any) -> Any:
        if faults:
            raise faults.pop()
        return transact(store, work)

    def work(running: Running) -> Mapping[str, Any]:
        monkeypatch.setattr(Store, "transact", break_off)
        running.progress(1)  # no longer than this is it late, and nothing fails
        return {"n": 1}

    job = yard.submit()
    assert yard.runner(work).run_one()
    assert faults == []
    assert yard.read(job).result == {"n": 1}


def test_a_runner_works_until_it_is_stopped_and_looks_at_once_when_woken(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for poll in ("_FIRST_POLL", "_LAST_POLL"):
        monkeypatch.setattr(f"roadworthy.jobs.runner.{poll}", 600.0)
    stop = threading.Event()
    runner = yard.runner(idle, stopwatch=time.monotonic)
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        time.sleep(0.3)  # by now it has looked, and rests for ten minutes
        job = yard.submit()
        runner.wake()
        ends = time.monotonic() + 30
        while not yard.read(job).is_over:
            assert time.monotonic() < ends
            time.sleep(0.005)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_a_runner_outlives_a_store_that_is_out_of_reach_and_says_so(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, down = threading.Event(), threading.Event()
    reading = Store.reading

    def break_off(store: Store) -> Any:
        if down.is_set():
            raise StoreError("the store cannot be read")
        return reading(store)

    monkeypatch.setattr(Store, "reading", break_off)
    down.set()
    runner = yard.runner(idle, stopwatch=time.monotonic)
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        ends = time.monotonic() + 20
        while runner.fault is None:
            assert time.monotonic() < ends
            time.sleep(0.005)
        assert runner.fault == "the store cannot be read"
        down.clear()
        job = yard.submit()
        runner.wake()
        while not yard.read(job).is_over:
            assert time.monotonic() < ends
            time.sleep(0.005)
    finally:
        stop.set()
        thread.join(20)
    assert yard.read(job).state == "done"


@pytest.mark.parametrize(
    ("words", "terms"),
    [
        ("no name of a worker", {"worker": "a b"}),
        ("longer than nothing", {"lease": timedelta(0)}),
        ("longer than nothing", {"time_limits": {"count": timedelta(0)}}),
        ("which has no handler", {"time_limits": {"cuont": timedelta(1)}}),
    ],
)
def test_a_runner_that_cannot_be_is_refused(yard: Yard, words: str, terms: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=words):
        yard.runner(idle, **terms)


def test_many_runners_share_the_work_and_each_job_is_done_once(yard: Yard) -> None:
    done: list[str] = []

    def work(running: Running) -> Mapping[str, Any]:
        done.append(running.job.job_id)
        time.sleep(0.002)
        return {"worker": running.job.worker}

    made = [yard.submit(by=ANA if n % 2 else BEN).job_id for n in range(30)]
    stop = threading.Event()
    runners = [yard.runner(work, f"w{n}", stopwatch=time.monotonic) for n in range(4)]
    threads = [threading.Thread(target=runner.run_forever, args=(stop,)) for runner in runners]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 30
    while len(done) < len(made) and time.monotonic() < ends:
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == sorted(made)
    with yard.store.reading() as connection:
        rows = connection.execute(jobs.select()).all()
    assert {(row.state, row.attempts) for row in rows} == {("done", 1)}
