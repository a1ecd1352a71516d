"""Replay: a past decision made again, and what differs where it does not come out the same (R23)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import structs

from roadworthy.access import Deed
from roadworthy.errors import NotFound
from roadworthy.live import CurrentRoute, decide_again
from roadworthy.records import Decision, Record, decode_payload, encode_payload

__all__ = ["Explanation", "Replay", "explain_decision", "replay_decision"]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A decision then and now.

    same      every bit of the decision is as it was recorded
    differs   of code, model, policy and tables, those that it is due to: `code` where this program is another build,
              `tables` where a table's row is another, `model` where the PD is, `policy` where only what follows from it
              is; empty where nothing differs
    ulps      how far the PDs lie apart, in units of the last place; None where one of them is missing
    """

    decision_id: str
    same: bool
    differs: tuple[str, ...]
    answer: str
    answer_now: str
    pd: float | None
    pd_now: float | None
    ulps: int | None
    build: str
    build_now: str


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
    """Make a recorded decision again and compare bit by bit. Permission decision.replay; errors as `decide_again`."""
    deed.demand("decision.replay")
    again = decide_again(current, _find(deed, decision_id))
    then, now = again.recorded, again.decision
    alike = structs.replace(now, build=then.build)
    same = encode_payload(alike) == encode_payload(then)
    return Replay(
        decision_id=decision_id,
        same=same,
        differs=() if same else _blame(then, now),
        answer=then.answer,
        answer_now=now.answer,
        pd=then.pd,
        pd_now=now.pd,
        ulps=None if then.pd is None or now.pd is None else ulps_between(then.pd, now.pd),
        build=then.build,
        build_now=now.build,
    )


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
        method=explained.method,
        contributions=dict(zip(explained.columns, explained.contributions[0].tolist(), strict=True)),
        output=float(explained.output[0]),
        reference_output=explained.reference_output,
        pd=again.decision.pd,
        reference_pd=explained.reference_pd,
    )


def ulps_between(a: float, b: float) -> int:
    """How many float64 numbers lie between two of one sign, counting one of them.

    >>> ulps_between(0.1, 0.1), ulps_between(0.1, float(np.nextafter(0.1, 1)))
    (0, 1)
    """
    return abs(int(np.float64(a).view(np.int64)) - int(np.float64(b).view(np.int64)))


def _blame(then: Decision, now: Decision) -> tuple[str, ...]:
    found = []
    if then.build != now.build:
        found.append("code")
    if then.rows != now.rows:
        found.append("tables")
    if then.pd != now.pd:
        found.append("model")
    elif not found:
        found.append("policy")
    return tuple(found)


def _find(deed: Deed, decision_id: str) -> Record:
    record = deed.store.ledger.find(decision_id)
    if record is None or record.kind != "decision":
        raise NotFound(f"there is no decision {decision_id}", mend="search for it by its application")
    return record
