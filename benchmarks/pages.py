"""What the pages cost on a store of many decisions, beside the smallest answer the same server can give.

    python benchmarks/pages.py [--decisions 100000] [--asks 30] [--store FOLDER] [--postgres URL] [--record]

Makes a store of so many made-up decisions of three years, with answers and outcomes (see services/aged_store.py), or
takes the one in FOLDER that an earlier run made there; serves it with `roadworthy serve`; signs somebody in; and asks
for every page 30 times, one after the other. One JSON line a page: milliseconds (half and 99 of 100 are quicker), bytes
as they come over the wire before any compression, and times of `/healthz` of the same server and of one row read by its
primary key in this process. Only the ratios mean anything. With --postgres the store is copied there once, by a backup.
Then the long work: 100,000 applications exported in each format and a file of as many scored, each with its seconds,
the server's peak memory, and what a page takes meanwhile (see services/long_work.py).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
from sqlalchemy import text

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "services")]

from aged_store import make_aged_store, sign_in_link  # noqa: E402  # the path above
from long_work import measure_long_work, peak_mib  # noqa: E402

from roadworthy.records import Wanted, backup, moment, open_store, restore, search_applications, to_us  # noqa: E402
from tests.stores import free_port  # noqa: E402

DATABASE = "roadworthy.db"
PATIENCE = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--asks", type=int, default=30)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--postgres")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="record a scored file too, which adds to the store")
    parser.add_argument("--only", default="", help="only pages whose name has this in it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder: Path = asked.store or Path(name)
        url = _find_store(folder, asked.decisions, asked.postgres)
        bare = _bare_read(url, asked.asks)
        with _serving(folder, url, asked.port or free_port()) as (client, server):
            _sign_in(client, url)
            _measure(client, url, asked.asks, asked.only, bare)
            print(json.dumps({"peak_mib": peak_mib(server)}), flush=True)
            if asked.only in "long work":
                sought = _span(url, 99_000)
                for line in measure_long_work(client, COOKIES["officer"], server, sought, record=asked.record):
                    print(json.dumps(line), flush=True)


def _find_store(folder: Path, decisions: int, postgres: str | None) -> str:
    """The store's address; made where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / DATABASE).resolve()
    url = f"sqlite:///{path}"
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        make_aged_store(f"sqlite:///{part}", decisions, now=datetime.now(UTC), say=lambda words: _tell(words))
        part.rename(path)
    if postgres is None:
        return url
    kept = folder / "store.zip"
    if not kept.exists():
        with open_store(url) as store:
            backup(store, kept, at=datetime.now(UTC))
    try:
        open_store(postgres).close()
    except Exception:  # noqa: BLE001  # whatever is wrong there, the restore says it better
        restore(kept, postgres)
    return postgres


@contextmanager
def _serving(folder: Path, url: str, port: int) -> Iterator[tuple[httpx.Client, int]]:
    words = {"ROADWORTHY_STORE": url, "ROADWORTHY_RATE_LIMIT_PER_SECOND": "0", "ROADWORTHY_LOG_LEVEL": "error"}
    command = [*(f"{name}={value}" for name, value in words.items()), str(Path(sys.executable).with_name("roadworthy"))]
    process = subprocess.Popen(["env", *command, "serve", "--port", str(port)], cwd=folder)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, headers={"Accept": "text/html"}
        ) as client:
            _wait(client, process)
            yield client, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    while True:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)


def _sign_in(client: httpx.Client, url: str) -> None:
    """As somebody who may open every page: the six roles are six accounts, and each page is asked for as its own."""
    for role in ROLES:
        with open_store(url) as store:
            link = sign_in_link(store, role)
        client.cookies.clear()
        answer = client.post("/sign-in", data={"link": link, "next": "/"})
        COOKIES[role] = f"roadworthy={answer.cookies['roadworthy']}"
    client.cookies.clear()


ROLES = ("officer", "analyst", "approver", "operator", "admin")
COOKIES: dict[str, str] = {}


def _measure(client: httpx.Client, url: str, asks: int, only: str, bare: float) -> None:
    healthz = _ask(client, "/healthz", "officer", max(asks, 100))[0]
    small = median(healthz)
    print(json.dumps({"page": "/healthz", "p50_ms": round(small, 2), "bare_read_ms": round(bare, 4)}), flush=True)
    for name, path, role in _pages(url):
        if only not in name:
            continue
        times, size, status = _ask(client, path, role, asks)
        ordered = sorted(times)
        half, most = median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        print(
            json.dumps({
                "page": name, "status": status, "p50_ms": round(half, 1), "p99_ms": round(most, 1),
                "first_ms": round(times[0], 1), "bytes": size, "times_healthz": round(half / small, 1),
                "times_bare_read": round(half / bare),
            }),
            flush=True,
        )  # fmt: skip
    if only in "accuracy":
        _wait_for_accuracy(client, asks, small)


