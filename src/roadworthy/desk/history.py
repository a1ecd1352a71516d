"""What happened to an application, in words: one line a record, the oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadworthy.casework import OVERRIDE_REASONS, HistoryItem
from roadworthy.desk.format import moment, money, number, percent, words
from roadworthy.desk.inputs import show_value

__all__ = ["Line", "tell_history", "tell_terms"]


@dataclass(frozen=True)
class Line:
    """One record: what was done, by whom and when; `quoted` are their own words, and what they were about."""

    record_id: str
    kind: str
    at: datetime
    actor: str
    said: str
    quoted: tuple[tuple[str, str], ...] = ()


def tell_history(history: Iterable[HistoryItem], currency: str, zone: str) -> list[Line]:
    """Every record about the application in words, outcome events among them."""
    return [
        Line(
            item.record_id, item.kind, item.at, item.actor, *_TELLERS.get(item.kind, _tell_other)(item, currency, zone)
        )
        for item in history
    ]


def tell_terms(offer: Mapping[str, Any], currency: str) -> str:
    """What an answer offers.

    >>> tell_terms({"amount": 5000.0, "term": 24, "rate": 0.069}, "EUR")
    '5,000 EUR, 24 months, 6.9% a year'
    """
    parts = []
    if offer.get("amount") is not None:
        parts.append(money(offer["amount"], currency))
    if offer.get("term") is not None:
        parts.append(f"{offer['term']} months")
    if offer.get("rate") is not None:
        parts.append(f"{number(offer['rate'] * 100, 2)}% a year")
    return ", ".join(parts)


Told = tuple[str, tuple[tuple[str, str], ...]]


def _tell_decision(item: HistoryItem, _currency: str, _zone: str) -> Told:
    data = item.data
    pd = "without a PD" if data["pd"] is None else f"PD {percent(data['pd'])}"
    anew = "Decided anew, with what was wrong put right" if data.get("corrects") else "Decided"
    return f"{anew}: {data['answer']}, {pd}, by release {data['release']['id']}", ()


def _tell_final_answer(item: HistoryItem, currency: str, _zone: str) -> Told:
    terms = tell_terms(item.data, currency)
    said = f"Final answer: {words(item.data['answer'])}" + (f", {terms}" if terms else "")
    return said, _quote(item.data, conditions="Conditions", note="Note")


def _tell_override(item: HistoryItem, _currency: str, _zone: str) -> Told:
    code = item.data["reason_code"]
    second = f", confirmed by {item.data['second']}" if item.data.get("second") else ""
    return (
        f"Override: {item.data['answer']}{second}",
        ((words(code), OVERRIDE_REASONS.get(code, "")), *_quote(item.data, words="In this case")),
    )


def _tell_review(item: HistoryItem, _currency: str, zone: str) -> Told:
    if item.data["step"] == "requested":
        until = moment(datetime.fromisoformat(item.data["deadline"]), zone) if item.data.get("deadline") else "no day"
        return f"The applicant asked for a person to look again, to be answered by {until}", _quote(
            item.sealed or {}, view="The applicant says"
        )
    answer = item.data.get("answer")
    said = "the answer stands" if answer is None else f"the answer is {words(answer)}"
    return f"Review answered: {said}", _quote(item.data, words="Found")


def _tell_correction(item: HistoryItem, _currency: str, _zone: str) -> Told:
    columns = item.data.get("columns", ())
    quoted = _quote(item.data, evidence="Evidence")
    if item.sealed is not None:
        before, after = item.sealed["before"], item.sealed["after"]
        quoted += tuple((name, f"{show_value(before.get(name))} → {show_value(after.get(name))}") for name in columns)
    return f"Corrected: {', '.join(columns)}", quoted


def _tell_outcome(item: HistoryItem, currency: str, zone: str) -> Told:
    data = item.data
    facts = [money(data["amount"], currency)] if data.get("amount") is not None else []
    facts += [f"{data['days']} days"] if data.get("days") is not None else []
    facts += [("good", "bad")[data["bad"]]] if data.get("bad") in (0, 1) else []
    happened, known = (moment(datetime.fromisoformat(data[name]), zone) for name in ("at", "known_at"))
    again = " (puts an earlier one right)" if data.get("corrects") else ""
    return f"Outcome: {', '.join([words(data['event']), *facts])}, on {happened}, known on {known}{again}", ()


def _tell_erasure(item: HistoryItem, _currency: str, _zone: str) -> Told:
    return "The applicant's data were erased", _quote(item.data, ground="Ground")


def _tell_other(item: HistoryItem, _currency: str, _zone: str) -> Told:
    return words(item.kind).capitalize(), ()


def _quote(data: Mapping[str, Any], **names: str) -> tuple[tuple[str, str], ...]:
    return tuple((title, data[name]) for name, title in names.items() if data.get(name))


_TELLERS = {
    "decision": _tell_decision,
    "final_answer": _tell_final_answer,
    "override": _tell_override,
    "human_review": _tell_review,
    "correction": _tell_correction,
    "outcome_event": _tell_outcome,
    "erasure": _tell_erasure,
}
