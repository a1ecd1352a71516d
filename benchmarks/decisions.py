"""Decisions a second over HTTP, beside a service written by hand and beside a server that does nothing.

    python benchmarks/decisions.py [--seconds 5]

Roadworthy decides, explains and records each application durably, on SQLite and on PostgreSQL (this machine's own,
started for the run with fsync on; left out where there is none). The service written by hand is FastAPI with pandas and
`predict_proba` on the same pipeline, and records and explains nothing. All are served by uvicorn with uvloop and
httptools, loaded by the same client in a process of its own, one after the other in one run, in several rounds. One
JSON line for each service and number of connections, then the ratios: only they mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any

import msgspec

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "services")]

from loan_model import fit_model, make_loans  # noqa: E402  # the path above

from roadworthy.access import CONSOLE, Act, Actor, Branches, add_account, add_key, record_in  # noqa: E402
from roadworthy.decision import Release  # noqa: E402
from roadworthy.model import seal  # noqa: E402
from roadworthy.policy import Policy  # noqa: E402
from roadworthy.records import create_store, new_id  # noqa: E402
from roadworthy.testing.going_live import go_live  # noqa: E402
from tests.stores import running_postgres  # noqa: E402

CONNECTIONS = (1, 32)
ROUNDS = 3
_POLICY = """\
name: loans
bands: [{up_to: 0.2, answer: approve}, {up_to: 0.3, answer: refer}, {answer: decline}]
rules: []
"""
_PRODUCT = "name: loans\noutcome: {target: bad, bad: [1], good: [0], horizon_months: 12}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name, running_postgres(fsync=True) as postgres:
        folder = Path(name)
        bodies = folder / "bodies.json"
        X, _ = make_loans(500, seed=2)
        rows = msgspec.json.decode(X.to_json(orient="records"))
        bodies.write_text("\n".join(json.dumps({"inputs": row}) for row in rows))
        release = _seal()
        services: dict[str, tuple[Sequence[str], str]] = {
            "empty": (_uvicorn("empty:app"), "none"),
            "hand-written": (_uvicorn("hand_written:app"), "none"),
            "roadworthy, sqlite": _roadworthy(f"sqlite:///{folder}/store.db", release),
        }
        if postgres is not None:
            services["roadworthy, postgresql"] = _roadworthy(postgres.make_database(), release)
        found: dict[tuple[str, int], list[dict[str, float]]] = {}
        for _ in range(ROUNDS):
            for service, (command, key) in services.items():
                with _serving(command) as port:
                    for connections in CONNECTIONS:
                        _load(port, connections, min(1.0, seconds), key, bodies)  # caches and compilers settle
                        found.setdefault((service, connections), []).append(
                            _load(port, connections, seconds, key, bodies)
                        )
    _report(found)


def _report(found: dict[tuple[str, int], list[dict[str, float]]]) -> None:
    middle = {
        place: {name: statistics.median(one[name] for one in runs) for name in runs[0]} for place, runs in found.items()
    }
    for (service, connections), figures in middle.items():
        rounded = {name: round(value, 2) for name, value in figures.items()}
        print(json.dumps({"service": service, "connections": connections, **rounded}))
    ours = [service for service, _ in middle if service.startswith("roadworthy")]
    for service in dict.fromkeys(ours):
        for connections in CONNECTIONS:
            mine, hand, empty = (middle[name, connections] for name in (service, "hand-written", "empty"))
            print(
                json.dumps({
                    "service": service,
                    "connections": connections,
                    "times_hand_written": round(mine["per_second"] / hand["per_second"], 1),
                    "of_empty": round(mine["per_second"] / empty["per_second"], 3),
                    "p50_of_hand_written": round(mine["p50_ms"] / hand["p50_ms"], 3),
                    "p99_of_hand_written": round(mine["p99_ms"] / hand["p99_ms"], 3),
                })
            )  # fmt: skip


def _seal() -> Release:
    X, bad = make_loans(3_000, seed=3)
    return Release(seal(fit_model(), X, bad, name="loans", cut_offs=(0.2, 0.3)), Policy.parse(_POLICY))


def _roadworthy(url: str, release: Release) -> tuple[Sequence[str], str]:
    """A store with the release live and a key; how to serve it."""
    now = datetime.now(UTC)
    with create_store(url, store_id="benchmark", at=now) as store:
        go_live(store, release, at=now, product=_PRODUCT)
        console = Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset({"admin"}))
        recorder = record_in(store.ledger, lambda: new_id(now))

        def add(connection: Any) -> str:
            act = Act(connection, console, now, recorder)
            add_account(act, "webshop", roles={"service"}, branches=Branches(every=True))
            return add_key(act, "webshop", random=token_bytes).secret

        key = store.transact(add)
    settings = [f"ROADWORTHY_STORE={url}", "ROADWORTHY_RATE_LIMIT_PER_SECOND=0", "ROADWORTHY_LOG_LEVEL=warning"]
    return ["env", *settings, str(Path(sys.executable).with_name("roadworthy")), "serve", "--port", "{port}"], key


def _uvicorn(app: str) -> Sequence[str]:
    where = ["--app-dir", str(HERE / "services"), "--port", "{port}", "--loop", "uvloop", "--http", "httptools"]
    return [sys.executable, "-m", "uvicorn", app, *where, "--no-access-log", "--log-level", "warning"]


@contextmanager
def _serving(command: Sequence[str]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = 20_000 + free.getsockname()[1] % 10_000
    words = [word.replace("{port}", str(port)) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait(port, process)
        yield port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the service ended with {process.returncode}: {process.args}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the service never became ready: {process.args}")


def _load(port: int, connections: int, seconds: float, key: str, bodies: Path) -> dict[str, float]:
    arguments = [str(port), str(connections), str(seconds), key, str(bodies)]
    done = subprocess.run(
        [sys.executable, str(HERE / "services" / "load.py"), *arguments], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    if figures["failed"]:
        raise SystemExit(f"{figures['failed']} of {figures['replies']} requests failed")
    return figures


if __name__ == "__main__":
    main()
