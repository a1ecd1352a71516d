"""What people and programs do with jobs: ask for one, look, have it cancelled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, true, tuple_, update

from roadworthy.access import Actor, Deed, demand, may
from roadworthy.errors import NotFound, Refused, UsageError
from roadworthy.jobs.job import OVER, STATES, Job, digest_text, to_job, write_json
from roadworthy.jobs.schema import jobs
from roadworthy.jobs.standing import write_standing
from roadworthy.records import to_us

__all__ = ["MOST_FAILURES", "cancel_job", "list_jobs", "read_job", "submit_job"]

MOST_FAILURES = 5
"""At how many failures a job has failed, where its submitter says nothing else."""

_LONGEST_INPUT = 64 * 1024
_KIND = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_LONGEST_KEY = 255
_MOST_LISTED = 1000


def submit_job(
    deed: Deed,
    kind: str,
    input: Mapping[str, Any],  # noqa: A002  # the word for it, as in Job
    *,
    permission: str,
    once_key: str | None = None,
    most_failures: int = MOST_FAILURES,
    within: Connection | None = None,
) -> Job:
    """Put a job into the queue, durably when this returns (`within` a transaction: when that does).

    kind           which handler works on it: `a-z`, then also `0-9._-`
    input          JSON of at most 64 KiB, and no personal data: files go to `keep_content`, and their digest here
    permission     what the actor must be permitted to do; the handler acts with the rights they have now
    once_key       the actor's own key: the same kind and input under it again give the job that is there
    most_failures  at how many failed attempts the job has failed, at least 1

    NotAllowed; UsageError for an input, kind or key that cannot be kept; Refused where the key was used for something
    else.
    """
    deed.demand(permission)
    if not _KIND.fullmatch(kind):
        raise UsageError(f"{kind!r} is no kind of job", mend="a-z, then also 0-9 . _ -, at most 64 characters")
    if once_key is not None and not (0 < len(once_key) <= _LONGEST_KEY and once_key.isprintable()):
        raise UsageError("the key of a job is no readable text", mend=f"1 to {_LONGEST_KEY} printable characters")
    if most_failures < 1:
        raise UsageError(f"a job cannot fail after {most_failures} failures", mend="1 or more")
    text = write_json("input", input, most=_LONGEST_INPUT)
    values: dict[str, Any] = dict.fromkeys(jobs.columns.keys()) | {
        "job_id": deed.new_id(),
        "kind": kind,
        "state": "queued",
        "input": text,
        "input_digest": digest_text(text),
        "actor": deed.by.account,
        "standing": write_standing(deed.by),
        "once_key": once_key,
        "attempts": 0,
        "failures": 0,
        "most_failures": most_failures,
        "beat": 0,
        "lease_span_us": 0,
        "wait_us": 0,
        "due_us": 0,
        "saved_attempt": 0,
        "progress_done": 0,
        "progress_words": "",
        "submitted_us": to_us(deed.now),
    }

    def submit(connection: Connection) -> Job:
        deed.store.connections.insert(
            connection, jobs, [tuple(values.values())], "ON CONFLICT (actor, once_key) DO NOTHING"
        )
        mine = jobs.c.job_id == values["job_id"]
        if once_key is not None:
            mine = (jobs.c.actor == deed.by.account) & (jobs.c.once_key == once_key)
        job = to_job(connection.execute(select(jobs).where(mine)).one())
        if (job.kind, job.input_digest) != (kind, values["input_digest"]):
            raise Refused(
                f"the key {once_key!r} was used for another job",
                where=f"job {job.job_id}",
                mend="a key of its own for each job",
            )
        return job

    return deed.store.transact(submit) if within is None else submit(within)


def read_job(connection: Connection, job_id: str, *, by: Actor) -> Job:
    """A job of one's own; an operator reads everyone's. NotFound where there is none, or it is another's."""
    demand(by, "job.read")
    row = connection.execute(select(jobs).where(jobs.c.job_id == job_id, _seen(by))).one_or_none()
    if row is None:
        raise NotFound.unseen("job")
    return to_job(row)


def list_jobs(
    connection: Connection,
    *,
    by: Actor,
    kind: str | None = None,
    state: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[Job]:
    """One's own jobs, an operator's: everyone's; the newest first, behind the job `after` where one is given."""
    demand(by, "job.read")
    if state is not None and state not in STATES:
        raise UsageError(f"{state!r} is no state of a job", available=STATES)
    if not 0 < limit <= _MOST_LISTED:
        raise UsageError(f"cannot list {limit} jobs", mend=f"1 to {_MOST_LISTED}")
    wanted = select(jobs).where(_seen(by)).order_by(jobs.c.submitted_us.desc(), jobs.c.job_id.desc()).limit(limit)
    if kind is not None:
        wanted = wanted.where(jobs.c.kind == kind)
    if state is not None:
        wanted = wanted.where(jobs.c.state == state)
    if after is not None:
        last = read_job(connection, after, by=by)
        wanted = wanted.where(tuple_(jobs.c.submitted_us, jobs.c.job_id) < (to_us(last.submitted_at), last.job_id))
    return [to_job(row) for row in connection.execute(wanted)]


def cancel_job(deed: Deed, job_id: str, *, within: Connection | None = None) -> Job:
    """Have a job of one's own cancelled; with `job.cancel`, anyone's.

    One that waits is cancelled when this returns. One that a worker holds is asked to stop: its handler sees it at its
    next check, and may be done before. Asked again, nothing changes. Refused where it is done or failed.
    """

    def cancel(connection: Connection) -> Job:
        found = connection.execute(select(jobs).where(jobs.c.job_id == job_id, _seen(deed.by)).with_for_update())
        row = found.one_or_none()
        if row is None:
            raise NotFound.unseen("job")
        if row.state == "cancelled" or (row.state not in OVER and row.cancel_us is not None):
            return to_job(row)
        if row.state in OVER:
            raise Refused(f"the job is {row.state} already", where=f"job {job_id}")
        now_us = to_us(deed.now)
        asked = {"cancel_us": now_us, "cancel_by": deed.by.account}
        if row.state == "queued":
            asked |= {"state": "cancelled", "ended_us": now_us}
        changed = update(jobs).where(jobs.c.job_id == job_id).values(asked).returning(jobs)
        return to_job(connection.execute(changed).one())

    deed.demand("job.read")
    return deed.store.transact(cancel) if within is None else cancel(within)


def _seen(actor: Actor) -> ColumnElement[bool]:
    """Their own; who may cancel anyone's sees anyone's."""
    return true() if may(actor, "job.cancel") else jobs.c.actor == actor.account
