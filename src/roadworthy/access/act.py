"""An act that changes who may do what: it is done and recorded in one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from roadworthy.access.actor import BREAK_GLASS, Actor
from roadworthy.errors import UsageError
from roadworthy.records import Entry, Ledger, encode_payload, to_us

__all__ = ["ACCESS_EVENT", "AccessEvent", "Act", "Recorder", "record_in"]

ACCESS_EVENT = "access_event"
"""The kind of record that `record_in` makes; its subject is `account:NAME` or `store`."""


class AccessEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of who may do what: the step, the credential it was done with, and what it changed.

    No secret, no hash of one and no password is in it; a key is named by its id. `reason` is given where somebody went
    around the rule (break-glass).
    """

    step: str
    credential: str
    details: Mapping[str, Any] = {}
    reason: str = ""


@dataclass(frozen=True)
class Act:
    """What every change of access needs: the open transaction, who does it, when, where it is recorded, and why."""

    connection: Connection
    by: Actor
    now: datetime
    recorder: Recorder
    reason: str = ""

    def __post_init__(self) -> None:
        if self.by.credential == BREAK_GLASS and not self.reason.strip():
            raise UsageError("whoever breaks the glass says why", mend="give the reason")

    @property
    def now_us(self) -> int:
        """The moment as the store keeps it."""
        return to_us(self.now)

    def record(self, step: str, subject: str, **details: Any) -> None:
        """Record a step on `subject` in the act's own transaction."""
        self.recorder(
            self, subject, AccessEvent(step=step, credential=self.by.credential, details=details, reason=self.reason)
        )


Recorder = Callable[[Act, str, AccessEvent], None]
"""Writes an event about a subject in the act's transaction; where it raises, the act is undone with it."""


def record_in(ledger: Ledger, new_id: Callable[[], str]) -> Recorder:
    """The recorder that appends to the ledger; `new_id` gives record ids (UUIDv7 as text)."""

    def record(act: Act, subject: str, event: AccessEvent) -> None:
        entry = Entry(
            record_id=new_id(),
            kind=ACCESS_EVENT,
            subject=subject,
            actor=act.by.account,
            at=act.now,
            payload=encode_payload(event),
        )
        ledger.append([entry], within=act.connection)

    return record
