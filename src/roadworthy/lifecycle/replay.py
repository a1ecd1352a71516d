"""Replay: a past decision made again, and what differs where it does not come out the same (R23)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import Struct, structs

from roadworthy.access import Deed
from roadworthy.errors import NotFound
from roadworthy.live import Again, CurrentRoute, NotAgain, decide_again, decide_all_again, is_as_hashed
from roadworthy.model import METHODS
from roadworthy.records import Decision, Record, decode_payload, encode_payload

__all__ = ["Explanation", "Replay", "compare", "explain_decision", "replay_decision"]


class Replay(Struct, frozen=True, kw_only=True):
    """A decision then and now.

    same      every bit of the decision is as it was recorded
    erased    the applicant's data were erased, so that nothing can be made again: neither the same nor different
    differs   which of data, code, model, policy and tables are not what they were:
              `data` the record is not what was hashed, `code` this program is another build, `model` and `policy` are
              not those that decided, `tables` a row or a version is another. Where none of that shows, the part that
              what came out differently comes from: the model a PD, the policy what follows from it
    fields    what of the decision is otherwise now, by its name in the record
    ulps      how far the PDs lie apart, in units of the last place; None where one of them is missing
    why       in words, where it could not be made again
    """

    decision_id: str
    application_id: str
    same: bool
    erased: bool = False
    differs: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    answer: str | None
    answer_now: str | None
    pd: float | None
    pd_now: float | None
    ulps: int | None
    release: str | None
    build: str | None
    build_now: str
    why: str = ""

    @property
    def answer_changed(self) -> bool:
        """Whether it was made again, and the answer is another."""
        return self.answer_now is not None and self.answer_now != self.answer


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What every column that the model reads adds to one decision, against the release's reference applicant.

    `contributions` add up to `output - reference_output`, in `quantity`: margin (log-odds of bad) or pd.
    """

    decision_id: str
    quantity: str
    method: str
    contributions: dict[str, float]
    output: float
    reference_output: float
    pd: float | None
    reference_pd: float


def replay_decision(deed: Deed, current: CurrentRoute, decision_id: str) -> Replay:
    """Make a recorded decision again and compare bit by bit. Permission decision.replay.

    NotFound where there is no such decision; StoreError where the store cannot be read, or its keys are not at hand.
    """
    deed.demand("decision.replay")
    [again] = decide_all_again(current, [_find(deed, decision_id)])
    return compare(again, current.build)


def explain_decision(deed: Deed, current: CurrentRoute, decision_id: str) -> Explanation:
    """Every column's contribution to a recorded decision, by the release that made it. Permission decision.read."""
    record = _find(deed, decision_id)
    deed.demand("decision.read", branch=decode_payload(record.payload, Decision).branch)
    again = decide_again(current, record)
    package = again.loaded.release.package
    explained = package.engine.explain(again.application, package.reference)
    return Explanation(
        decision_id=decision_id,
        quantity=explained.quantity,
        method=METHODS[explained.method],
        contributions=dict(zip(explained.columns, explained.contributions[0].tolist(), strict=True)),
        output=float(explained.output[0]),
        reference_output=explained.reference_output,
        pd=again.decision.pd,
        reference_pd=explained.reference_pd,
    )


def compare(again: Again | NotAgain, build: str) -> Replay:
    """What was recorded beside what this build makes of it."""
    if isinstance(again, NotAgain):
        return _tell_lost(again, build)
    then, now = again.recorded, _alike(again)
    encoded = encode_payload(now)
    # What is written in other bytes may still say the same.
    same = encoded == again.record.payload or encoded == encode_payload(then)
    return Replay(
        decision_id=again.record.record_id,
        application_id=again.record.subject,
        same=same,
        differs=() if same else _blame(again, build),
        fields=() if same else _list_fields(then, now),
        answer=then.answer,
        answer_now=now.answer,
        pd=then.pd,
        pd_now=now.pd,
        ulps=None if then.pd is None or now.pd is None else ulps_between(then.pd, now.pd),
        release=then.release.id,
        build=then.build,
        build_now=build,
    )


def ulps_between(a: float, b: float) -> int:
    """How many float64 numbers lie between two of one sign, counting one of them.

    >>> ulps_between(0.1, 0.1), ulps_between(0.1, float(np.nextafter(0.1, 1)))
    (0, 1)
    """
    return 0 if a == b else abs(int(np.float64(a).view(np.int64)) - int(np.float64(b).view(np.int64)))


def _alike(again: Again) -> Decision:
    """The decision of today, in which nothing differs for its own sake: the build, and what was not recorded then."""
    then, now = again.recorded, again.decision
    return structs.replace(now, build=then.build, method=then.method and now.method)


def _tell_lost(lost: NotAgain, build: str) -> Replay:
    then, erased = lost.recorded, lost.lost == "erased"
    return Replay(
        decision_id=lost.record.record_id,
        application_id=lost.record.subject,
        same=False,
        erased=erased,
        differs=() if erased else _blame(lost, build),
        answer=None if then is None else then.answer,
        answer_now=None,
        pd=None if then is None else then.pd,
        pd_now=None,
        ulps=None,
        release=None if then is None else then.release.id,
        build=None if then is None else then.build,
        build_now=build,
        why=str(lost.error).partition("\n")[0],
    )


def _list_fields(then: Decision, now: Decision) -> tuple[str, ...]:
    return tuple(name for name in Decision.__struct_fields__ if getattr(then, name) != getattr(now, name))


def _blame(again: Again | NotAgain, build: str) -> tuple[str, ...]:
    """What shows to be another: the record, this program, and the parts that the record names by their digests."""
    then = again.recorded
    found = []
    if not is_as_hashed(again.record):
        found.append("data")
    if then is not None and then.build != build:
        found.append("code")
    if isinstance(again, NotAgain):
        if again.lost is not None and again.lost not in found:
            found.append(again.lost)
        return tuple(found or ["data"])
    then, now = again.recorded, again.decision
    if now.release.model != then.release.model:
        found.append("model")
    if now.release.policy != then.release.policy:
        found.append("policy")
    if now.rows != then.rows:
        found.append("tables")
    if not found:
        found.append("model" if now.pd != then.pd else "policy")
    return tuple(found)


def _find(deed: Deed, decision_id: str) -> Record:
    record = deed.store.ledger.find(decision_id)
    if record is None or record.kind != "decision":
        raise NotFound(f"there is no decision {decision_id}", mend="search for it by its application")
    return record
