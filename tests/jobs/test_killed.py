"""Workers killed and frozen at any moment: another goes on, and nothing happens twice (R13, R14).

Real processes, kill -9, on both stores. The figures are printed (`pytest -s`); `LONG_TESTS=1` kills 1,000 times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TypeVar

import msgspec
import pytest

from roadworthy.jobs import Job
from roadworthy.records import Store, verify_chain
from tests.jobs.conftest import Yard

T = TypeVar("T")
PATIENCE = 60.0
KILLS = int(os.environ.get("KILLS", "1000")) // 2 if os.environ.get("LONG_TESTS") else 2
"""Of the workers at each of the two jobs."""


class Workers:
    """Processes that work on one store, and leave their effects in one folder."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.yard = Yard(store)
        self.folder = folder
        self.pids: dict[str, int] = {}
        self._made = 0
        self._starter = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), store.url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, number: int) -> None:
        """So many more, each of them at work when this returns."""
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        for _ in range(number):
            self._made += 1
            self._starter.stdin.write(f"w{self._made}\n")
            name, pid = self._starter.stdout.readline().split()
            self.pids[name] = int(pid)

    def send(self, name: str, which: signal.Signals) -> None:
        os.kill(self.pids[name], which)

    def kill(self, name: str) -> None:
        self.send(name, signal.SIGKILL)
        del self.pids[name]

    def end(self) -> None:
        for name in list(self.pids):
            with suppress(ProcessLookupError):
                self.kill(name)
        self._starter.kill()
        self._starter.communicate()

    def effects(self) -> list[tuple[str, str, str, int]]:
        """What, job, worker, step: whole lines only, for the last may be cut off."""
        file = self.folder / "effects"
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [(what, job, worker, int(step)) for what, job, worker, step in (line.split() for line in lines)]

    def holder(self, job: Job) -> str | None:
        """Who works on it, once there is something to see of that."""
        name = self.yard.read(job).worker
        return name if any(line[1:3] == (job.job_id, name) for line in self.effects()) else None

    def recorded(self, job: Job) -> list[int]:
        """The steps in the store, in order."""
        history = self.yard.store.ledger.history(f"job-effect:{job.job_id}")
        return [msgspec.json.decode(record.payload)["details"]["step"] for record in history]


@pytest.fixture(scope="module")
def workers(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """No worker yet, on each kind of store."""
    made = Workers(shared_store, tmp_path_factory.mktemp("effects"))
    yield made
    made.end()


def wait_for(asked: Callable[[], T]) -> T:
    ends = time.monotonic() + PATIENCE
    while not (found := asked()):
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.01)
    return found


def test_jobs_killed_again_and_again_are_done_and_everything_in_them_once(workers: Workers) -> None:
    """One saves checkpoints, one begins again each time; neither writes anything twice.

    Outside the store a step may be seen again, under the same job id: once for each kill, where there are checkpoints.
    """
    yard, chance, kills, to = workers.yard, random.Random(7), KILLS, 40
    workers.start(4)
    jobs = {save: yard.submit("count", {"to": to, "save": save}, most_failures=50 + kills) for save in (True, False)}
    takeovers: list[float] = []
    for save in (True, False) * kills:
        job = jobs[save]
        held_by = wait_for(lambda: workers.holder(job))  # noqa: B023  # asked before the next turn
        assert held_by is not None
        time.sleep(chance.uniform(0, 0.3))
        killed = time.monotonic()
        workers.kill(held_by)
        wait_for(lambda: workers.holder(job) not in (None, held_by))  # noqa: B023  # the same
        takeovers.append(time.monotonic() - killed)
        workers.start(1)
    (workers.folder / "finish").touch()
    again = {}
    for save, job in jobs.items():
        wait_for(lambda: yard.read(job).is_over)  # noqa: B023  # the same
        found = yard.read(job)
        assert (found.state, found.result, found.progress.done) == ("done", {"to": to}, to)
        assert found.attempts > kills
        assert found.failures <= found.attempts - 1
        assert workers.recorded(job) == list(range(to))
        seen = [step for what, job_id, _, step in workers.effects() if (what, job_id) == ("step", job.job_id)]
        assert set(seen) == set(range(to))
        again[save] = len(seen) - to
        if save:
            assert again[save] <= found.attempts - 1
    assert verify_chain(yard.store).fault is None
    said = f"p50 {median(takeovers):.2f} s, at most {max(takeovers):.2f} s"
    sys.stdout.write(
        f"\n{yard.store.url.split(':')[0]}: {len(takeovers)} kills, lease 1 s, taken over after {said}; "
        f"steps seen again outside the store: {again[True]} with checkpoints, {again[False]} without; "
        f"nothing twice within (rate below {3 / len(takeovers):.1e} a kill, 95% confidence)\n"
    )


def test_a_worker_frozen_past_its_lease_writes_nothing_when_it_thaws(workers: Workers) -> None:
    yard = workers.yard
    workers.start(2 - len(workers.pids))  # those that were left over by what came before
    job = yard.submit("sleep")
    frozen = wait_for(lambda: workers.holder(job))
    assert frozen is not None
    workers.send(frozen, signal.SIGSTOP)
    wait_for(lambda: yard.read(job).is_over)
    workers.send(frozen, signal.SIGCONT)
    wait_for(lambda: ("lost", job.job_id, frozen, 1) in workers.effects())
    found = yard.read(job)
    assert found.result in [{"by": other} for other in set(workers.pids) - {frozen}]
    assert (found.state, found.attempts) == ("done", 2)
    assert workers.recorded(job) == [2]
