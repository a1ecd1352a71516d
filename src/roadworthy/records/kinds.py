"""What each kind of record says: one struct a kind, encoded the same way every time.

Nothing here names an applicant: who they are and what they told us is in `Particulars`, which an entry carries sealed.
A field can be added with a default; none is ever removed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from roadworthy.errors import StoreError

__all__ = [
    "KINDS",
    "Correction",
    "Decision",
    "Erasure",
    "FinalAnswer",
    "HumanReview",
    "LegalHold",
    "OutcomeEvent",
    "OutcomeSetAside",
    "Override",
    "Particulars",
    "ReleaseEvent",
    "ReleaseRef",
    "RouteEvent",
    "SlotOpened",
    "StatedReason",
    "TableVersion",
    "decode_payload",
    "encode_payload",
    "kind_of",
]

P = TypeVar("P", bound=Struct)


class Particulars(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an entry seals: the applicant, and the inputs as they came."""

    applicant_id: str | None = None
    names: tuple[str, ...] = ()
    amount: float | None = None
    inputs: msgspec.Raw = msgspec.Raw(b"{}")


class StatedReason(Struct, frozen=True):
    """One reason of a decision; `contribution` is None for a rule's reason.

    Where contributions are sampled, `error` is its standard error, and `close` says that another column's is nearer
    than that, so that which of them counted more is open.
    """

    code: str
    text: str
    column: str | None = None
    contribution: float | None = None
    error: float | UnsetType = UNSET
    close: bool | UnsetType = UNSET


class ReleaseRef(Struct, frozen=True):
    """What decided: the release, and the digests of its parts and of the tables' versions in force."""

    id: str
    model: str
    policy: str
    tables: Mapping[str, str] = {}


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one application; `subject` is the application id.

    `pd` and `score` are None where the model failed on the row (`engine_failed`). `rows` are the table rows used, by
    table. `quantity` is what contributions are in, `method` how they were computed (empty in decisions from before it
    was recorded), `language` that of the reasons' texts where it is not the policy's own. `corrects` is the record id
    of the decision that this one corrects. `build` is the digest of the description of the program and its libraries
    (in `contents`).
    """

    answer: str
    pd: float | None
    score: float | None
    release: ReleaseRef
    assignment: str = "champion"
    rules: tuple[str, ...] = ()
    reasons: tuple[StatedReason, ...] = ()
    pd_at_reference: float | None = None
    adjusted: bool = False
    quantity: str = ""
    method: str = ""
    language: str = ""
    rows: Mapping[str, Any] = {}
    branch: str | None = None
    applied_at: datetime | None = None
    corrects: str | None = None
    engine_failed: bool = False
    build: str = ""


class FinalAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the applicant got: approve, decline, counter_offer, withdrawn, incomplete or expired."""

    decision_id: str
    answer: str
    amount: float | None = None
    term: int | None = None
    rate: float | None = None
    conditions: str = ""
    note: str = ""


class Override(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person decides other than the policy did; `second` is the account that confirmed what was beyond authority."""

    decision_id: str
    answer: str
    reason_code: str
    words: str = ""
    second: str | None = None


class HumanReview(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person looks again at the applicant's request: `step` is requested or done. The applicant's view is sealed."""

    decision_id: str
    step: str
    deadline: datetime | None = None
    answer: str | None = None
    words: str = ""


class Correction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Inputs were wrong: which columns, on what evidence, and the decision made anew. The values are sealed."""

    decision_id: str
    new_decision_id: str
    columns: tuple[str, ...] = ()
    evidence: str = ""


class OutcomeEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dated fact of a loan: booked, not_taken_up, payment, days_past_due, default, recovery, closed, or bare `bad`.

    `at` is when it happened, `known_at` when it was known. `corrects` is the record id of the event it puts right.
    """

    event: str
    at: datetime
    known_at: datetime
    amount: float | None = None
    days: int | None = None
    bad: int | None = None
    corrects: str | None = None


class OutcomeSetAside(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An outcome row that was not taken, and the rule it failed; the row itself is sealed. `subject`: what it named."""

    path: str
    rule: str
    message: str


class TableVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of one version of a table (`subject`: the table): uploaded, approved, rejected, undone.

    `digest` is of the checked rows and `file` of the upload as it came (both in `contents`); `follows` is the version
    that was in force when this one was uploaded, whose rows hold before `effective`.
    """

    version: str
    step: str
    digest: str
    effective: str
    rows: int = 0
    note: str = ""
    follows: str = ""
    file: str = ""


class ReleaseEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step in a release's life (`subject`: the release): created, submitted, approved, promoted and so on."""

    step: str
    digest: str = ""
    details: Mapping[str, Any] = {}


class RouteEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The route became this, at this epoch (`subject`: route). `break_glass`: without the second person, and why."""

    epoch: int
    route: Mapping[str, Any]
    reason: str = ""
    break_glass: str | None = None


class Erasure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An applicant's data were erased (`subject`: the application): keys destroyed, exports that had them.

    `exports` are the jobs whose files held the application, as far as that can still be told, and `plain` is how many
    records about it are from before the store was encrypted: those nobody can make unreadable.
    """

    key_ids: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    ground: str = ""
    plain: int = 0


class LegalHold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold on an applicant's data was set or released (`step`; `subject`: the application), and why.

    `hold_id` is the record that set it.
    """

    step: str
    hold_id: str
    reason: str


class SlotOpened(Struct, frozen=True, kw_only=True):
    """The first row of a slot: all heads at that time, as (slot, seq, hash in hex)."""

    heads: tuple[tuple[int, int, str], ...]


KINDS: Mapping[str, type[Struct]] = {
    "decision": Decision,
    "final_answer": FinalAnswer,
    "override": Override,
    "human_review": HumanReview,
    "correction": Correction,
    "outcome_event": OutcomeEvent,
    "outcome_set_aside": OutcomeSetAside,
    "table_version": TableVersion,
    "release_event": ReleaseEvent,
    "route_event": RouteEvent,
    "erasure": Erasure,
    "legal_hold": LegalHold,
    "slot_opened": SlotOpened,
}
_NAMES = {struct: kind for kind, struct in KINDS.items()}
_ENCODER = msgspec.json.Encoder(order="deterministic")


def kind_of(payload: Struct) -> str:
    """The kind that `payload` is of.

    >>> kind_of(ReleaseEvent(step="created"))
    'release_event'
    """
    return _NAMES[type(payload)]


def encode_payload(payload: Struct) -> bytes:
    """The canonical bytes of a payload: JSON, fields in their order, keys of maps sorted, floats at full precision.

    >>> encode_payload(ReleaseEvent(step="created", details={"b": 1, "a": 0.1}))
    b'{"step":"created","details":{"a":0.1,"b":1}}'
    """
    return _ENCODER.encode(payload)


def decode_payload(payload: bytes, kind: type[P]) -> P:
    """The inverse of `encode_payload`. StoreError where the bytes are not of that kind.

    >>> decode_payload(b'{"step":"created"}', ReleaseEvent).step
    'created'
    """
    try:
        decoded: P = _decoder(kind).decode(payload)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a record is no {kind.__name__}: {error}") from error
    return decoded


@cache
def _decoder(kind: type[P]) -> msgspec.json.Decoder[P]:
    return msgspec.json.Decoder(kind)
