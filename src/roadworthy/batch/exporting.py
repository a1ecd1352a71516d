"""Decisions exported to a file as long work: what a search finds, of the branches that whoever asked still sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import msgspec
import pyarrow as pa
from msgspec import Struct, structs
from sqlalchemy import Connection

from roadworthy.access import Branches, Deed
from roadworthy.batch.kept_files import BRANCHES, DECISIONS, keep_file
from roadworthy.batch.sinks import open_sink
from roadworthy.errors import Refused, StoreError, UsageError
from roadworthy.jobs import Job, Running, submit_job
from roadworthy.records import (
    Application,
    Wanted,
    count_applications,
    drop_content,
    keep_content,
    moment,
    read_content,
    search_applications,
)

__all__ = ["EXPORT", "ask_to_export", "export"]

EXPORT = "decision.export"
Format = Literal["csv", "parquet", "xlsx"]
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


class _Asked(Struct, frozen=True):
    """What is looked for, and the one asking that it belongs to: the same words asked twice are kept apart."""

    wanted: Wanted
    by: str
    key: str


def ask_to_export(
    deed: Deed,
    wanted: Wanted,
    format: Format,  # noqa: A002 the word users know
    *,
    once_key: str | None = None,
    most: int | None = None,
) -> Job:
    """Queue an export of what `wanted` finds now. Permission decision.export.

    A search may name an applicant, and a job's input may not: what is wanted is kept beside it until the job is done.
    Refused where more than `most` applications fit; UsageError for another format, and as `submit_job`.
    """
    deed.demand("decision.export")
    if format not in get_args(Format):
        raise UsageError(f"{format!r} is no format to export to", available=get_args(Format))
    if most is not None:
        with deed.store.reading() as connection:
            found = count_applications(connection, _seen(wanted, deed.by.branches))
        if found > most:
            raise Refused(
                f"{found:,} applications fit, and an export holds at most {most:,}",
                mend="narrow the search: a shorter time",
            )
    asked = _Asked(wanted, deed.by.account, deed.new_id() if once_key is None else once_key)
    data = msgspec.json.encode(asked)

    def submit(connection: Connection) -> Job:
        digest = keep_content(connection, data, "application/json")
        named = {"format": format, "wanted": digest}
        return submit_job(deed, EXPORT, named, permission="decision.export", once_key=once_key, within=connection)

    return deed.store.transact(submit)


def export(running: Running) -> Mapping[str, Any]:
    """Work on one: write every application that fits, a page at a time."""
    deed = running.deed()
    deed.demand("decision.export")
    if running.checkpoint is not None:
        result: Mapping[str, Any] = running.checkpoint["result"]
        return result  # an attempt before this one came to the end, and no further
    asked = running.job.input
    with running.store.reading() as connection:
        content = read_content(connection, asked["wanted"])
    if content is None:
        raise StoreError("what was asked for is no longer kept")
    wanted = _seen(msgspec.json.decode(content.data, type=_Asked).wanted, deed.by.branches)
    with running.store.reading() as connection:
        total = count_applications(connection, wanted)
    with TemporaryDirectory() as folder:
        out = Path(folder) / f"decisions.{asked['format']}"
        rows = 0
        with open_sink(out) as sink:
            sink.write(_COLUMNS.empty_table())
            for page in _pages(deed, wanted):
                sink.write(page)
                rows += page.num_rows
                running.progress(rows, max(rows, total))
        done = {
            "rows": rows,
            BRANCHES: deed.by.branches.spell(),
            "files": {DECISIONS: keep_file(running, out)},
        }

    def finish(connection: Connection) -> None:
        drop_content(connection, asked["wanted"])
        running.save({"result": done}, within=connection)

    running.transact(finish)
    return done


def _seen(wanted: Wanted, branches: Branches) -> Wanted:
    """What is wanted, of what somebody who sees these branches may see."""
    if branches.every:
        return wanted
    names = branches.names if wanted.branches is None else branches.names & frozenset(wanted.branches)
    return structs.replace(wanted, branches=tuple(sorted(names)))


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
