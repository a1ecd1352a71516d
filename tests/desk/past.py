"""A past for a desk: weeks of decisions, recorded as of when they were made, one of them odd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from roadworthy.records import Decision, Entry, Particulars, ReleaseRef, StatedReason, Store, encode_payload
from roadworthy.testing.entries import Entries

__all__ = ["BEGIN", "ODD", "WEEKS", "live_late", "live_past"]

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)
"""A Monday: the first week's where nothing else is said."""
WEEKS = 20
ODD = 17
"""The place of the odd week, counted from 0: it declines 30 of 60, where every other declines 6.

Always for high debts; of its own accord for a low income too, which one decline in six states otherwise.
"""


def live_past(store: Store, begin: datetime = BEGIN) -> None:
    """Twenty weeks of 60 decisions, half of them in the branch N and half in S; what is odd is all in S."""
    entries = Entries(seed=99)
    past = []
    for week in range(WEEKS):
        declined = 30 if week == ODD else 6
        for place in range(60):
            answer = "decline" if place >= 60 - declined else "refer" if place < 6 else "approve"
            branch = "N" if place < 30 else "S"
            at = begin + timedelta(weeks=week, hours=2 * place)
            low = answer == "decline" and (week == ODD or place == 59)
            past.append(_decide(entries, f"past-{week:02d}-{place:02d}", at, answer, branch, low_income=low))
    store.ledger.append(past)


def live_late(store: Store, week: int, branch: str) -> None:
    """One more decision, so many weeks after the first."""
    at = BEGIN + timedelta(weeks=week)
    store.ledger.append([_decide(Entries(seed=98), f"late-{week}", at, "approve", branch)])


def _decide(entries: Entries, name: str, at: datetime, answer: str, branch: str, *, low_income: bool = False) -> Entry:
    release = ReleaseRef("1", "m", "p")
    pd = {"approve": 0.05, "refer": 0.15, "decline": 0.5}[answer]
    reasons = (
        StatedReason("debt", "Debts are high", "debt", 0.4),
        StatedReason("income", "Income is low", "income", 0.3),
    )
    stated = reasons[: 1 + low_income] if answer == "decline" else ()
    decision = Decision(answer=answer, pd=pd, score=600.0, release=release, branch=branch, reasons=stated)
    entry = entries.entry(decision, name)
    return msgspec.structs.replace(entry, at=at, sealed=encode_payload(Particulars(amount=1000.0)))
