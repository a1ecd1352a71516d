"""Applications in, recorded decisions out: the one place where decisions reach the ledger (R28, R29)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from msgspec import Struct

from roadworthy.access import EVERY_BRANCH, Branches
from roadworthy.contract import Batch, Violation, check_bodies
from roadworthy.decision import decide
from roadworthy.errors import Gone, StaleEpoch, StoreError
from roadworthy.live.current import CurrentRoute, Taken
from roadworthy.live.describing import Described, describe_decisions
from roadworthy.live.reply import ENCODER, render_reply, reply_of
from roadworthy.product import Product
from roadworthy.records import (
    Conflict,
    Entry,
    Erased,
    Once,
    Particulars,
    Record,
    Recorded,
    Replayed,
    Result,
    Wanted,
    encode_payload,
    search_applications,
    whose,
)

__all__ = ["Decided", "Envelope", "KeyTaken", "Made", "NotDecided", "body_of", "decide_and_record", "name_batch"]

_TRIES = 50
_LONGEST_ID = 255
_CLOCKS_APART = timedelta(days=1)
"""How far a caller's clock may be ahead of ours."""
# Records about these are no applications': an id of theirs would stand in the history of something else.
_RESERVED = ("route", "store", "outcomes")
_RESERVED_PREFIXES = ("release:", "table:", "package:", "slot:", "account:", "job:", "key:")
_TAKEN = Violation("$.application_id", "allowed", "is that of an application which is not among those you see")
_ERASED = Violation("$.application_id", "allowed", "is that of an application whose applicant's data were erased")
_NOTHING = msgspec.Raw(b"{}")


class Envelope(Struct, frozen=True, kw_only=True):
    """One application on its way.

    record_id   the decision's id to be (UUIDv7); also the application's id where it has none
    actor       the account that asks
    inputs      the raw columns as JSON, as they came
    applied_at  when it was made, as it came: text, or a time; now where it is None
    once        decided once for this caller and key
    corrects    the decision that this one puts right
    languages   those in which it is to state its reasons, the best first
    along       recorded with the decision, or not at all
    branches    those whose applications the account sees: another's it does not decide again
    """

    record_id: str
    actor: str
    inputs: msgspec.Raw = _NOTHING
    application_id: str | None = None
    applicant_id: str | None = None
    applied_at: str | datetime | None = None
    once: Once | None = None
    corrects: str | None = None
    languages: tuple[str, ...] = ()
    along: tuple[Entry, ...] = ()
    branches: Branches = EVERY_BRANCH


class Decided(Struct, frozen=True):
    """Decided and recorded, durably. `reply` is what the caller gets; `replayed` where that was recorded before."""

    record_id: str
    reply: bytes
    replayed: bool = False


class NotDecided(Struct, frozen=True):
    """The application breaks the contract of what is live; nothing was recorded."""

    violations: tuple[Violation, ...]


class KeyTaken(Struct, frozen=True):
    """The caller used the key for another application: `record` is what was recorded then; nothing was now."""

    record: Record


Made = Decided | NotDecided | KeyTaken | Erased


def decide_and_record(current: CurrentRoute, envelopes: Sequence[Envelope], *, now: datetime) -> list[Made]:
    """Decide applications under one route, record them in one commit, and only then answer, each in its place.

    The route is taken once for all of them, so that no two versions mix. Where it moved meanwhile, nothing was
    recorded, and all are decided again. An application that breaks the contract does not keep the others.

    `Erased` answers what came before under its key, and whose applicant's data were erased since.

    NothingLive: no release is live. OutcomeUnknown: the store broke off; ask again with the same keys. StoreError:
    nothing was recorded.
    """
    taken = current.take()
    erased: frozenset[str] = frozenset()
    for _ in range(_TRIES):
        try:
            return _attempt(current, taken, envelopes, now, erased)
        except StaleEpoch:
            taken = current.refresh()
        except Gone as gone:
            if gone.subjects <= erased:
                raise
            erased |= gone.subjects
    raise StoreError(f"the route moved {_TRIES} times while this was decided", mend="try again in a moment")


def _attempt(
    current: CurrentRoute, taken: Taken, envelopes: Sequence[Envelope], now: datetime, erased: Collection[str]
) -> list[Made]:
    loaded = taken.require()
    checked = check_bodies(loaded.contract, [body_of(envelope) for envelope in envelopes])
    refused = dict(checked.violations)
    for place, row in enumerate(checked.rows.tolist()):
        if violations := _check_envelope(checked.batch, place, now):
            refused[row] = violations
    # By the names that are recorded: a number that is sent for an id is read as a text.
    names = dict(zip(checked.rows.tolist(), checked.batch.application_id.tolist(), strict=True))
    refused |= {row: [_ERASED] for row, name in names.items() if name in erased}
    refused |= {row: [_TAKEN] for row in _find_taken(current, envelopes, names) if row not in refused}
    made: dict[int, Made] = {row: _not_decided(current, envelopes[row], refused[row]) for row in refused}
    kept = np.array([row not in refused for row in checked.rows.tolist()], dtype=bool)
    rows = checked.rows[kept].tolist()
    asked = [envelopes[row] for row in rows]
    if asked:
        batch = name_batch(checked.batch.take(kept), asked, now)
        decisions = decide(batch, loaded.release, taken.tables)
        described = describe_decisions(
            batch, decisions, loaded, taken, corrects=[envelope.corrects for envelope in asked],
            languages=[envelope.languages for envelope in asked], build=current.build,
        )  # fmt: skip
        held = [
            (row, envelope, one)
            for row, envelope, one in zip(rows, asked, described, strict=True)
            if envelope.branches.hold(one.decision.branch)
        ]
        for row in set(rows) - {row for row, _, _ in held}:
            made[row] = _not_decided(current, envelopes[row], [_elsewhere(loaded.product)])
        entries = [_entry(envelope, one, now) for _, envelope, one in held]
        appended = current.store.ledger.append(entries, epoch=taken.epoch)
        for (row, _, one), result in zip(held, appended.results, strict=True):
            made[row] = _answer(one, result, now, trial=taken.trial)
    return [made[row] for row in range(len(envelopes))]


