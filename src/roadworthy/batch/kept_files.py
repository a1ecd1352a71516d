"""The files that long work leaves behind, kept in the store and fetched by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadworthy.errors import UsageError
from roadworthy.jobs import Job, Running
from roadworthy.records import Store, keep_content, read_content

__all__ = ["DECISIONS", "SET_ASIDE", "KeptFile", "keep_file", "read_kept_file"]

DECISIONS, SET_ASIDE = "decisions", "set_aside"
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


def read_kept_file(store: Store, job: Job, name: str) -> KeptFile:
    """The file `name` of a job. UsageError where it has none of that name, or where it is no longer kept."""
    files = (job.result or {}).get("files", {})
    if name not in files:
        raise UsageError(f"the job is {job.state} and has no such file; it has {', '.join(files) or 'none'}")
    with store.reading() as connection:
        content = read_content(connection, files[name])
    if content is None:
        raise UsageError("the file is no longer kept")
    ending = next(ending for ending, kind in _MEDIA_TYPES.items() if kind == content.media_type)
    return KeptFile(content.data, f"{name}.{ending}")
