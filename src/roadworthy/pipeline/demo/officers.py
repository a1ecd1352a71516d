"""What the demo's officers do through the years: final answers, overrides, a review; and what they leave to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import cycle
from typing import Any

import msgspec

from roadworthy.casework import ask_review, confirm_override, give_final_answer, override, propose_override
from roadworthy.live import Decided, Reply
from roadworthy.pipeline.demo.bank import Bank, at_nine
from roadworthy.pipeline.demo.outcomes import Lending
from roadworthy.pipeline.demo.people import OTTOS_BRANCH, PEOPLE
from roadworthy.policy import Policy, find_band_starts

__all__ = ["Officers", "read_reply"]

_WAITING = timedelta(days=10)
_REMEMBERED = 2_000
_WITHDRAWN, _INCOMPLETE = 17, 23
"""Of so many referrals one is withdrawn, and of so many one stays incomplete."""
_LESS = 0.8
_NEAR = 1.6
_EVERY = timedelta(days=75)


@dataclass(frozen=True)
class _Planned:
    """An override to be made of the next decision that suits: within olga's authority, or with ben as the second."""

    answer: str
    reason_code: str
    words: str
    beyond: bool = False


_OVERRIDES = (
    _Planned("approve", "verified_income", "Payslips of six months and the tax notice show a second income."),
    _Planned("decline", "suspected_fraud", "The employer named has not existed since last year; the number is dead."),
    _Planned("approve", "known_customer", "Three loans repaid here, the last one early.", beyond=True),
    _Planned("decline", "affordability", "Maintenance payments that no column shows take a third of the income."),
    _Planned("approve", "security", "The parents guarantee; both were checked, and signed.", beyond=True),
)


@dataclass
class Officers:
    """Olga answers for every branch but Otto's. `lending` hears of every loan; `until` is the last day.

    `answers` counts what was decided on its day.
    """

    bank: Bank
    policy: Policy
    lending: Lending
    since: date
    until: date
    answers: dict[str, int] = field(default_factory=lambda: {"approve": 0, "refer": 0, "decline": 0})
    _declined: deque[tuple[Reply, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _referred: int = 0

    def __post_init__(self) -> None:
        starts = find_band_starts(self.policy)
        # They lend to those the model is least doubtful about, though a rule or the band sent them here.
        self._lend_below = (starts.not_approved + starts.cut_off) / 2
        self._near = starts.not_approved * _NEAR
        self._overrides: Iterator[_Planned] = cycle(_OVERRIDES)
        self._next = next(self._overrides)
        self._from = self.since + _EVERY / 3

    def take(self, reply: Reply, row: dict[str, Any], now: datetime) -> None:
        """See what was decided, and plan what has to be done about it."""
        match reply.answer:
            case "refer":
                self._plan_answer(reply, row, now)
            case "approve":
                self.lending.lend(reply.application_id, now.date())
            case "decline":
                self._declined.append((reply, row))
        self._consider(reply, row, now)

    def leave_waiting(self, at: datetime) -> None:
        """Otto proposes an override beyond his authority, and somebody asks for a person to look again."""
        recent = [one for one in self._declined if one[0].decided_at > at - timedelta(days=90) and not one[0].rules]
        recent = [one for one in recent if one[0].corrects is None and one[0].decided_at.date() < self.until]
        ottos = [
            one for one in recent if one[1]["branch"] == OTTOS_BRANCH and one[1]["amount"] > PEOPLE["otto"].authority
        ]
        proposed = ""
        if ottos:
            reply, _ = min(ottos, key=lambda one: one[0].pd or 1.0)
            proposed = reply.application_id
            words = "Customer for eleven years; the house is paid, and the deeds were shown here."
            deed = self.bank.deed("otto", at)
            propose_override(deed, reply.decision_id, "approve", reason_code="known_customer", words=words)
        others = [one for one in recent if one[0].application_id != proposed]
        if others:
            reply, _ = others[-1]
            later = at + timedelta(minutes=30)
            view = (
                "I started my new job in October with a better salary. The letter says that my time with the employer "
                "counts against me. Please let a person look at this."
            )
            ask_review(self.bank.deed("olga", later), reply.decision_id, view=view, deadline=later + timedelta(days=30))

    def _plan_answer(self, reply: Reply, row: dict[str, Any], now: datetime) -> None:
        self._referred += 1
        if now.date() > self.until - _WAITING:
            return
        turn = self._referred

        def answer(at: datetime) -> None:
            said, terms = self._judge(reply, row, turn)
            who = "otto" if row["branch"] == OTTOS_BRANCH else "olga"
            give_final_answer(self.bank.deed(who, at), reply.decision_id, said, **terms)
            if said in ("approve", "counter_offer"):
                self.lending.lend(reply.application_id, at.date())

        # Minutes apart, so that each has its place in the day.
        self.bank.plan(at_nine(now.date(), days=3, minutes=turn % 400), answer)

    def _judge(self, reply: Reply, row: dict[str, Any], turn: int) -> tuple[str, dict[str, Any]]:
        if turn % _WITHDRAWN == 0:
            return "withdrawn", {"note": "Bought without a loan in the end."}
        if turn % _INCOMPLETE == 0:
            return "incomplete", {"note": "Payslips were asked for twice and did not come."}
        if reply.pd is None or reply.pd >= self._lend_below:
            return "decline", {}
        if "above_merchants_limit" in reply.rules:
            less = round(row["amount"] * _LESS, -2)
            return "counter_offer", {"amount": less, "term": row["term_months"], "note": "Down payment of a fifth."}
        return "approve", {}

    def _consider(self, reply: Reply, row: dict[str, Any], now: datetime) -> None:
        """Make the next override of this decision where it is time for one, and it suits."""
        planned, today = self._next, now.date()
        if today < self._from or today > self.until - 3 * _WAITING or reply.corrects is not None or reply.rules:
            return
        against = {"approve": "decline", "decline": "approve"}[planned.answer]
        beyond = row["amount"] > PEOPLE["olga"].authority
        if reply.answer != against or beyond != planned.beyond or reply.pd is None:
            return
        if reply.pd > self._near:
            return
        self._next, self._from = next(self._overrides), today + _EVERY

        def decide_otherwise(at: datetime) -> None:
            deed, answer, code = self.bank.deed("olga", at), planned.answer, planned.reason_code
            if planned.beyond:
                proposal = propose_override(deed, reply.decision_id, answer, reason_code=code, words=planned.words)
                self.bank.plan(at + timedelta(hours=20), lambda then: self._confirm(proposal.proposal_id, reply, then))
                return
            override(deed, reply.decision_id, answer, reason_code=code, words=planned.words)
            if planned.answer == "approve":
                self.lending.lend(reply.application_id, at.date())
            else:
                self.lending.take_back(reply.application_id)

        self.bank.plan(at_nine(today, days=1, hours=3), decide_otherwise)

    def _confirm(self, proposal_id: str, reply: Reply, at: datetime) -> None:
        confirm_override(self.bank.deed("ben", at), proposal_id)
        self.lending.lend(reply.application_id, at.date())


def read_reply(made: Decided) -> Reply:
    """What was answered."""
    return msgspec.json.decode(made.reply, type=Reply)
