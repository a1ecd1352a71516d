"""What became of those whom the demo's bank lent to, told month by month, as it became known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from roadworthy.outcomes import record_outcomes
from roadworthy.pipeline.demo.bank import Bank, at_nine
from roadworthy.portfolio import Portfolio

__all__ = ["Lending"]

_REPORTED_AFTER = timedelta(days=30)


@dataclass
class Lending:
    """The loans of the live years by application: what is still to be told of each, out of what the portfolio knows."""

    bank: Bank
    portfolio: Portfolio
    loans: dict[str, tuple[date, date | None]] = field(default_factory=dict)
    """By application the day it was booked, and the day it defaulted: on whichever day that was, or None."""
    told: int = 0
    _to_tell: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        truth = pl.DataFrame(pl.from_arrow(self.portfolio.truth))
        wanted = truth.select("application_id", "booked_on", "defaulted_on", "exposure_at_default")
        self._truth = {row[0]: row[1:] for row in wanted.iter_rows()}

    def lend(self, application_id: str, day: date) -> None:
        """It was lent on `day`, or is to be: paid out when the applicant came for it, the day after at the soonest."""
        booked, defaulted, exposure = self._truth[application_id]
        booked = max(booked, day + timedelta(days=1))
        self.loans[application_id] = (booked, defaulted)
        common = {"application_id": application_id}
        events = [common | {"event": "booked", "at": booked, "known_at": booked}]
        if defaulted is not None and defaulted > booked:
            known = defaulted + _REPORTED_AFTER
            events.append(common | {"event": "default", "at": defaulted, "known_at": known, "amount": exposure})
        self._to_tell[application_id] = [event for event in events if event["known_at"] <= self.portfolio.end]

    def take_back(self, application_id: str) -> None:
        """It was not lent after all."""
        self.loans.pop(application_id, None)
        self._to_tell.pop(application_id, None)

    def plan(self, since: date) -> None:
        """Have omar tell each month's events on the second of the next."""
        month = since
        while month <= self.portfolio.end:
            month = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
            self.bank.plan(at_nine(month, days=1), self._tell)

    def _tell(self, at: datetime) -> None:
        first = at.date().replace(day=1)
        rows = []
        for application_id, events in list(self._to_tell.items()):
            rows += [event for event in events if event["known_at"] < first]
            later = [event for event in events if event["known_at"] >= first]
            if later:
                self._to_tell[application_id] = later
            else:
                del self._to_tell[application_id]
        if rows:
            rows.sort(key=lambda event: (event["known_at"], event["application_id"]))
            self.told += record_outcomes(self.bank.deed("omar", at), rows).recorded
