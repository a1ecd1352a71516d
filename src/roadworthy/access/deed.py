"""A deed: something that is done to a store by somebody, at a moment, and leaves a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from msgspec import Struct
from sqlalchemy import Connection

from roadworthy.access.actor import Actor
from roadworthy.access.permissions import ANYWHERE, Anywhere, demand
from roadworthy.records import Entry, Once, Result, Store, encode_payload, kind_of

__all__ = ["Deed"]


@dataclass(frozen=True)
class Deed:
    """Who acts on which store, and when; `new_id` gives record ids (UUIDv7 as text).

    What the house does for somebody takes a deed first and demands its own permission of it, so that every door obeys
    the same rule. `now` is the moment of the whole deed; a deed is used once.
    """

    store: Store
    by: Actor
    now: datetime
    new_id: Callable[[], str]

    @cached_property
    def trial(self) -> bool:
        """Whether the store is a trial. Asks the store the first time: not while a connection is held."""
        return self.store.facts().trial

    def demand(self, permission: str, *, branch: str | Anywhere | None = ANYWHERE) -> None:
        """Nothing where the actor may; else NotAllowed."""
        demand(self.by, permission, branch=branch)

    def entry(
        self,
        payload: Struct,
        subject: str,
        *,
        sealed: bytes | None = None,
        whose: str | None = None,
        once: Once | None = None,
        along: tuple[Entry, ...] = (),
    ) -> Entry:
        """`payload` about `subject`, done by this actor now, as the ledger takes it; `sealed` under `whose` key."""
        return Entry(
            record_id=self.new_id(),
            kind=kind_of(payload),
            subject=subject,
            actor=self.by.account,
            at=self.now,
            payload=encode_payload(payload),
            sealed=sealed,
            whose=whose,
            once=once,
            along=along,
        )

    def record(
        self,
        payload: Struct,
        subject: str,
        *,
        sealed: bytes | None = None,
        whose: str | None = None,
        once: Once | None = None,
        along: tuple[Entry, ...] = (),
        within: Connection | None = None,
    ) -> Result:
        """Record it, durably when this returns (`within` a transaction: when that does). Errors as `Ledger.append`."""
        entry = self.entry(payload, subject, sealed=sealed, whose=whose, once=once, along=along)
        return self.store.ledger.append([entry], within=within).results[0]
