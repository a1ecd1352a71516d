"""Entries for tests: plausible, different from one another, and the same for the same seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from roadworthy.records import (
    Decision,
    Entry,
    FinalAnswer,
    Once,
    OutcomeEvent,
    Particulars,
    ReleaseRef,
    Route,
    RouteChange,
    StatedReason,
    encode_payload,
    kind_of,
)

__all__ = ["Entries"]

_FIRST = datetime(2026, 11, 1, 9, tzinfo=UTC)
_ANSWERS = ("approve", "refer", "decline")
_NAMES = ("Ana Núñez", "Ben O'Hara", "Chloé d'Arc", "Dieter Groß", "Ewa Łoś")


class Entries:
    """Makes entries one after the other, a second apart. Another seed makes other ids.

    >>> entries = Entries(seed=1)
    >>> entry = entries.decision("A-1")
    >>> entry.kind, entry.subject
    ('decision', 'A-1')
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # the same for the same seed is the point
        self._made = 0
        self.release = ReleaseRef(
            "1", sha256(b"model").hexdigest(), sha256(b"policy").hexdigest(), {"rates": "2026-11"}
        )

    def now(self) -> datetime:
        """A second after the last time asked."""
        self._made += 1
        return _FIRST + timedelta(seconds=self._made)

    def record_id(self) -> str:
        """An id that has the shape of a UUIDv7."""
        return str(UUID(int=(self._made << 80) | 0x7 << 76 | 0b10 << 62 | self._random.getrandbits(62)))

    def entry(self, payload: msgspec.Struct, subject: str, *, actor: str = "ana", once: Once | None = None) -> Entry:
        """Any payload as an entry."""
        return Entry(
            at=self.now(),
            record_id=self.record_id(),
            kind=kind_of(payload),
            subject=subject,
            actor=actor,
            payload=encode_payload(payload),
            once=once,
        )

    def decision(self, application_id: str | None = None, *, key: str | None = None, body: str = "") -> Entry:
        """A decision; with a `key` it is recorded once for the caller "webshop" and this `body`."""
        pd = round(self._random.betavariate(1.2, 10.0), 6)
        answer = _ANSWERS[(pd > 0.1) + (pd > 0.2)]
        reasons = tuple(
            StatedReason(
                f"R{n}", f"Reason {n} as the applicant reads it", f"column_{n}", round(self._random.gauss(0, 1), 6)
            )
            for n in range(4 if answer != "approve" else 0)
        )
        at = self.now()
        decision = Decision(
            answer=answer,
            pd=pd,
            score=round(600.0 - 100.0 * pd, 2),
            release=self.release,
            reasons=reasons,
            quantity="margin",
            branch=f"B-{self._random.randrange(20)}",
            applied_at=at,
        )
        inputs = {f"column_{n}": round(self._random.gauss(0, 1), 6) for n in range(25)}
        particulars = Particulars(
            applicant_id=f"C-{self._random.randrange(10**6)}",
            names=(self._random.choice(_NAMES),),
            amount=float(self._random.randrange(1, 200) * 100),
            inputs=msgspec.Raw(msgspec.json.encode(inputs)),
        )
        record_id = self.record_id()
        return Entry(
            record_id=record_id,
            kind="decision",
            subject=application_id or f"A-{record_id}",
            actor="webshop",
            at=at,
            payload=encode_payload(decision),
            sealed=encode_payload(particulars),
            once=None if key is None else Once("webshop", key, sha256(body.encode()).digest()),
        )

    def final_answer(self, decision: Entry, answer: str = "approve", *, actor: str = "ana") -> Entry:
        """A final answer to a decision."""
        return self.entry(FinalAnswer(decision_id=decision.record_id, answer=answer), decision.subject, actor=actor)

    def outcome(self, application_id: str, event: str = "booked") -> Entry:
        """An outcome event that was known a day after it happened."""
        at = self.now()
        return self.entry(OutcomeEvent(event=event, at=at, known_at=at + timedelta(days=1)), application_id)

    def route_change(
        self, champion: str = "1", *, at: datetime | None = None, along: tuple[Entry, ...] = ()
    ) -> RouteChange:
        """A change of route to this champion."""
        return RouteChange(
            route=Route(champion=champion, tables={"rates": "2026-11"}),
            at=at or self.now(),
            record_id=self.record_id(),
            actor="ben",
            reason=f"{champion} goes live",
            along=along,
        )
