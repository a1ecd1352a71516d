"""What it takes to make decisions again: beside `decide` on the same applications in bulk, and how memory grows.

    python benchmarks/replay.py [--decisions 100000] [--processes 2]

One JSON line: processor time a decision of both, their ratio, decisions a second by the clock in one process and in
several, and the peak memory of a tenth of them and of all. It makes a store in a temporary folder. Only the ratios mean
anything on another machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.decision import decide
from roadworthy.lifecycle import Asked, replay_decisions
from roadworthy.live import CurrentRoute, Envelope, decide_and_record
from roadworthy.records import create_store, new_id, open_store
from roadworthy.testing import make_applications, make_release
from roadworthy.testing.going_live import go_live

MADE = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--store", default="", help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=["replay", "decide"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure == "decide":
        print(json.dumps(measure_decide(asked.decisions)))
    elif asked.measure == "replay":
        print(json.dumps(measure_replay(asked.store, asked.decisions, asked.processes)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(make_store(f"sqlite:///{folder}/store.db", asked.decisions), asked.decisions, asked.processes)


def compare(url: str, decisions: int, processes: int) -> None:
    bulk = apart("decide", url, decisions, 1)
    tenth, whole = (apart("replay", url, count, 1) for count in (decisions // 10, decisions))
    together = apart("replay", url, decisions, processes)
    # What a process takes to begin is in both, and no part of a decision.
    cpu = (whole["cpu"] - tenth["cpu"]) / (whole["decisions"] - tenth["decisions"])
    figures = {
        "benchmark": "replay",
        "decisions": whole["decisions"],
        "same": whole["same"],
        "replay_cpu_us": round(cpu * 1e6, 1),
        "decide_cpu_us": round(bulk["cpu_each"] * 1e6, 1),
        "replay_to_decide": round(cpu / bulk["cpu_each"], 1),
        "per_second": round(whole["decisions"] / whole["seconds"]),
        f"per_second_of_{processes}": round(together["decisions"] / together["seconds"]),
        "peak_mib_of_a_tenth": tenth["peak_mib"],
        "peak_mib": whole["peak_mib"],
    }
    print(json.dumps(figures))


def apart(what: str, url: str, decisions: int, processes: int) -> dict[str, float]:
    """Measure in a process of its own, whose peak memory is of nothing else."""
    flags = ["--measure", what, "--store", url, "--decisions", str(decisions), "--processes", str(processes)]
    done = subprocess.run([sys.executable, __file__, *flags], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def reopen(url: str) -> CurrentRoute:
    return CurrentRoute(open_store(url))


def measure_replay(url: str, decisions: int, processes: int) -> dict[str, float]:
    """The first so many decisions made again: a group is made at one moment, and the next one a minute later."""
    current = reopen(url)
    actor = Actor(account="vera", credential="key:1", roles=frozenset(("validator",)), branches=EVERY_BRANCH)
    deed = Deed(current.store, actor, MADE, lambda: new_id(MADE))
    before = MADE + timedelta(minutes=1) * (decisions // GROUP)
    began, used = time.perf_counter(), time.process_time()
    found = replay_decisions(deed, current, Asked(before=before), processes=processes, reopen=partial(reopen, url))
    return {
        "decisions": found.decisions,
        "same": found.same,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def measure_decide(decisions: int) -> dict[str, float]:
    """The same applications decided in batches as large as replay's, with their reasons; the first batch warms up."""
    release = make_release("scorecard")
    several = range(1 + max(min(decisions, 80_000) // 4_000, 1))
    batches = [release.package.batch(make_applications(4_000, seed)[0]) for seed in several]
    decide(batches[0], release)
    used = time.process_time()
    for batch in batches[1:]:
        decide(batch, release).to_arrow()
    return {"cpu_each": (time.process_time() - used) / (4_000 * (len(batches) - 1))}


def make_store(url: str, decisions: int) -> str:
    with create_store(url, store_id="bench", at=MADE) as store:
        go_live(store, make_release("scorecard"), at=MADE)
        current = CurrentRoute(store)
        for group in range(max(decisions // GROUP, 1)):
            at = MADE + timedelta(minutes=1) * group
            X, _ = make_applications(GROUP, group)
            rows = X.to_json(orient="records", lines=True).encode().splitlines()
            asked = [Envelope(record_id=new_id(at), actor="bench", inputs=msgspec.Raw(row)) for row in rows]
            decide_and_record(current, asked, now=at)
    return url


if __name__ == "__main__":
    main()
