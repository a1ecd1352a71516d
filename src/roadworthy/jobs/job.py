"""A job as people and programs see it, and the JSON that goes in and comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Row

from roadworthy.errors import UsageError
from roadworthy.records import moment

__all__ = ["OVER", "STATES", "Job", "Progress", "clean_words", "digest_text", "read_json", "to_job", "write_json"]

STATES = ("queued", "running", "done", "failed", "cancelled")
"""What a job may be: waiting (also for its next attempt), held by a worker, or over in one of three ways."""
OVER = frozenset({"done", "failed", "cancelled"})
"""The states that no job leaves."""

LONGEST_WORDS = 2000


class Progress(Struct, frozen=True):
    """How far a job is, as its handler counts: `done` of `total` (None: nobody knows), and what it is at."""

    done: int = 0
    total: int | None = None
    words: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """One piece of long work.

    job_id         what it is known by, here and by whatever it does outside the store
    kind           which handler works on it
    state          one of STATES
    input          what it was given: JSON, without personal data
    input_digest   SHA-256 of the input's canonical JSON
    actor          the account that asked for it
    once_key       the key it was asked for under, or None
    attempts       how often a worker began; `failures` of them ended badly, and at `most_failures` the job has failed
    progress       how far it is
    result         what its handler gave, once it is done
    error          why it failed, or why its last attempt did, in words
    worker         who holds it
    heartbeat_at   when its holder last gave a sign, and `lease_until` when that wears off: both by the holder's clock,
                   for people; no worker acts on them
    due_at         when the next attempt may begin, where the last one failed
    cancel_asked_at, cancel_asked_by    when and by whom it was asked to stop
    submitted_at, started_at, ended_at  its life
    """

    job_id: str
    kind: str
    state: str
    input: Mapping[str, Any]
    input_digest: str
    actor: str
    once_key: str | None
    attempts: int
    failures: int
    most_failures: int
    progress: Progress
    result: Mapping[str, Any] | None
    error: str | None
    worker: str | None
    heartbeat_at: datetime | None
    lease_until: datetime | None
    due_at: datetime | None
    cancel_asked_at: datetime | None
    cancel_asked_by: str | None
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether it is done, failed or cancelled, and stays so."""
        return self.state in OVER


def to_job(row: Row[Any]) -> Job:
    """A row of `jobs`, every column."""
    return Job(
        job_id=row.job_id,
        kind=row.kind,
        state=row.state,
        input=read_json(row.input),
        input_digest=row.input_digest,
        actor=row.actor,
        once_key=row.once_key,
        attempts=row.attempts,
        failures=row.failures,
        most_failures=row.most_failures,
        progress=Progress(row.progress_done, row.progress_total, row.progress_words),
        result=None if row.result is None else read_json(row.result),
        error=row.error,
        worker=row.worker,
        heartbeat_at=_moment(row.heartbeat_us),
        lease_until=_moment(row.lease_until_us),
        due_at=moment(row.due_us) if row.state == "queued" and row.wait_us else None,
        cancel_asked_at=_moment(row.cancel_us),
        cancel_asked_by=row.cancel_by,
        submitted_at=moment(row.submitted_us),
        started_at=_moment(row.started_us),
        ended_at=_moment(row.ended_us),
    )


def write_json(name: str, value: Mapping[str, Any], *, most: int) -> str:
    """Canonical JSON: keys in order, plain ASCII. UsageError, naming `name`, where it is no JSON object or too long.

    >>> write_json("input", {"b": [1, 2.5], "a": None}, most=100)
    '{"a":null,"b":[1,2.5]}'
    """
    try:
        text = json.dumps(dict(value), allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"the {name} of a job is no JSON object: {error}",
            mend="text, finite numbers, true, false, null, lists, maps",
        ) from error
    if len(text) > most:
        raise UsageError(
            f"the {name} of a job has {len(text)} bytes of JSON; at most {most} are kept",
            mend="keep_content, and the digest instead of the bytes",
        )
    return text


def read_json(text: str) -> dict[str, Any]:
    """The inverse of `write_json`."""
    found: dict[str, Any] = json.loads(text)
    return found


def digest_text(text: str) -> str:
    """SHA-256 in hex."""
    return sha256(text.encode()).hexdigest()


def clean_words(words: str) -> str:
    """Words that every store can keep: no NUL, no lone surrogates, of a readable length."""
    return words[:LONGEST_WORDS].replace("\0", "").encode("utf-8", "replace").decode()


def _moment(us: int | None) -> datetime | None:
    return None if us is None else moment(us)
