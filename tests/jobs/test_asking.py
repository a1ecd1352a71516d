"""Asking for long work, following it, having it cancelled: idempotent, and only one's own (R13, R14)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from roadworthy.access import Actor
from roadworthy.errors import NotAllowed, NotFound, Refused, UsageError
from roadworthy.jobs import cancel_job, list_jobs, read_job
from roadworthy.jobs.schema import jobs
from roadworthy.records import keep_content, migrate_store, open_store
from roadworthy.records.migrating import run_migrations
from roadworthy.records.schema import contents
from roadworthy.records.store import connect_store, no_keys
from tests.jobs.conftest import ANA, BEN, OPERATOR, Yard, idle
from tests.stores import MADE


def test_a_job_is_there_once_it_was_asked_for(yard: Yard) -> None:
    job = yard.submit("count", {"file": "ab" * 32, "to": 3}, once_key="monday")
    assert yard.read(job) == job
    assert (job.state, job.attempts, job.failures, job.submitted_at) == ("queued", 0, 0, MADE)
    assert (job.actor, job.once_key, job.input) == ("ana", "monday", {"file": "ab" * 32, "to": 3})
    assert not job.is_over


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(yard: Yard) -> None:
    job = yard.submit("count", {"a": 1, "b": 2}, once_key="k")
    yard.wait(60)
    assert yard.submit("count", {"b": 2, "a": 1}, once_key="k") == job
    for kind, body in (("count", {"a": 2}), ("score", {"a": 1, "b": 2})):
        with pytest.raises(Refused, match="used for another job") as refused:
            yard.submit(kind, body, once_key="k")
        assert refused.value.where == f"job {job.job_id}"
    assert yard.submit("count", {"a": 1, "b": 2}, once_key="k", by=BEN).job_id != job.job_id
    assert yard.submit("count", {"a": 1, "b": 2}).job_id != job.job_id


def test_of_many_at_once_with_one_key_there_is_one_job(yard: Yard) -> None:
    gate = threading.Barrier(8)

    def submit(_: int) -> str:
        gate.wait()
        return yard.submit("count", {"to": 1}, once_key="together").job_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(submit, range(8)))) == 1


def test_a_job_and_its_file_are_kept_together_or_not_at_all(yard: Yard) -> None:
    def both(connection: Connection) -> None:
        digest = keep_content(connection, b"a file that goes with its job", "text/csv")
        yard.submit("count", {"file": digest}, within=connection)
        raise KeyError

    with pytest.raises(KeyError):
        yard.store.transact(both)
    with yard.store.reading() as connection:
        assert list_jobs(connection, by=OPERATOR) == []
        assert connection.execute(contents.select()).all() == []


@pytest.mark.parametrize(
    ("words", "terms"),
    [
        ("no kind", {"kind": "Count It"}),
        ("no kind", {"kind": ""}),
        ("no JSON object", {"input": {"pd": float("nan")}}),
        ("no JSON object", {"input": {"at": MADE}}),
        ("no JSON object", {"input": {"a": {1, 2}}}),
        ("at most 65536", {"input": {"rows": "x" * 70_000}}),
        ("no readable text", {"once_key": ""}),
        ("no readable text", {"once_key": "a\0b"}),
        ("no readable text", {"once_key": "a\ud800"}),
        ("no readable text", {"once_key": "k" * 256}),
        ("cannot fail after", {"most_failures": 0}),
    ],
)
def test_what_cannot_be_kept_is_named_and_leaves_nothing(yard: Yard, words: str, terms: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=words):
        yard.submit(**terms)
    with yard.store.reading() as connection:
        assert list_jobs(connection, by=OPERATOR) == []


def test_a_nest_too_deep_is_no_input(yard: Yard) -> None:
    nest: dict[str, Any] = {}
    for _ in range(100_000):
        nest = {"a": nest}
    with pytest.raises(UsageError, match="no JSON object"):
        yard.submit("count", nest)


def test_text_of_any_kind_comes_back_as_it_went_in(yard: Yard) -> None:
    given = {"": "nul \0, a lone \ud800, Ana Núñez, 漢字", "n": 2**70, "x": 0.1, "none": None, "list": [True, []]}
    assert yard.read(yard.submit("count", given)).input == given


def test_who_may_not_do_the_work_may_not_ask_for_it(yard: Yard) -> None:
    nobody = Actor(account="val", credential="key:val", roles=frozenset({"validator"}))
    with pytest.raises(NotAllowed, match="val may not have a file of applications checked"):
        yard.submit(by=nobody)


def test_everyone_follows_their_own_jobs_and_an_operator_everyones(yard: Yard) -> None:
    """Another's job is refused in the words for one that does not exist."""
    mine, other = yard.submit(by=ANA), yard.submit(by=BEN)
    admin = Actor(account="adam", credential="key:adam", roles=frozenset({"admin"}))
    with yard.store.reading() as connection:
        assert read_job(connection, mine.job_id, by=ANA) == mine
        assert read_job(connection, other.job_id, by=OPERATOR) == other
        assert [job.job_id for job in list_jobs(connection, by=BEN)] == [other.job_id]
        assert {job.job_id for job in list_jobs(connection, by=OPERATOR)} == {mine.job_id, other.job_id}
        said = set()
        for job_id in (other.job_id, "no-such-job"):
            with pytest.raises(NotFound) as refused:
                read_job(connection, job_id, by=ANA)
            said.add(str(refused.value))
        assert len(said) == 1
        for ask in (lambda: read_job(connection, mine.job_id, by=admin), lambda: list_jobs(connection, by=admin)):
            with pytest.raises(NotAllowed, match="adam may not follow long work"):
                ask()


