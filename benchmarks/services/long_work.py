"""Long work beside people at their pages: exports and a scored file of 100,000 rows, and how a search fares then."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from roadworthy.testing import make_applications

__all__ = ["measure_long_work", "peak_mib"]

ROWS = 100_000
_OVER = re.compile(r'<span class="mark [^"]*">(done|failed|cancelled)</span>')


def measure_long_work(
    client: httpx.Client, cookie: str, server: int, sought: str, *, record: bool
) -> Iterator[dict[str, Any]]:
    """Each piece of work with its seconds, the server's peak memory, and how long a search took before and meanwhile.

    `sought` is the search whose result is exported; `server` the process that serves; with `record` the file is scored
    once more, on the record.
    """
    headers = {"Cookie": cookie}
    token = re.search(r'name="token" value="([^"]+)"', client.get("/search", headers=headers).text)
    if token is None:
        raise SystemExit("nobody is signed in")
    alone = _Asking(client.base_url, headers)
    time.sleep(5)
    yield {"long_work": "none", **alone.stop()}
    for kind in ("csv", "xlsx", "parquet"):

        def export(kind: str = kind) -> httpx.Response:
            sent = {"token": token[1], "format": kind}
            return client.post(f"/search/export?{sought}", data=sent, headers=headers)

        yield {"long_work": f"export {kind}", **_work(client, headers, server, export)}
    X, _ = make_applications(ROWS, seed=9)
    file = io.BytesIO()
    X.index = [f"B-{time.time_ns()}-{row}" for row in range(ROWS)]  # not the file of a run before
    X.astype({"employed": "boolean"}).to_csv(file, index_label="application_id")
    for kept in (False, True)[: 1 + record]:

        def upload(kept: bool = kept) -> httpx.Response:
            sent = {"token": token[1], "once": ""} | ({"record": "on"} if kept else {})
            files = {"file": ("many.csv", file.getvalue())}
            answer = client.post("/files", data=sent, files=files, headers=headers)
            if mark := re.search(r'name="read" value="([^"]+)"', answer.text):  # it is the file of just now, and meant
                answer = client.post("/files", data=sent | {"read": mark[1]}, files=files, headers=headers)
            return answer

        yield {"long_work": "score" + " and record" * kept, **_work(client, headers, server, upload)}


def peak_mib(process: int) -> int:
    """The most memory the process has held since this was last asked."""
    status = Path(f"/proc/{process}/status").read_text()
    Path(f"/proc/{process}/clear_refs").write_text("5")  # begins anew
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024


def _work(
    client: httpx.Client, headers: dict[str, str], server: int, submit: Callable[[], httpx.Response]
) -> dict[str, Any]:
    peak_mib(server)
    asking = _Asking(client.base_url, headers)
    began = time.perf_counter()
    sent = submit()
    if sent.status_code != 303:
        raise SystemExit(f"refused: {re.findall('<p>.*', sent.text)}")
    taken = time.perf_counter() - began
    while not (over := _OVER.search(client.get(sent.headers["Location"], headers=headers).text)):
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    page = client.get(sent.headers["Location"], headers=headers).text
    rows = re.search(r"<p>([\d,]+) applications|<dt>Decided</dt><dd>([\d,]+)", page)
    return {
        "ended": over[1], "rows": None if rows is None else rows[1] or rows[2], "submitted_in_s": round(taken, 2),
        "seconds": round(seconds, 1), "peak_mib": peak_mib(server), **asking.stop(),
    }  # fmt: skip


class _Asking:
    """Somebody who searches again and again, five times a second."""

    def __init__(self, base: httpx.URL, headers: dict[str, str]) -> None:
        self._base, self._headers = base, headers
        self._over = threading.Event()
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """What the searches took."""
        self._over.set()
        self._thread.join()
        ordered = sorted(self._times)
        return {
            "searches": len(ordered), "search_p50_ms": round(median(ordered), 1),
            "search_p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
        }  # fmt: skip

    def _ask(self) -> None:
        with httpx.Client(base_url=self._base, timeout=600) as client:
            while not self._over.is_set() or not self._times:
                began = time.perf_counter()
                client.get("/search?status=final", headers=self._headers)
                self._times.append((time.perf_counter() - began) * 1000)
                client.cookies.clear()
                self._over.wait(0.1)
