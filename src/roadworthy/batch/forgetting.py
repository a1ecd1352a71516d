"""Files that long work was given and made, forgotten once nobody needs them: when it is cancelled, or after some time.

They hold applicants' data, or the words of a search. What else the store keeps under the same digest, such as the file
of a table that somebody uploaded as applications by mistake, stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from roadworthy.access import Deed
from roadworthy.batch.exporting import EXPORT
from roadworthy.batch.scoring import SCORE
from roadworthy.jobs import Job, cancel_job
from roadworthy.records import Store, drop_content, metadata, to_us

__all__ = ["cancel_work", "forget_files"]

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
            _forget(connection, [job.job_id])
        return job

    return deed.store.transact(cancel)


def forget_files(store: Store, now: datetime, keep: timedelta) -> int:
    """Forget the files of work that was cancelled, or ended longer than `keep` ago; how many they were."""
    over = or_(_jobs.c.state == "cancelled", _jobs.c.ended_us < to_us(now - keep))
    with store.reading() as connection:
        ended = select(_jobs.c.job_id).where(_jobs.c.kind.in_((SCORE, EXPORT)), _jobs.c.ended_us.is_not(None), over)
        found = list(connection.execute(ended).scalars())
    return store.transact(lambda connection: _forget(connection, found)) if found else 0


def _forget(connection: Connection, job_ids: Collection[str]) -> int:
    """Drop what only these jobs name."""
    given = select(_jobs.c.input, _jobs.c.result).where(_jobs.c.job_id.in_(job_ids))
    named: set[str] = set()
    for asked, made in connection.execute(given):
        was = json.loads(asked)
        named |= {was[name] for name in ("file", "wanted") if name in was}
        named |= set(json.loads(made).get("files", {}).values()) if made is not None else set()
    kept = connection.execute(select(_contents.c.digest).where(_contents.c.digest.in_(named))).scalars().all()
    dropped = [digest for digest in kept if not _is_needed(connection, digest, job_ids)]
    for digest in dropped:
        drop_content(connection, digest)
    return len(dropped)


def _is_needed(connection: Connection, digest: str, job_ids: Collection[str]) -> bool:
    """Whether other work names it, or a record of what this store decides by."""
    others = select(_jobs.c.job_id).where(
        _jobs.c.job_id.not_in(job_ids),
        _jobs.c.state != "cancelled",
        or_(_jobs.c.input.contains(digest), _jobs.c.result.contains(digest)),
    )
    proposed = select(_proposals.c.proposal_id).where(_proposals.c.digest == digest)
    if any(connection.execute(wanted.limit(1)).first() is not None for wanted in (others, proposed)):
        return True
    naming = select(_records.c.subject, _records.c.payload).where(_records.c.kind.in_(_NAMING))
    return any(digest in subject or digest.encode() in payload for subject, payload in connection.execute(naming))
