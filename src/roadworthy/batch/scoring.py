"""A file of applications as long work: asked for at a door, scored or decided by what is live when the work begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from roadworthy.access import Deed
from roadworthy.batch.kept_files import BRANCHES, DECISIONS, SET_ASIDE, keep_file
from roadworthy.batch.mapping import SourceMapping, absent_inputs
from roadworthy.batch.record import record_file
from roadworthy.batch.score import score
from roadworthy.batch.sources import open_table
from roadworthy.contract import Contract
from roadworthy.errors import StoreError
from roadworthy.jobs import Handler, Job, Running, submit_job
from roadworthy.live import CurrentRoute
from roadworthy.records import keep_content, read_content

__all__ = ["SCORE", "FileSeen", "ask_to_score", "look_at_file", "score_handler"]

SCORE = "batch.score"


@dataclass(frozen=True)
class FileSeen:
    """A file of applications before it is scored: its rows, what was assumed in reading it, the inputs it lacks."""

    rows: int
    notes: tuple[str, ...]
    absent: tuple[str, ...]


def look_at_file(data: bytes, name: str, contract: Contract) -> FileSeen:
    """Read a file through without deciding anything. DataError where it is no table, or lacks a column it must have.

    `name` is what messages call it: a file's name without folders.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        source = open_table(path)
        absent = absent_inputs(source, SourceMapping(file=path.name, format=source.format), contract)
        rows = sum(table.num_rows for table in source.batches()) if source.rows is None else source.rows
        return FileSeen(rows, source.notes, absent)


def ask_to_score(
    deed: Deed, data: bytes, name: str, *, record: bool, rows: int | None = None, once_key: str | None = None
) -> Job:
    """Keep the file and queue the work. Permission batch.score; to `record` its decisions, decision.make too.

    `rows`, where they were counted, are what its progress is measured against. Errors as `submit_job`; UsageError for
    a file larger than a store keeps.
    """
    deed.demand("batch.score")
    if record:
        deed.demand("decision.make")
    digest = deed.store.transact(lambda connection: keep_content(connection, data, "application/octet-stream"))
    wanted: dict[str, Any] = {"file": digest, "name": name, "record": record}
    if rows is not None:
        wanted["rows"] = rows
    return submit_job(deed, SCORE, wanted, permission="batch.score", once_key=once_key)


def score_handler(current: CurrentRoute, clock: Callable[[], datetime]) -> Handler:
    """What works on these jobs."""
    return lambda running: _score(running, current, clock)


def _score(running: Running, current: CurrentRoute, clock: Callable[[], datetime]) -> Mapping[str, Any]:
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
    done, rows = 0, running.job.input.get("rows")

    def step(more: int) -> None:
        nonlocal done
        done += more
        running.progress(done, rows)

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
        files = {DECISIONS: keep_file(running, out)}
        if scored.set_aside_path is not None:
            files[SET_ASIDE] = keep_file(running, aside)
    return {
        "release": loaded.id,
        "recorded": record,
        "read": scored.read,
        "decided": scored.decided,
        "repeated": scored.repeated,
        "set_aside": scored.set_aside,
        "answers": dict(scored.answers),
        "absent": list(scored.absent),
        BRANCHES: deed.by.branches.spell(),
        "files": files,
    }
