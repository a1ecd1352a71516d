"""Releases as people read them: folded from their records, beside the route."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, select

from roadworthy.errors import NotFound
from roadworthy.lifecycle.schema import releases
from roadworthy.lifecycle.steps import LIVE_STEPS, Step, find_verdict, read_steps
from roadworthy.live import Manifest, release_subject
from roadworthy.records import Store

__all__ = ["ReleaseView", "list_releases", "lock_release", "read_releases", "show_release", "view_release"]

_ID = re.compile(r"[1-9][0-9]{0,8}")


class ReleaseView(Struct, frozen=True, kw_only=True):
    """One release as it stands.

    state     created, submitted, approved or rejected; live or was_live once it was promoted
    digest    what decides: same digest, same decisions
    missing   the fields of the purpose that nobody has stated: it goes live in a trial only
    notes     what somebody should know of the act that gave this view
    warnings  what looked wrong about making it live, where the act that gave this view did
    """

    id: str
    state: str
    digest: str
    manifest: Manifest
    created_by: str
    created_at: datetime
    submitted_by: str | None
    approved_by: str | None
    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """How far approval has come, live or not: created, submitted, approved or rejected."""
        return find_verdict(self.steps)


def list_releases(store: Store) -> list[ReleaseView]:
    """Every release, the first one first."""
    champion = store.ledger.live().route.champion
    with store.reading() as connection:
        return read_releases(connection, champion)


def show_release(store: Store, release_id: str) -> ReleaseView:
    """One release. NotFound, naming those there are, where there is none of that number."""
    champion = store.ledger.live().route.champion
    with store.reading() as connection:
        return view_release(connection, release_id, champion)


def read_releases(connection: Connection, champion: str | None) -> list[ReleaseView]:
    """Every release as of this transaction, `champion` being live."""
    rows = connection.execute(select(releases).order_by(releases.c.number)).all()
    steps = read_steps(connection, [release_subject(str(row.number)) for row in rows])
    return [_view(row, steps[release_subject(str(row.number))], champion) for row in rows]


def view_release(connection: Connection, release_id: str, champion: str | None) -> ReleaseView:
    """One release as of this transaction. NotFound where there is none of that number."""
    subject = release_subject(release_id)
    row = connection.execute(select(releases).where(releases.c.number == _number(connection, release_id))).one_or_none()
    if row is None:
        raise _unknown(connection, release_id)
    return _view(row, read_steps(connection, [subject])[subject], champion)


def lock_release(connection: Connection, release_id: str) -> Row[Any]:
    """The row of a release, kept from other steps until this transaction ends. NotFound where there is none."""
    wanted = select(releases).where(releases.c.number == _number(connection, release_id)).with_for_update()
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise _unknown(connection, release_id)
    return row


def _view(row: Row[Any], steps: Sequence[Step], champion: str | None) -> ReleaseView:
    release_id = str(row.number)
    verdict = find_verdict(steps)
    was_live = any(step.step in LIVE_STEPS for step in steps)
    return ReleaseView(
        id=release_id,
        state="live" if champion == release_id else "was_live" if was_live else verdict,
        digest=row.digest,
        manifest=msgspec.convert(steps[0].details, Manifest),
        created_by=steps[0].by,
        created_at=steps[0].at,
        submitted_by=_last(steps, "submitted"),
        approved_by=_last(steps, "approved"),
        steps=tuple(steps),
        missing=msgspec.json.decode(row.missing, type=tuple[str, ...]),
    )


def _last(steps: Sequence[Step], name: str) -> str | None:
    return next((step.by for step in reversed(steps) if step.step == name), None)


def _number(connection: Connection, release_id: str) -> int:
    """The number that an id is; releases are called "1", "2" and so on, and in no other way."""
    if _ID.fullmatch(release_id) is None:
        raise _unknown(connection, release_id)
    return int(release_id)


def _unknown(connection: Connection, release_id: str) -> NotFound:
    numbers = connection.execute(select(releases.c.number).order_by(releases.c.number)).scalars()
    return NotFound(
        f"there is no release {release_id!r}",
        available=list(numbers),
        mend="`roadworthy release list` shows them; `release create` makes one",
    )
