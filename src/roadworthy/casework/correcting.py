"""Inputs that were wrong are put right by a decision made anew; the old one stays, linked to it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from roadworthy.access import Deed
from roadworthy.casework.acting import check_words
from roadworthy.casework.case import Case, take_case
from roadworthy.casework.reading import open_particulars
from roadworthy.errors import Gone, Refused, UsageError
from roadworthy.live import CurrentRoute, Envelope, KeyTaken, Made, decide_and_record
from roadworthy.records import Correction, Erased, Once, whose

__all__ = ["CorrectedValues", "correct"]

_CALLER = "correction:"


class CorrectedValues(Struct, frozen=True):
    """The corrected columns as they were and as they are; sealed."""

    before: dict[str, Any]
    after: dict[str, Any]


def correct(
    deed: Deed,
    current: CurrentRoute,
    decision_id: str,
    inputs: Mapping[str, Any],
    evidence: str,
    once: Once | None = None,
) -> Made:
    """Decide an application anew, with what was wrong put right. Permission decision.correct, in its branch.

    inputs    the columns that were wrong, with their right values; None is missing. The others stay as they came
    evidence  what shows it

    It is decided under the route of today, with the tables' rows of the day of the application. The new decision and
    the correction (which columns, on what evidence; the values sealed) are recorded together. The answer that a person
    gave to the old one does not carry over. Only the last decision on an application is corrected, and once: the same
    correction again gives the decision it led to (`Decided.replayed`). `once` tells a repeat by the caller's own
    digest.

    Refused where the decision was corrected otherwise, where nothing differs, and while a review is asked for; Gone
    once the applicant's data were erased. NotAllowed, UsageError; NothingLive and the store's errors as
    `decide_and_record`.
    """
    deed.demand("decision.correct")
    evidence = check_words("evidence", evidence, needed=True)
    with deed.store.reading() as connection:
        case = take_case(deed, connection, decision_id, "decision.correct")
    right = _plain(inputs)
    digest = sha256(msgspec.json.encode([right, evidence], order="deterministic")).digest()
    # A decision is corrected once, whoever does it and by whatever key: two at once cannot both follow it.
    claim = Once(_CALLER, decision_id, digest if once is None else once.digest)
    if deed.store.ledger.find_once(_CALLER, decision_id) is None:
        case.demand_open()
        case.demand_no_review()
    envelope = _envelope(deed, case, right, evidence, claim)
    (made,) = decide_and_record(current, [envelope], now=deed.now)
    if isinstance(made, KeyTaken):
        raise Refused(
            "this decision was corrected already, otherwise",
            where=decision_id,
            mend=f"correct the decision that followed it: {made.record.record_id}",
        )
    if isinstance(made, Erased):
        raise Gone(where=decision_id)
    return made


def _plain(inputs: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(inputs)), type=dict[str, Any])
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"the inputs cannot be written down: {error}", mend="columns by name, as JSON has them"
        ) from None
    return plain


def _envelope(deed: Deed, case: Case, right: dict[str, Any], evidence: str, claim: Once) -> Envelope:
    particulars = open_particulars(deed, case.record, erased=case.application.status == "erased")
    if particulars is None:
        raise Gone(where=case.decision_id)
    before: dict[str, Any] = msgspec.json.decode(particulars.inputs)
    after = before | right
    columns = tuple(sorted(name for name, value in right.items() if _differs(value, before.get(name))))
    if not columns:
        raise Refused("nothing differs from what was decided on", where=case.decision_id)
    record_id = deed.new_id()
    key = whose(particulars.applicant_id, case.record.subject)
    correction = Correction(decision_id=case.decision_id, new_decision_id=record_id, columns=columns, evidence=evidence)
    values = CorrectedValues({name: before.get(name) for name in columns}, {name: right[name] for name in columns})
    return Envelope(
        record_id=record_id,
        actor=deed.by.account,
        inputs=msgspec.Raw(msgspec.json.encode(after)),
        application_id=case.record.subject,
        applicant_id=particulars.applicant_id,
        applied_at=case.decision.applied_at,
        once=claim,
        corrects=case.decision_id,
        languages=(case.decision.language,) if case.decision.language else (),
        along=(deed.entry(correction, case.record.subject, sealed=msgspec.json.encode(values), whose=key),),
    )


def _differs(value: object, other: object) -> bool:
    """Whether two values of a column differ; true is not 1."""
    return value != other or isinstance(value, bool) != isinstance(other, bool)