def test_jobs_are_listed_newest_first_page_by_page(yard: Yard) -> None:
    made = []
    for number in range(7):
        made.append(yard.submit("count" if number % 2 else "score", {"n": number}).job_id)
        yard.wait(number % 3)  # some at the same moment
    with yard.store.reading() as connection:
        pages: list[str] = []
        after = None
        while found := list_jobs(connection, by=ANA, limit=3, after=after):
            pages += [job.job_id for job in found]
            after = pages[-1]
        assert pages == made[::-1]
        assert [job.input["n"] for job in list_jobs(connection, by=ANA, kind="count")] == [5, 3, 1]
        assert list_jobs(connection, by=ANA, state="running") == []
        with pytest.raises(UsageError, match="no state"):
            list_jobs(connection, by=ANA, state="lost")
        with pytest.raises(UsageError, match="cannot list 0"):
            list_jobs(connection, by=ANA, limit=0)


def test_a_job_that_waits_is_cancelled_at_once_and_never_begins(yard: Yard) -> None:
    job = yard.submit()
    yard.wait(1)
    done = cancel_job(yard.deed(), job.job_id)
    assert (done.state, done.cancel_asked_by, done.ended_at, done.is_over) == ("cancelled", "ana", yard.now, True)
    assert not yard.runner(idle).run_one()
    assert cancel_job(yard.deed(OPERATOR), job.job_id) == done


def test_only_its_owner_and_an_operator_cancel_a_job(yard: Yard) -> None:
    job = yard.submit()
    with pytest.raises(NotFound, match="no such job"):
        cancel_job(yard.deed(BEN), job.job_id)
    assert yard.read(job) == job
    assert cancel_job(yard.deed(OPERATOR), job.job_id).cancel_asked_by == "olga"


def test_what_is_done_cannot_be_cancelled(yard: Yard) -> None:
    job = yard.submit()
    yard.runner(idle).run_one()
    with pytest.raises(Refused, match="done already"):
        cancel_job(yard.deed(), job.job_id)


def test_the_migration_makes_the_table_that_the_code_works_with(yard: Yard) -> None:
    with yard.store.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name == "jobs"}
        )
        found = compare_metadata(context, jobs.metadata)
    assert [difference for difference in found if "jobs" in repr(difference)] == []


@pytest.mark.parametrize("words", ["state = 'lost'", "state = 'done'", "result = '{}'"])
def test_the_database_itself_refuses_states_that_are_none(yard: Yard, words: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import IntegrityError

    yard.submit()
    work: Callable[[Connection], Any] = lambda connection: connection.execute(  # noqa: E731
        text(f"UPDATE jobs SET {words}")  # noqa: S608  # our own words
    )
    with pytest.raises(IntegrityError):
        yard.store.transact(work)


def test_a_store_from_before_there_were_jobs_gets_their_table(store_url: str) -> None:
    with connect_store(store_url, no_keys, create=True) as before:
        before.transact(lambda connection: run_migrations(connection, ("access_1",)))
    assert "jobs_1" in migrate_store(store_url)
    open_store(store_url).close()


def test_jobs_are_in_a_backup(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> None:
    from roadworthy.records import backup, restore

    folder = tmp_path_factory.mktemp("backup")
    job = yard.submit("count", {"to": 2})
    yard.runner(idle).run_one()
    backup(yard.store, folder / "one.zip", at=MADE)
    restore(folder / "one.zip", f"sqlite:///{folder / 'again.db'}")
    with open_store(f"sqlite:///{folder / 'again.db'}") as again:
        assert Yard(again).read(job) == yard.read(job)
