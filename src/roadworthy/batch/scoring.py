"""A file of applications as long work: asked for at a door, scored or decided by what is live when the work begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from roadworthy.access import Deed
from roadworthy.batch.file_warnings import warn_applications
from roadworthy.batch.kept_files import BRANCHES, DECISIONS, SET_ASIDE, keep_file
from roadworthy.batch.mapping import SourceMapping, absent_inputs
from roadworthy.batch.record import record_file
from roadworthy.batch.score import score
from roadworthy.batch.sources import Source, open_apart
from roadworthy.batch.wrong_file import refuse_wrong_file
from roadworthy.errors import StoreError
from roadworthy.jobs import Handler, Job, Running, list_jobs, submit_job
from roadworthy.live import CurrentRoute, Loaded
from roadworthy.records import keep_content, read_content

__all__ = ["SCORE", "FileSeen", "ask_to_score", "look_at_file", "score_handler", "warn_same_file"]

SCORE = "batch.score"


@dataclass(frozen=True)
class FileSeen:
    """A file of applications before it is scored.

    rows       how many it has
    notes      what was assumed in reading it
    absent     the inputs that it lacks
    warnings   what looks wrong about it, in words
    """

    rows: int
    notes: tuple[str, ...]
    absent: tuple[str, ...]
    warnings: tuple[str, ...]


def look_at_file(data: bytes, name: str, live: Loaded) -> FileSeen:
    """Read a file through without deciding anything. DataError where it is no table, or lacks a column it must have.

    `name` is what messages call it: a file's name without folders. `live` would decide it.
    """
    with _opened(data, name) as source:
        refuse_wrong_file(source, name, live)
        mapping = SourceMapping(file=source.path.name, format=source.format)
        absent = absent_inputs(source, mapping, live.contract)
        rows = sum(table.num_rows for table in source.batches()) if source.rows is None else source.rows
        like = live.release.package.golden()[0]
        return FileSeen(rows, source.notes, absent, warn_applications(source, mapping, live.contract, absent, like))


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Source]:
    """The file, opened in a process apart."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        with open_apart(path) as source:
            yield source


def warn_same_file(deed: Deed, data: bytes, zone: str, once_key: str | None) -> tuple[str, ...]:
    """The warning about a file that came before, its time in `zone`; the same request sent twice is no file that comes
    again.
    """
    same = _find_same_file(deed, data)
    if same is None or (once_key is not None and same.once_key == once_key):
        return ()
    when = f"{same.submitted_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    said = f"this is the same file as {same.input['name']}, uploaded on {when}"
    return (said + ("; what was recorded then is not decided again" if same.input["record"] else ""),)


def _find_same_file(deed: Deed, data: bytes) -> Job | None:
    """The last time that whoever asks had this very file scored, byte for byte; None where that never was, or was
    cancelled. Of the last thousand.
    """
    digest = sha256(data).hexdigest()
    with deed.store.reading() as connection:
        for job in list_jobs(connection, by=deed.by, kind=SCORE, limit=1_000):
            if job.input["file"] == digest and job.state not in ("failed", "cancelled"):
                return job
    return None


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

    with TemporaryDirectory() as folder, _opened(content.data, "applications") as source:
        out, aside = Path(folder) / "decisions.csv", Path(folder) / "set_aside.csv"
        refuse_wrong_file(source, running.job.input["name"], loaded)
        mapping = SourceMapping(file=source.path.name, format=source.format)
        terms: dict[str, Any] = {
            "set_aside": aside,
            "absent": absent_inputs(source, mapping, loaded.contract),
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
