"""What each protection of a decision costs: a budget by stage of the way from a body to the durable reply.

    python benchmarks/protections.py [--batches 300]

One JSON line for each store and size of batch: microseconds a decision spent in each stage alone, and each as a share
of the whole. `key` finds or makes the applicant's own key, `encrypt` seals the particulars under it, `once` is
idempotency (the body's digest under the key, and the claim), `chain` numbers and hashes, `records` and `search` write
rows, `commit` waits until they are durable, and `rest` is everything between. PostgreSQL is this machine's own, with
fsync on; it is left out where there is none. Every stage is clocked by the wall in the same run, so that waiting for
the store is seen; only shares mean anything on another machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from sqlalchemy import Connection

from roadworthy.live import CurrentRoute, Envelope, decide_and_record
from roadworthy.live import deciding as live_deciding
from roadworthy.records import Once, create_store, new_id, new_wrapping_key, read_wrapping_text
from roadworthy.records import ledger as ledger_module
from roadworthy.records.connections import Connections
from roadworthy.records.keys import ApplicantKeys, Taken
from roadworthy.records.ledger import Ledger
from roadworthy.testing import make_applications, make_release
from roadworthy.testing.going_live import go_live

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.stores import running_postgres

WARM = 20
"""Batches before the clock starts: caches, prepared statements."""


class Budget:
    """Seconds by stage. A stage within a stage counts for itself alone; rows that a stage writes count for it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stages: list[str] = []
        self._open: list[float] = []

    @contextmanager
    def clock(self, stage: str) -> Iterator[None]:
        stage = self._stages[-1] if stage == "records" and self._stages[-1] != "rest" else stage
        self._stages.append(stage)
        self._open.append(0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            within = self._open.pop()
            self._stages.pop()
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took - within
            if self._open:
                self._open[-1] += took

    def watch(self, stage: str, place: Any, name: str) -> Any:
        """A patch under which calls of `place.name` count for the stage."""
        call: Callable[..., Any] = getattr(place, name)

        @wraps(call)
        def clocked(*args: Any, **named: Any) -> Any:
            with self.clock(stage):
                return call(*args, **named)

        return patch.object(place, name, clocked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=300)
    batches = parser.parse_args().batches
    with tempfile.TemporaryDirectory() as folder:
        for at_once in (1, 8, 64):
            measure("sqlite", f"sqlite:///{folder}/{at_once}.db", at_once, batches)
    with running_postgres(fsync=True) as server:
        if server is not None:
            for at_once in (1, 8, 64):
                measure("postgresql", server.make_database(), at_once, batches)


def measure(name: str, url: str, at_once: int, batches: int) -> None:
    keys = read_wrapping_text(new_wrapping_key(), "the benchmark")
    frame, _ = make_applications((batches + WARM) * at_once, 3)
    bodies = [msgspec.Raw(msgspec.json.encode(row)) for row in msgspec.json.decode(frame.to_json(orient="records"))]
    now = datetime.now(UTC)
    with create_store(url, store_id="bench", at=now, keys=keys) as store:
        go_live(store, make_release("scorecard"), at=now)
        current = CurrentRoute(store)
        asked = [
            Envelope(
                record_id=new_id(now), actor="service", inputs=body, application_id=f"A-{row}",
                applicant_id=f"P-{row}", once=Once("service", f"k{row}", row.to_bytes(32, "big")),
            )
            for row, body in enumerate(bodies)
        ]  # fmt: skip
        groups = [asked[at : at + at_once] for at in range(0, len(asked), at_once)]
        for group in groups[:WARM]:
            decide_and_record(current, group, now=now)
        budget = Budget()
        adapter: type[Connections] = type(store.ledger._connections)
        ledger: type[Ledger] = type(store.ledger)
        with ExitStack() as watched:
            for stage, place, called in (
                ("check", live_deciding, "check_bodies"),
                ("decide", live_deciding, "decide"),
                ("describe", live_deciding, "describe_decisions"),
                ("describe", live_deciding, "_entry"),
                ("key", ApplicantKeys, "take"),
                ("key", ApplicantKeys, "keep"),
                ("encrypt", Taken, "seal"),
                ("once", Taken, "claim"),
                ("once", ledger, "_claim"),
                ("chain", ledger, "_take_head"),
                ("chain", ledger, "_last_nth"),
                ("chain", ledger_module, "chain_entry"),
                ("records", adapter, "insert"),
                ("search", ledger_module, "project"),
                ("commit", Connection, "commit"),
                ("reply", live_deciding, "_answer"),
            ):
                watched.enter_context(budget.watch(stage, place, called))
            for group in groups[WARM:]:
                with budget.clock("rest"):
                    decide_and_record(current, group, now=now)
    total, decisions = sum(budget.seconds.values()), batches * at_once
    figures = {
        "benchmark": "protections",
        "store": name,
        "at_once": at_once,
        "us_a_decision": {stage: round(spent / decisions * 1e6, 1) for stage, spent in budget.seconds.items()},
        "share": {stage: round(spent / total, 3) for stage, spent in budget.seconds.items()},
        "protections": round(sum(budget.seconds[stage] for stage in ("key", "encrypt", "once", "chain")) / total, 3),
        "us_in_all": round(total / decisions * 1e6, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
