"""Workers in processes of their own, to be killed and frozen: `python worker.py URL FOLDER`.

Each name it reads starts one, which prints its name and process id once it is at work. It imports what they need once
and forks; every worker opens the store for itself. What they do outside the store they write to FOLDER/effects, one
line each: what, job id, worker, step.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from roadworthy.jobs import LostLease, Runner, Running
from roadworthy.records import ReleaseEvent, new_id, open_store

LEASE = timedelta(seconds=1)


class Works:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.effects = (folder / "effects").open("a", buffering=1)

    def say(self, what: str, running: Running, step: int) -> None:
        self.effects.write(f"{what} {running.job.job_id} {self.name} {step}\n")

    def write(self, running: Running, step: int, connection: Connection, *, save: bool) -> None:
        event = ReleaseEvent(step="created", details={"step": step, "attempt": running.attempt})
        subject = f"job-effect:{running.job.job_id}"
        running.deed().record(event, subject, once=running.once(f"step {step}"), within=connection)
        if save:
            running.save({"done": step + 1}, within=connection)

    def count(self, running: Running) -> Mapping[str, Any]:
        """`to` steps, each a record, and where `save` says so, a checkpoint with it; the last one when it is let go."""
        to, save = running.job.input["to"], running.job.input["save"]
        begin = running.checkpoint["done"] if running.checkpoint else 0
        self.say("began", running, begin)
        for step in range(begin, to):
            while step == to - 1 and not (self.folder / "finish").exists():
                time.sleep(0.01)
                running.check()
            self.say("step", running, step)
            running.transact(partial(self.write, running, step, save=save))
            running.progress(step + 1, to)
            time.sleep(0.01)
        return {"to": to}

    def sleep(self, running: Running) -> Mapping[str, Any]:
        """Nothing for a while, and then one record."""
        self.say("began", running, running.attempt)
        time.sleep(2 if running.attempt == 1 else 0)
        try:
            running.transact(partial(self.write, running, running.attempt, save=True))
        except LostLease:
            self.say("lost", running, running.attempt)
            raise
        return {"by": self.name}


def work(url: str, name: str, folder: Path) -> None:
    works = Works(name, folder)
    with open_store(url) as store:
        runner = Runner(
            store,
            {"count": works.count, "sleep": works.sleep},
            worker=name,
            clock=lambda: datetime.now(UTC),
            new_id=lambda: new_id(datetime.now(UTC)),
            lease=LEASE,
        )
        sys.stdout.write(f"{name} {os.getpid()}\n")
        sys.stdout.flush()
        runner.run_forever(threading.Event())


def leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(1)


def main() -> None:
    url, folder = sys.argv[1:]
    open_store(url).close()  # and whatever that imports
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for line in sys.stdin:
        if os.fork() == 0:
            threading.Thread(target=leave_with, args=(parent,), daemon=True).start()
            work(url, line.strip(), Path(folder))


if __name__ == "__main__":
    main()
