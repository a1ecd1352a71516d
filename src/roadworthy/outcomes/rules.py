"""What the facts about one loan say together: what stands, what was put right, and what cannot both be so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from roadworthy.outcomes.row import BARE, Fault, Outcome
from roadworthy.records import Application

__all__ = ["ADD_UP", "NOT_GRANTED", "Known", "Loan", "find_fault", "is_repeated"]

NOT_GRANTED = frozenset(("decline", "withdrawn", "incomplete", "expired"))
"""Answers after which nothing is lent."""
ADD_UP = frozenset(("payment", "recovery"))
"""Events of which several on one day, known at once, are several."""
_OVER_WHEN_CLOSED = frozenset(("days_past_due", "default"))

Day = Callable[[int], date]


@dataclass(frozen=True)
class Known:
    """A fact that is on record."""

    record_id: str
    fact: Outcome


@dataclass
class Loan:
    """An application with everything that is on record about how it turned out."""

    application: Application
    known: list[Known] = field(default_factory=list)

    @property
    def granted(self) -> bool:
        """Whether the last answer, a person's before the policy's, left anything to be taken up."""
        return (self.application.final_answer or self.application.answer) not in NOT_GRANTED

    def standing(self) -> Iterator[Known]:
        """The facts that nothing put right: neither by name nor by being told later of the same event and time."""
        corrected = {known.fact.corrects for known in self.known}
        latest: dict[tuple[str, int], int] = {}
        for known in self.known:
            place = (known.fact.event, known.fact.at_us)
            latest[place] = max(known.fact.known_us, latest.get(place, known.fact.known_us))
        for known in self.known:
            fact = known.fact
            if known.record_id not in corrected and fact.known_us == latest[fact.event, fact.at_us]:
                yield known


def is_repeated(fact: Outcome, loan: Loan) -> bool:
    """Whether this is on record: exactly, standing or not; or it stands, known no later than it is told again."""
    if any(known.fact == fact for known in loan.known):
        return True
    told = _told(fact)
    return fact.corrects is None and any(
        known.fact.known_us <= fact.known_us and _told(known.fact) == told for known in loan.standing()
    )


def _told(fact: Outcome) -> tuple[object, ...]:
    return fact.event, fact.at_us, fact.amount, fact.days, fact.bad


def find_fault(fact: Outcome, loan: Loan, day: Day) -> Fault | None:
    """The first reason why `fact` cannot be so beside what is known of the loan; `day` gives a time's local day."""
    standing = list(loan.standing())
    if fact.corrects is not None:
        fault = _check_correction(fact, loan, standing)
        if fault is not None:
            return fault
        standing = [known for known in standing if known.record_id != fact.corrects]
    same = [known.fact for known in standing if (known.fact.event, known.fact.at_us) == (fact.event, fact.at_us)]
    others = [known.fact for known in standing if known.fact not in same]
    if fact.event not in ADD_UP and any(other.known_us == fact.known_us for other in same):
        return _contradiction("another row says otherwise of the same event and time, and was known at the same time")
    if not loan.granted and (fact.event == "booked" or (fact.event == BARE and not _of(others, "booked"))):
        answer = loan.application.final_answer or loan.application.answer
        return Fault("$.event", "not_approved", f"the last answer to this application is {answer}: nothing was lent")
    return _CHECKS.get(fact.event, _check_performance)(fact, others, loan, day)


def _check_correction(fact: Outcome, loan: Loan, standing: Sequence[Known]) -> Fault | None:
    wrong = next((known for known in loan.known if known.record_id == fact.corrects), None)
    if wrong is None:
        return Fault("$.corrects", "no_such_record", "no outcome of this application has this record id")
    if wrong not in standing:
        return Fault("$.corrects", "contradictory", "this record was put right already: correct the one that did it")
    if fact.known_us < wrong.fact.known_us:
        return Fault("$.known_at", "known_too_early", "a correction is known no earlier than what it puts right")
    return None


def _check_booking(fact: Outcome, others: Sequence[Outcome], _loan: Loan, day: Day) -> Fault | None:
    if _of(others, "not_taken_up"):
        return _contradiction("this application was not taken up")
    if _of(others, "booked"):
        return _contradiction(f"it was booked on {day(_of(others, 'booked')[0].at_us)}: correct that record")
    earlier = [other for other in others if day(other.at_us) < day(fact.at_us)]
    if earlier:
        return Fault(
            "$.at", "before_booking", f"{earlier[0].event} on {day(earlier[0].at_us)} would lie before booking"
        )
    return None


def _check_not_taken_up(_fact: Outcome, others: Sequence[Outcome], _loan: Loan, day: Day) -> Fault | None:
    lent = [other for other in others if other.event != "not_taken_up"]
    return _contradiction(f"{lent[0].event} on {day(lent[0].at_us)} says it was taken up") if lent else None


def _check_performance(fact: Outcome, others: Sequence[Outcome], _loan: Loan, day: Day) -> Fault | None:
    if _of(others, "not_taken_up"):
        return _contradiction("this application was not taken up")
    booked = _of(others, "booked")
    if not booked:
        return Fault("$.event", "before_booking", "no booking of this application is known: send booked first")
    if day(fact.at_us) < day(booked[0].at_us):
        return Fault("$.at", "before_booking", f"it was booked on {day(booked[0].at_us)}")
    if fact.event in ("default", "closed") and _of(others, fact.event):
        first = day(_of(others, fact.event)[0].at_us)
        return _contradiction(f"{fact.event} is known on {first}: correct that record")
    closed = _of(others, "closed")
    if fact.event in _OVER_WHEN_CLOSED and closed and day(fact.at_us) > day(closed[0].at_us):
        return _contradiction(f"it was closed on {day(closed[0].at_us)}")
    later = [other for other in others if other.event in _OVER_WHEN_CLOSED and day(other.at_us) > day(fact.at_us)]
    if fact.event == "closed" and later:
        return _contradiction(f"{later[0].event} on {day(later[0].at_us)} came after")
    return None


def _check_bare(fact: Outcome, others: Sequence[Outcome], loan: Loan, day: Day) -> Fault | None:
    if _of(others, "not_taken_up"):
        return _contradiction("this application was not taken up")
    booked = _of(others, "booked")
    start = booked[0].at_us if booked else loan.application.applied_us
    if start is not None and day(fact.at_us) < day(start):
        came = "booked" if booked else "applied for, and no booking is known"
        return Fault("$.at", "before_booking", f"it was {came} on {day(start)}; send booked_at beside bad")
    if any(other.known_us == fact.known_us and other.bad != fact.bad for other in _of(others, BARE)):
        return _contradiction("bad 0 and bad 1 were known at the same time")
    return None


_CHECKS: dict[str, Callable[[Outcome, Sequence[Outcome], Loan, Day], Fault | None]] = {
    "booked": _check_booking,
    "not_taken_up": _check_not_taken_up,
    BARE: _check_bare,
}


def _of(facts: Sequence[Outcome], event: str) -> list[Outcome]:
    return [fact for fact in facts if fact.event == event]


def _contradiction(message: str) -> Fault:
    return Fault("$.event", "contradictory", message)