def body_of(envelope: Envelope) -> dict[str, object]:
    """The application as a caller sends it."""
    body: dict[str, object] = {"inputs": msgspec.json.decode(envelope.inputs)}
    for name in ("application_id", "applicant_id", "applied_at"):
        value = getattr(envelope, name)
        if value is not None:
            body[name] = value
    return body


def _check_envelope(batch: Batch, place: int, now: datetime) -> list[Violation]:
    """What is wrong with an application's id and its time."""
    found = [_check_id(batch.application_id[place]), _check_name("$.applicant_id", batch.applicant_id[place])]
    latest = np.datetime64((now + _CLOCKS_APART).astimezone(UTC).replace(tzinfo=None), "us")
    late = bool(batch.applied_at[place] > latest)  # NaT is never
    return [
        *(violation for violation in found if violation is not None),
        *([Violation("$.applied_at", "range", "lies in the future")] if late else []),
    ]


def _elsewhere(product: Product) -> Violation:
    """An application of a branch that its account does not see could never be found by it again."""
    return Violation(f"$.inputs.{product.data.branch}", "allowed", "is not among the branches that you see")


def _check_id(name: str | None) -> Violation | None:
    """What is wrong with an application's id as the name of its records; None where nothing is."""
    unfit = _check_name("$.application_id", name)
    if unfit is not None or name is None:
        return unfit
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        return Violation("$.application_id", "allowed", "is a name that the store keeps for itself")
    return None


def _check_name(path: str, name: str | None) -> Violation | None:
    """What is wrong with what people are to read and find something by: marks that turn its letters round, too."""
    if name is None:
        return None
    if len(name) > _LONGEST_ID:
        return Violation(path, "text_too_long", f"is longer than {_LONGEST_ID} characters")
    if not name.isprintable() or name != name.strip():
        return Violation(path, "type", "holds signs that cannot be printed, or space around it")
    return None


def _find_taken(current: CurrentRoute, envelopes: Sequence[Envelope], names: Mapping[int, str | None]) -> list[int]:
    """The rows with the id of an application of a branch that their account does not see."""
    named = {
        row: name
        for row, name in names.items()
        if name is not None and not envelopes[row].branches.every and _check_id(name) is None
    }
    if not named:
        return []
    wanted = Wanted(application_ids=sorted(set(named.values())))
    with current.store.reading() as connection:
        found = search_applications(connection, wanted, limit=len(named)).applications
    branches = {application.application_id: application.branch for application in found}
    return [row for row, name in named.items() if name in branches and not envelopes[row].branches.hold(branches[name])]


def name_batch(batch: Batch, asked: Sequence[Envelope], now: datetime) -> Batch:
    """The batch, in which every application has an id and a time."""
    ids = [
        envelope.record_id if given is None else given
        for envelope, given in zip(asked, batch.application_id, strict=True)
    ]
    moment = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "us")
    return Batch(
        contract=batch.contract,
        columns=batch.columns,
        application_id=np.array(ids, dtype=object),
        applicant_id=batch.applicant_id,
        applied_at=np.where(np.isnat(batch.applied_at), moment, batch.applied_at),
    )


def _entry(envelope: Envelope, described: Described, now: datetime) -> Entry:
    particulars = Particulars(
        applicant_id=described.applicant_id,
        names=() if described.name is None else (described.name,),
        amount=described.amount,
        inputs=envelope.inputs,
    )
    return Entry(
        record_id=envelope.record_id,
        kind="decision",
        subject=described.application_id,
        actor=envelope.actor,
        at=now,
        payload=encode_payload(described.decision),
        sealed=encode_payload(particulars),
        whose=whose(described.applicant_id, described.application_id),
        once=envelope.once,
        along=envelope.along,
    )


def _answer(described: Described, result: Result, now: datetime, *, trial: bool) -> Made:
    match result:
        case Recorded(record_id=record_id):
            reply = reply_of(record_id, described.application_id, now, described.decision, trial=trial)
            return Decided(record_id, ENCODER.encode(reply))
        case Replayed(record=record):
            return Decided(record.record_id, render_reply(record), replayed=True)
        case Conflict(record=record):
            return KeyTaken(record)
        case Erased():
            return result


def _not_decided(current: CurrentRoute, envelope: Envelope, violations: list[Violation]) -> Made:
    """What breaks the contract of today may have been decided under that of yesterday, and is asked for again."""
    seen = None if envelope.once is None else current.store.ledger.seen(envelope.once)
    match seen:
        case Replayed(record=record):
            return Decided(record.record_id, render_reply(record), replayed=True)
        case Conflict(record=record):
            return KeyTaken(record)
        case Erased():
            return seen
    return NotDecided(tuple(violations))
