"""One decision with all that followed it, and many found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import select

from roadworthy.access import Deed
from roadworthy.casework.acting import is_text
from roadworthy.casework.case import Case, take_case
from roadworthy.errors import NotFound, UsageError
from roadworthy.records import (
    Decision,
    Found,
    Particulars,
    Record,
    ReleaseRef,
    StatedReason,
    Wanted,
    count_applications,
    decode_payload,
    metadata,
    search_applications,
)

__all__ = [
    "DecisionView",
    "HistoryItem",
    "count_found",
    "find_decisions",
    "find_latest",
    "open_particulars",
    "read_decision",
]

_MOST = 1_000
_records = metadata.tables["records"]


class HistoryItem(Struct, frozen=True, kw_only=True):
    """One record about the application as plain data: what it says, and what of it was sealed (None once erased)."""

    record_id: str
    kind: str
    at: datetime
    actor: str
    data: Any
    sealed: Any


class DecisionView(Struct, frozen=True, kw_only=True):
    """A decision, what became of it, and the history of its application in the branches that one sees.

    status         of the application: open, answered, review, final, erased
    final_answer   a person's, else the policy's own; None for a referral that nobody answered
    final_by       the account that gave it; None where the policy did
    final_id       the record that gives it: what another answer names as the one it replaces
    latest         the id of the last decision on the application: another one where this was corrected
    adjusted       the stated columns were chosen anew, since the largest contributions did not lower the PD
    quantity       what the reasons' contributions are in: margin (log-odds of bad) or pd
    review_until   the deadline of a human review that nobody has answered
    inputs         as they came; None once erased
    """

    decision_id: str
    application_id: str
    latest: str
    status: str
    answer: str
    final_answer: str | None
    final_by: str | None
    final_id: str | None
    overridden: bool
    review_until: datetime | None
    pd: float | None
    score: float | None
    reasons: tuple[StatedReason, ...]
    quantity: str
    rules: tuple[str, ...]
    pd_at_reference: float | None
    adjusted: bool
    rows: Mapping[str, Any]
    release: ReleaseRef
    assignment: str
    branch: str | None
    applied_at: datetime | None
    decided_at: datetime
    decided_by: str
    corrects: str | None
    trial: bool
    applicant_id: str | None
    names: tuple[str, ...]
    amount: float | None
    inputs: Any
    history: tuple[HistoryItem, ...]


def read_decision(deed: Deed, decision_id: str) -> DecisionView:
    """One decision, by the id of its record. Permission decision.read, in its branch.

    NotFound for a decision of another branch, in the words for one that does not exist.
    """
    with deed.store.reading() as connection:
        case = take_case(deed, connection, decision_id, "decision.read")
    seen = list(_seen(deed, case))
    opened = open_all(deed, [case.record, *seen], erased=_is_erased(case))
    decision, particulars = case.decision, _read_particulars(opened[0])
    shared = {name: getattr(decision, name) for name in _SHARED}
    return DecisionView(
        **shared,
        decision_id=decision_id,
        application_id=case.record.subject,
        latest=case.latest_id,
        status=case.application.status,
        final_answer=case.final_answer,
        final_by=None if case.standing is None else case.standing.by,
        final_id=None if case.standing is None else case.standing.record_id,
        overridden=any(_overrides(record, decision_id) for record in case.history),
        review_until=None if case.review is None else case.review.deadline,
        decided_at=case.record.at,
        decided_by=case.record.actor,
        trial=case.record.trial,
        applicant_id=None if particulars is None else particulars.applicant_id,
        names=() if particulars is None else particulars.names,
        amount=None if particulars is None else particulars.amount,
        inputs=None if particulars is None else msgspec.json.decode(particulars.inputs),
        history=tuple(_tell(record, plain) for record, plain in zip(seen, opened[1:], strict=True)),
    )


_SHARED = tuple(field for field in Decision.__struct_fields__ if field in DecisionView.__struct_fields__)


def find_decisions(deed: Deed, wanted: Wanted, limit: int = 50, after: tuple[int, str] | None = None) -> Found:
    """Applications that fit, latest decision first, of the branches that the actor sees. Permission decision.read.

    `limit` 1 to 1,000, else UsageError; `after` is the `next` of the page before.
    """
    deed.demand("decision.read")
    if not 1 <= limit <= _MOST:
        raise UsageError(f"limit is {limit}", mend=f"1 to {_MOST:,}")
    _check_texts(after or ())
    seen = _limit(deed, wanted)
    with deed.store.reading() as connection:
        return search_applications(connection, seen, limit=limit, after=after)


def count_found(deed: Deed, wanted: Wanted, *, most: int | None = None) -> int:
    """How many applications `find_decisions` finds in all; `most` + 1 where there are more.

    Permission decision.read.
    """
    deed.demand("decision.read")
    seen = _limit(deed, wanted)
    with deed.store.reading() as connection:
        return count_applications(connection, seen, most=most)


def find_latest(deed: Deed, name: str) -> str:
    """The id of the last decision on the application of this id, or `name` itself where it is a decision's id.

    Permission decision.read. NotFound where there is neither; what it names may still be of another branch.
    """
    deed.demand("decision.read")
    decided = select(_records.c.record_id).where(_records.c.kind == "decision")
    latest = decided.where(_records.c.subject == name).order_by(_records.c.nth.desc()).limit(1)
    with deed.store.reading() as connection:
        for wanted in (latest, decided.where(_records.c.record_id == name)) if is_text(name) else ():
            found: str | None = connection.execute(wanted).scalar_one_or_none()
            if found is not None:
                return found
    raise NotFound.unseen()


def _limit(deed: Deed, wanted: Wanted) -> Wanted:
    """What is looked for, in the branches that the actor sees; UsageError where it is no text."""
    for each in structs.astuple(wanted):
        _check_texts(each if isinstance(each, Collection) else ())
    seen = wanted.branches
    if not deed.by.branches.every:
        seen = deed.by.branches.names if seen is None else deed.by.branches.names & frozenset(seen)
    return structs.replace(wanted, branches=seen)


def _check_texts(looked_for: Collection[object]) -> None:
    if not all(is_text(text) for text in looked_for if isinstance(text, str)):
        raise UsageError("what is looked for has a character that is no text")


def open_particulars(deed: Deed, record: Record, *, erased: bool) -> Particulars | None:
    """What a decision sealed about the applicant; None once it was erased."""
    return _read_particulars(open_all(deed, [record], erased=erased)[0])


def _read_particulars(plain: bytes | None) -> Particulars | None:
    return None if plain is None else decode_payload(plain, Particulars)


def open_all(deed: Deed, records: Sequence[Record], *, erased: bool) -> list[bytes | None]:
    """What each of these records sealed; None for all of them once the application was erased."""
    return [None] * len(records) if erased else deed.store.ledger.unseal(records)


def _seen(deed: Deed, case: Case) -> Iterator[Record]:
    """Of the history what is about decisions of the branches that the actor sees.

    Whoever sends an application names it, so one name may have been used in two branches.
    """
    hidden: set[str] = set()
    branch = None
    for record in case.history:
        said = msgspec.json.decode(record.payload)
        named = {said[name] for name in ("decision_id", "new_decision_id") if name in said}
        if record.kind == "decision":
            branch, named = said.get("branch"), {record.record_id}
            hidden |= set() if deed.by.branches.hold(branch) else named
        if hidden.isdisjoint(named) and (named or record.kind == "erasure" or deed.by.branches.hold(branch)):
            yield record


def _is_erased(case: Case) -> bool:
    return case.application.status == "erased"


def _overrides(record: Record, decision_id: str) -> bool:
    return record.kind == "override" and msgspec.json.decode(record.payload)["decision_id"] == decision_id


def _tell(record: Record, plain: bytes | None) -> HistoryItem:
    return HistoryItem(
        record_id=record.record_id,
        kind=record.kind,
        at=record.at,
        actor=record.actor,
        data=msgspec.json.decode(record.payload),
        sealed=None if plain is None else msgspec.json.decode(plain),
    )
