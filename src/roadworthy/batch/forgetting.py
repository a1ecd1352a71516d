"""Files that long work was given and made, forgotten once nobody needs them: when it is cancelled, or after some time.

They hold applicants' data, or the words of a search. What else the store keeps under the same digest, such as the file
of a table that somebody uploaded as applications by mistake, stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select

from roadworthy.access import Deed
from roadworthy.batch.exporting import EXPORT
from roadworthy.batch.scoring import SCORE
from roadworthy.jobs import Job, cancel_job
from roadworthy.records import Store, drop_content, metadata, to_us

__all__ = ["cancel_work", "forget_files", "forget_work"]

_jobs, _contents = metadata.tables["jobs"], metadata.tables["contents"]
_records, _proposals = metadata.tables["records"], metadata.tables["proposals"]
_NAMING = ("table_version", "release_event", "package_pushed")
"""The kinds of records that name what `contents` keeps."""


def cancel_work(deed: Deed, job_id: str) -> Job:
    """`cancel_job`, and what the job was given is forgotten where it had not begun.

    One that a worker holds lets go of it later, and the next `forget_files` finds it.
    """

    def cancel(connection: Connection) -> Job:
        job = cancel_job(deed, job_id, within=connection)
        if job.state == "cancelled":
            _forget(connection, _jobs.c.job_id == job_id)
        return job

    return deed.store.transact(cancel)


def forget_files(store: Store, now: datetime, keep: timedelta) -> int:
    """Forget the files of work that was cancelled, or ended longer than `keep` ago; how many they were."""
    over = or_(_jobs.c.state == "cancelled", _jobs.c.ended_us < to_us(now - keep))
    let_go = and_(_jobs.c.kind.in_((SCORE, EXPORT)), _jobs.c.ended_us.is_not(None), over)
    with store.reading() as connection:
        any_is = connection.execute(select(_jobs.c.job_id).where(let_go).limit(1)).first() is not None
    return store.transact(lambda connection: _forget(connection, let_go)) if any_is else 0


def forget_work(connection: Connection, job_ids: Collection[str]) -> int:
    """Forget the files of these jobs, of which each is over; how many they were."""
    return _forget(connection, _jobs.c.job_id.in_(job_ids) & _jobs.c.ended_us.is_not(None)) if job_ids else 0


def _forget(connection: Connection, let_go: ColumnElement[bool]) -> int:
    """Drop what only the jobs that let go of it name."""
    given = select(_jobs.c.input, _jobs.c.result).where(let_go)
    named: set[str] = set()
    for asked, made in connection.execute(given):
        was = json.loads(asked)
        named |= {was[name] for name in ("file", "wanted") if name in was}
        named |= set(json.loads(made).get("files", {}).values()) if made is not None else set()
    kept = named.intersection(connection.execute(select(_contents.c.digest)).scalars())
    dropped = [digest for digest in sorted(kept) if not _is_needed(connection, digest, let_go)]
    for digest in dropped:
        drop_content(connection, digest)
    return len(dropped)


def _is_needed(connection: Connection, digest: str, let_go: ColumnElement[bool]) -> bool:
    """Whether other work names it, or a record of what this store decides by."""
    others = select(_jobs.c.job_id).where(
        not_(let_go),
        _jobs.c.state != "cancelled",
        or_(_jobs.c.input.contains(digest), _jobs.c.result.contains(digest)),
    )
    proposed = select(_proposals.c.proposal_id).where(_proposals.c.digest == digest)
    if any(connection.execute(wanted.limit(1)).first() is not None for wanted in (others, proposed)):
        return True
    naming = select(_records.c.subject, _records.c.payload).where(_records.c.kind.in_(_NAMING))
    return any(digest in subject or digest.encode() in payload for subject, payload in connection.execute(naming))
