"""A place to try jobs in: a store without jobs, a clock and a stopwatch that stand still until they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from roadworthy.access import Actor, Deed
from roadworthy.jobs import Handler, Job, Runner, Running, read_job, submit_job
from roadworthy.jobs.schema import jobs
from roadworthy.records import Store, create_store
from tests.stores import *  # noqa: F403  # the stores' fixtures
from tests.stores import MADE, another_store_url

_IDS = count(1)
ANA = Actor(account="ana", credential="key:ana", roles=frozenset({"analyst"}))
BEN = Actor(account="ben", credential="key:ben", roles=frozenset({"analyst", "officer"}))
OPERATOR = Actor(account="olga", credential="key:olga", roles=frozenset({"operator"}))


def new_id() -> str:
    return f"00000000-0000-7000-8000-{next(_IDS):012d}"


def idle(_: Running) -> Mapping[str, Any]:
    """A handler with nothing to do."""
    return {"idle": True}


@dataclass
class Yard:
    """Where jobs are asked for and worked on."""

    store: Store
    now: datetime = MADE
    seconds: float = 0.0

    def deed(self, by: Actor = ANA) -> Deed:
        return Deed(store=self.store, by=by, now=self.now, new_id=new_id)

    def submit(self, kind: str = "count", input: Mapping[str, Any] | None = None, **terms: Any) -> Job:  # noqa: A002
        by = terms.pop("by", ANA)
        return submit_job(self.deed(by), kind, input or {}, permission="batch.score", **terms)

    def read(self, job: Job) -> Job:
        with self.store.reading() as connection:
            return read_job(connection, job.job_id, by=OPERATOR)

    def wait(self, seconds: float) -> None:
        """Clock and stopwatch go on together."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def runner(self, handler: Handler | Mapping[str, Handler], worker: str = "w1", **terms: Any) -> Runner:
        """A runner of this yard's clock and stopwatch."""
        handlers = handler if isinstance(handler, Mapping) else {"count": handler}
        clock: Callable[[], datetime] = lambda: self.now  # noqa: E731  # a clock is a function
        given: dict[str, Any] = {"stopwatch": lambda: self.seconds, "clock": clock, "new_id": new_id}
        return Runner(self.store, handlers, worker=worker, **(given | terms))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store of each kind for many tests: making one takes longer than most of them."""
    url = another_store_url(request.param, request, tmp_path_factory.mktemp("store"))
    with create_store(url, store_id="shared", at=MADE) as store:
        yield store


@pytest.fixture
def yard(shared_store: Store) -> Yard:
    shared_store.transact(lambda connection: connection.execute(jobs.delete()))
    return Yard(shared_store)


__all__ = ["ANA", "BEN", "OPERATOR", "Yard", "idle", "new_id"]