def _ask(client: httpx.Client, path: str, role: str, asks: int) -> tuple[list[float], int, int]:
    times = []
    for _ in range(asks):
        began = time.perf_counter()
        answer = client.get(path, headers={"Cookie": COOKIES[role]})
        times.append((time.perf_counter() - began) * 1000)
        client.cookies.clear()
    return times, len(answer.content), answer.status_code


def _pages(url: str) -> Iterator[tuple[str, str, str]]:
    with open_store(url) as store, store.reading() as connection:
        latest = search_applications(connection, Wanted(), limit=1).applications[0]
        count = connection.execute(text("SELECT count(*) FROM applications")).scalar_one()
        later = text("SELECT * FROM applications ORDER BY decided_us LIMIT 1 OFFSET :skipped")
        old = connection.execute(later, {"skipped": count // 10}).one()
        waits = search_applications(connection, Wanted(statuses=("open",)), limit=1).applications[0]
    day = datetime.now(UTC).date()
    yield "first", "/", "officer"
    yield "search: all", "/search", "officer"
    yield "search: all, the 2nd page", f"/search?after={latest.decided_us}:{latest.application_id}", "officer"
    yield "search: deep", f"/search?after={old.decided_us}:{old.application_id}", "officer"
    for words in (
        "status=open", "status=final", "status=review", "status=erased", "answer=decline", "final_answer=approve",
        "final_answer=counter_offer", "branch=N", "branch=nowhere", "release=1", "release=2", "amount_from=150000",
        "amount_from=199999", "status=open&answer=approve", "branch=N&final_answer=decline&amount_from=100000",
        f"decided_from={day - timedelta(days=30)}", f"decided_from={day - timedelta(days=900)}",
        f"decided_to={day - timedelta(days=700)}&answer=refer", "decided_from=2001-01-01&decided_to=2001-02-01",
    ):  # fmt: skip
        yield f"search: {words}", f"/search?{words}", "officer"
    yield "application: new", f"/applications/{latest.application_id}", "officer"
    yield "application: old", f"/applications/{old.application_id}", "officer"
    yield "what if", f"/applications/{latest.application_id}/what-if", "officer"
    yield "final answer", f"/applications/{waits.application_id}/final-answer", "officer"
    yield "correct", f"/applications/{latest.application_id}/correct", "officer"
    yield "override", f"/applications/{latest.application_id}/override", "officer"
    yield "overrides", "/overrides", "approver"
    yield "releases", "/releases", "analyst"
    yield "release", "/releases/1", "analyst"
    yield "release: differences", "/releases/2", "analyst"
    yield "release: promote", "/releases/2/promote", "operator"
    yield "purpose", "/purpose", "analyst"
    yield "tables", "/tables", "analyst"
    yield "table", "/tables/regions", "analyst"
    yield "weeks", "/weeks", "analyst"
    yield "files", "/files", "analyst"
    yield "people", "/people", "admin"
    yield "person", "/people/officer", "admin"
    yield "stop", "/stop", "operator"
    yield "account", "/account", "officer"
    yield "accuracy: cold", "/accuracy?buckets=7", "analyst"


def _wait_for_accuracy(client: httpx.Client, asks: int, small: float) -> None:
    """How long the whole page takes from nothing, and what it costs once it is worked out."""
    path = "/accuracy?buckets=9"
    began = time.perf_counter()
    while "comes back by itself" in client.get(path, headers={"Cookie": COOKIES["analyst"]}).text:
        time.sleep(0.2)
    whole = time.perf_counter() - began
    times, size, status = _ask(client, path, "analyst", asks)
    print(
        json.dumps({
            "page": "accuracy: warm", "status": status, "p50_ms": round(median(times), 1),
            "p99_ms": round(max(times), 1), "bytes": size, "times_healthz": round(median(times) / small, 1),
            "worked_out_in_s": round(whole, 1),
        })
    )  # fmt: skip


def _span(url: str, decisions: int) -> str:
    """A search for the latest so many decisions of the days before this one."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    later = text(
        "SELECT decided_us FROM applications WHERE decided_us < :us ORDER BY decided_us DESC LIMIT 1 OFFSET :n"
    )
    with open_store(url) as store, store.reading() as connection:
        us = connection.execute(later, {"us": to_us(today), "n": decisions}).scalar_one_or_none()
    since = date(2000, 1, 1) if us is None else moment(us).date() + timedelta(days=1)
    return f"decided_from={since}&decided_to={(today - timedelta(days=1)).date()}"


def _bare_read(url: str, asks: int) -> float:
    """Milliseconds of one row by its primary key."""
    with open_store(url) as store, store.reading() as connection:
        one = text("SELECT * FROM applications WHERE application_id = :id")
        name = connection.execute(text("SELECT application_id FROM applications LIMIT 1")).scalar_one()
        times = []
        for _ in range(asks * 10):
            began = time.perf_counter()
            connection.execute(one, {"id": name}).one()
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
