"""The demo's bad week, which is staged: for five days the web shop takes monthly incomes for yearly ones.

It sends a twelfth of what the applicant entered, and instalments over income twelve times too high with it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from roadworthy.casework import correct
from roadworthy.live import Decided, Reply
from roadworthy.pipeline.demo.bank import Bank, at_nine
from roadworthy.pipeline.demo.officers import Officers, read_reply

__all__ = ["BadWeek"]

_WEEKS_BEFORE_THE_END = 15
_CORRECTED = 12
_EVIDENCE = (
    "The web shop's log of that week: it took the monthly income for a yearly one, and sent a twelfth of it. The "
    "applicant's own entry, as kept there, is what is put in now."
)


class BadWeek:
    """From `first`, a Monday, to `last`, its Friday. Mended over the weekend; some are put right the Thursday after."""

    def __init__(self, end: date) -> None:
        near = end - timedelta(weeks=_WEEKS_BEFORE_THE_END)
        self.first = near - timedelta(days=near.weekday())
        self.last = self.first + timedelta(days=4)
        self._hit: list[tuple[Reply, dict[str, Any]]] = []

    def spoil(self, row: dict[str, Any], day: date) -> dict[str, Any]:
        """What the web shop made of an application that came on `day`."""
        if self._hits(row, day):
            return row | {
                "income": round(row["income"] / 12, 2),
                "debt_to_income": round(row["debt_to_income"] * 12, 4),
            }
        return row

    def take(self, reply: Reply, row: dict[str, Any], day: date) -> None:
        """Remember whom it hit; `row` is the application as the applicant made it."""
        if self._hits(row, day) and reply.answer == "decline":
            self._hit.append((reply, row))

    def plan(self, bank: Bank, officers: Officers) -> None:
        """Have olga put some of them right. The others are left for whoever tries the demo."""

        def put_right(at: datetime) -> None:
            for place, (reply, row) in enumerate(self._hit[:_CORRECTED]):
                now = at + timedelta(minutes=7 * place)
                deed = bank.deed("olga", now)
                right = {name: row[name] for name in ("income", "debt_to_income")}
                made = correct(deed, bank.current, reply.decision_id, right, _EVIDENCE)
                if isinstance(made, Decided):
                    officers.take(read_reply(made), row, now)

        bank.plan(at_nine(self.last, days=6), put_right)

    def _hits(self, row: dict[str, Any], day: date) -> bool:
        return row["channel"] == "online" and row["income"] is not None and self.first <= day <= self.last
