"""The handlers of the jobs that are asked for here: a file of applications scored, decisions exported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import structs

from roadworthy.access import Deed
from roadworthy.batch import SourceMapping, absent_inputs, open_sink, open_table, record_file, score
from roadworthy.errors import StoreError
from roadworthy.jobs import Handler, Running
from roadworthy.live import CurrentRoute
from roadworthy.records import Application, Wanted, keep_content, moment, read_content, search_applications

__all__ = ["DECISIONS", "EXPORT", "SCORE", "job_handlers"]

SCORE, EXPORT = "batch.score", "decision.export"
DECISIONS, SET_ASIDE = "decisions", "set_aside"
_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
_PAGE = 1_000
_COLUMNS = pa.schema(
    [
        ("application_id", pa.string()),
        ("decision_id", pa.string()),
        ("status", pa.string()),
        ("branch", pa.string()),
        ("amount", pa.float64()),
        ("answer", pa.string()),
        ("pd", pa.float64()),
        ("score", pa.float64()),
        ("release", pa.string()),
        ("assignment", pa.string()),
        ("final_answer", pa.string()),
        ("overridden", pa.bool_()),
        ("applied_at", pa.timestamp("us", "UTC")),
        ("decided_at", pa.timestamp("us", "UTC")),
        ("final_at", pa.timestamp("us", "UTC")),
    ]
)


def job_handlers(current: CurrentRoute, clock: Callable[[], dt.datetime]) -> Mapping[str, Handler]:
    """What works on the jobs that this door queues, by kind, for the runner of jobs."""
    return {SCORE: lambda running: _score(running, current, clock), EXPORT: _export}


def _score(running: Running, current: CurrentRoute, clock: Callable[[], dt.datetime]) -> Mapping[str, Any]:
    """Score a file by what is live when the work begins; where that is asked for, as decisions on the record."""
    deed, record = running.deed(), running.job.input["record"]
    deed.demand("batch.score")
    if record:
        deed.demand("decision.make")
    taken = current.refresh()
    loaded = taken.require()
    with running.store.reading() as connection:
        content = read_content(connection, running.job.input["file"])
    if content is None:
        raise StoreError("the file is no longer kept")
    done = 0

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        running.progress(done)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "applications"
        path.write_bytes(content.data)
        out, aside = Path(folder) / "decisions.csv", Path(folder) / "set_aside.csv"
        source = open_table(path)
        terms: dict[str, Any] = {
            "set_aside": aside,
            "absent": absent_inputs(source, SourceMapping(file=path.name, format=source.format), loaded.contract),
            "progress": step,
        }
        if record:
            by = deed.by
            scored = record_file(
                source, out, current, actor=by.account, branches=by.branches, now=clock, new_id=deed.new_id, **terms
            )
        else:
            scored = score(source, out, loaded.release, tables=taken.tables, **terms)
        files = {DECISIONS: _keep(running, out)}
        if scored.set_aside_path is not None:
            files[SET_ASIDE] = _keep(running, aside)
    return {
        "release": loaded.id,
        "recorded": record,
        "read": scored.read,
        "decided": scored.decided,
        "set_aside": scored.set_aside,
        "answers": dict(scored.answers),
        "absent": list(scored.absent),
        "files": files,
    }


def _export(running: Running) -> Mapping[str, Any]:
    """Export the decisions that were asked for, of the branches that whoever asked still sees."""
    deed = running.deed()
    deed.demand("decision.export")
    asked = running.job.input
    wanted = Wanted(
        branches=None if deed.by.branches.every else deed.by.branches.names,
        releases=() if asked["release"] is None else (asked["release"],),
        answers=() if asked["answer"] is None else (asked["answer"],),
        decided_from=_moment(asked["decided_from"]),
        decided_before=_moment(asked["decided_before"]),
    )
    with TemporaryDirectory() as folder:
        out = Path(folder) / f"decisions.{asked['format']}"
        rows = 0
        with open_sink(out) as sink:
            sink.write(_COLUMNS.empty_table())
            for page in _pages(deed, wanted):
                sink.write(page)
                rows += page.num_rows
                running.progress(rows)
        return {"rows": rows, "files": {DECISIONS: _keep(running, out)}}


def _pages(deed: Deed, wanted: Wanted) -> Iterator[pa.Table]:
    after = None
    while True:
        with deed.store.reading() as connection:
            found = search_applications(connection, wanted, limit=_PAGE, after=after)
        if found.applications:
            yield pa.Table.from_pylist([_row(application) for application in found.applications], schema=_COLUMNS)
        if found.next is None:
            return
        after = found.next


def _row(application: Application) -> dict[str, Any]:
    values = structs.asdict(application)
    for name in ("applied", "decided", "final"):
        us = values[f"{name}_us"]
        values[f"{name}_at"] = None if us is None else moment(us)
    return {name: values[name] for name in _COLUMNS.names}


def _keep(running: Running, path: Path) -> str:
    data = path.read_bytes()
    return running.transact(lambda connection: keep_content(connection, data, _MEDIA_TYPES[path.suffix[1:]]))


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else msgspec.convert(text, dt.datetime)
