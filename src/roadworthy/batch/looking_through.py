"""Which files of long work hold certain applications: what an erasure has to reach, as far as it can be told."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.access import Branches
from roadworthy.batch.exporting import EXPORT
from roadworthy.batch.kept_files import BRANCHES
from roadworthy.batch.scoring import SCORE
from roadworthy.batch.sources import open_apart
from roadworthy.contract import as_text
from roadworthy.errors import RoadworthyError
from roadworthy.records import Store, metadata, read_content, to_us

__all__ = ["WorkFiles", "look_through_work"]

_jobs = metadata.tables["jobs"]


class WorkFiles(Struct, frozen=True):
    """The jobs whose files hold what was looked for.

    holding    files that are still kept here hold it
    may_hold   exports whose file is no longer kept, or cannot be read, made since it was there, of its branches
    under_way  not yet done: what they will hold nobody can tell
    """

    holding: tuple[str, ...]
    may_hold: tuple[str, ...]
    under_way: tuple[str, ...]


def look_through_work(
    store: Store, words: Collection[str], *, since: datetime | None, branches: Collection[str | None]
) -> WorkFiles:
    """Open every file that is kept, and look for a cell that is one of `words`: ids of applications or an applicant.

    since      when the first of the applications was decided: exports from before did not have it
    branches   of the applications; an export of other branches did not have it
    """
    wanted = select(_jobs).where(_jobs.c.kind.in_((SCORE, EXPORT))).order_by(_jobs.c.submitted_us)
    with store.reading() as connection:
        jobs = connection.execute(wanted).all()
    holding, may_hold, under_way = [], [], []
    for job in jobs:
        if job.state in ("queued", "running"):
            under_way.append(job.job_id)
            continue
        given = json.loads(job.input)
        made = {} if job.result is None else json.loads(job.result)
        named = [given[name] for name in ("file", "wanted") if name in given] + list(made.get("files", {}).values())
        with store.reading() as connection:
            found = [_holds(connection, digest, words) for digest in named]
        if any(one is True for one in found):
            holding.append(job.job_id)
        elif job.kind == EXPORT and job.state == "done" and None in found[1:]:
            seen = Branches.read(made.get(BRANCHES, ()))
            late = since is not None and job.ended_us >= to_us(since)
            if late and any(seen.hold(branch) for branch in branches):
                may_hold.append(job.job_id)
    return WorkFiles(tuple(holding), tuple(may_hold), tuple(under_way))


def _holds(connection: Connection, digest: str, words: Collection[str]) -> bool | None:
    """Whether a kept file has a cell that is one of these words; None where it is not kept, or cannot be read."""
    content = read_content(connection, digest)
    if content is None:
        return None
    if content.media_type == "application/json":
        return any(word in words for word in _texts(msgspec.json.decode(content.data)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content.data)
        try:
            with open_apart(path) as source:
                return any(_is_among(column, words) for table in source.batches() for column in table.columns)
        except (RoadworthyError, pa.ArrowException):
            return None


def _is_among(column: pa.ChunkedArray, words: Collection[str]) -> bool:
    """Whether a cell reads as one of these words, whatever kind of column it is in: an id may be a number, or coded."""
    try:
        cells = as_text(column)
    except pa.ArrowException:
        return False  # no cells that read as words
    return bool(pc.any(pc.is_in(cells, pa.array(list(words), cells.type))).as_py())


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
