"""The files that long work leaves behind, kept in the store and fetched by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadworthy.access import Branches, Deed
from roadworthy.errors import NotFound
from roadworthy.jobs import Job, Running
from roadworthy.records import keep_content, read_content

__all__ = ["BRANCHES", "DECISIONS", "SET_ASIDE", "KeptFile", "keep_file", "read_kept_file"]

DECISIONS, SET_ASIDE = "decisions", "set_aside"
BRANCHES = "branches"
"""Under this name a result says of which branches its files are."""
_MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class KeptFile:
    """One file: its bytes, and the name to save it under."""

    data: bytes
    name: str


def keep_file(running: Running, path: Path) -> str:
    """Keep a file that a job made; its digest."""
    data = path.read_bytes()
    return running.transact(lambda connection: keep_content(connection, data, _MEDIA_TYPES[path.suffix[1:]]))


def read_kept_file(deed: Deed, job: Job, name: str) -> KeptFile:
    """The file `name` of a job of one's own, made of branches that one still sees.

    NotAllowed where one may no longer do such work. NotFound: it is somebody else's (an operator follows the work of
    all, and reads no applicant's data), is of a branch that one sees no more, has none of that name, or is no longer
    kept.
    """
    result = job.result or {}
    if job.actor != deed.by.account or not deed.by.branches.hold_all(Branches.read(result.get(BRANCHES, ()))):
        raise NotFound.unseen("file")
    deed.demand(job.kind)  # work on files is called as what one must be permitted
    files = result.get("files", {})
    if name not in files:
        raise NotFound(f"the job is {job.state} and has no such file; it has {', '.join(files) or 'none'}")
    with deed.store.reading() as connection:
        content = read_content(connection, files[name])
    if content is None:
        raise NotFound("the file is no longer kept")
    ending = next(ending for ending, kind in _MEDIA_TYPES.items() if kind == content.media_type)
    return KeptFile(content.data, f"{name}.{ending}")
