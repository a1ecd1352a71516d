"""The outcome rows that were set aside, to be mended and sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import or_, select

from roadworthy.access import Deed
from roadworthy.errors import NotFound, UsageError
from roadworthy.records import OutcomeSetAside, Particulars, decode_payload, metadata, moment

__all__ = ["AsidePage", "KeptAside", "list_outcomes_set_aside"]

_MOST = 1_000
_records = metadata.tables["records"]
_applications = metadata.tables["applications"]


class KeptAside(Struct, frozen=True, kw_only=True):
    """One row that was set aside: as it came (None once erased), who sent it, when, and the rule it failed."""

    record_id: str
    at: datetime
    actor: str
    path: str
    rule: str
    message: str
    row: Any


class AsidePage(Struct, frozen=True):
    """Rows set aside, latest first, and where the next page goes on: None where this was the last."""

    rows: tuple[KeptAside, ...]
    next: str | None


def list_outcomes_set_aside(deed: Deed, *, limit: int = 100, after: str | None = None) -> AsidePage:
    """Up to `limit` (1 to 1,000) rows that were set aside, latest first; `after` is the `next` of the page before.

    Permission set_aside.read. Who does not see every branch sees the rows they sent themselves, and those about an
    application of a branch that they see.
    """
    deed.demand("set_aside.read")
    if not 1 <= limit <= _MOST:
        raise UsageError(f"limit is {limit}", mend=f"1 to {_MOST:,}")
    if after is not None and (not after.isascii() or "\0" in after):
        raise NotFound("no page goes on there", mend="`next` of the page before")
    wanted = (
        select(_records.c.record_id, _records.c.at_us, _records.c.actor, _records.c.payload, _records.c.subject,
               _records.c.key_id, _records.c.sealed)
        .outerjoin(_applications, _records.c.subject == _applications.c.application_id)
        .where(_records.c.kind == "outcome_set_aside")
        .order_by(_records.c.record_id.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        wanted = wanted.where(_records.c.record_id < after)
    if not deed.by.branches.every:
        own = _records.c.actor == deed.by.account
        wanted = wanted.where(or_(own, deed.by.branches.filter(_applications.c.branch)))
    with deed.store.reading() as connection:
        found = connection.execute(wanted).all()
    rows = []
    shown = found[:limit]
    opened = deed.store.ledger.unseal(shown)
    for (record_id, at_us, actor, payload, *_), plain in zip(shown, opened, strict=True):
        aside = decode_payload(payload, OutcomeSetAside)
        row = None if plain is None else msgspec.json.decode(decode_payload(plain, Particulars).inputs)
        rows.append(
            KeptAside(
                record_id=record_id, at=moment(at_us), actor=actor, path=aside.path, rule=aside.rule,
                message=aside.message, row=row,
            )
        )  # fmt: skip
    return AsidePage(tuple(rows), rows[-1].record_id if len(found) > limit else None)
