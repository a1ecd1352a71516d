"""The steps of a release's life, as they were recorded, and where they have brought it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.records import ReleaseEvent, decode_payload, metadata, moment

__all__ = ["LIVE_STEPS", "Step", "find_champions", "find_verdict", "read_steps"]

_RECORDS = metadata.tables["records"]
_VERDICTS = frozenset(("created", "submitted", "approved", "rejected"))
LIVE_STEPS = frozenset(("promoted", "restored"))
"""The steps with which a release becomes live: promoted by somebody, or restored by rolling back another."""


class Step(Struct, frozen=True, kw_only=True):
    """One step: created, submitted, approved, rejected, promoted, rolled_back (from live) or restored (to live).

    `epoch` is the route's where the step changed the route. `details` say more, such as a note.
    """

    step: str
    by: str
    at: datetime
    epoch: int | None = None
    details: Mapping[str, Any] = {}


def read_steps(connection: Connection, subjects: Iterable[str]) -> dict[str, list[Step]]:
    """The steps of each subject in their order; none for a subject that has none."""
    wanted = list(subjects)
    steps: dict[str, list[Step]] = {subject: [] for subject in wanted}
    columns = (_RECORDS.c.subject, _RECORDS.c.actor, _RECORDS.c.at_us, _RECORDS.c.epoch, _RECORDS.c.payload)
    about = _RECORDS.c.subject.in_(wanted) & (_RECORDS.c.kind == "release_event")
    for row in connection.execute(select(*columns).where(about).order_by(_RECORDS.c.subject, _RECORDS.c.nth)):
        event = decode_payload(row.payload, ReleaseEvent)
        step = Step(step=event.step, by=row.actor, at=moment(row.at_us), epoch=row.epoch, details=event.details)
        steps[row.subject].append(step)
    return steps


def find_verdict(steps: Sequence[Step]) -> str:
    """How far approval has come: created, submitted, approved or rejected.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 1, tzinfo=UTC)
    >>> find_verdict([Step(step=name, by="ana", at=at) for name in ("created", "submitted", "approved", "promoted")])
    'approved'
    """
    return next(step.step for step in reversed(steps) if step.step in _VERDICTS)


def find_champions(lives: Mapping[str, Sequence[Step]]) -> tuple[str, ...]:
    """Who was live, each followed by who took its place, and without those that were rolled back: the last is live.

    `lives` are the steps of each release. A rollback goes to the last but one, so that two in a row go back twice.

    >>> from datetime import UTC
    >>> def step(name, epoch):
    ...     return Step(step=name, by="ben", at=datetime(2026, 11, epoch, tzinfo=UTC), epoch=epoch)
    >>> lives = {"1": [step("promoted", 1), step("restored", 4)], "2": [step("promoted", 2), step("rolled_back", 4)]}
    >>> find_champions(lives)
    ('1',)
    """
    changes = sorted(
        (step.epoch, release, step.step)
        for release, steps in lives.items()
        for step in steps
        if step.step in LIVE_STEPS and step.epoch is not None
    )
    champions: list[str] = []
    for _, release, step in changes:
        if step == "restored":
            del champions[-1:]
        else:
            champions.append(release)
    return tuple(champions)
