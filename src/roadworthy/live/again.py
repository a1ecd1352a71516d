"""A recorded decision made again from its record alone: the release and the tables' versions that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from roadworthy.contract import Batch, check_bodies
from roadworthy.decision import decide
from roadworthy.errors import DataError, UsageError
from roadworthy.live.current import CurrentRoute, Taken
from roadworthy.live.deciding import Envelope, NotDecided, body_of, name_batch
from roadworthy.live.describing import STOPPED, describe_decisions
from roadworthy.live.loading import Loaded
from roadworthy.records import Decision, Particulars, Record, Route, decode_payload

__all__ = ["Again", "decide_again", "decide_changed", "open_particulars"]


@dataclass(frozen=True)
class Again:
    """A decision as it is made today: `recorded` is what was made then, `application` what both were made from."""

    recorded: Decision
    decision: Decision
    loaded: Loaded
    application: Batch


def decide_again(current: CurrentRoute, record: Record) -> Again:
    """Decide the application of a decision's record by the release, and with the tables' versions, that it names.

    Nothing is recorded. UsageError where the record is no decision. DataError where the applicant's data are erased, or
    no longer keep to the release's own contract. StoreError where the store lacks a part.
    """
    again = _decide(current, record, {}, under_stop=True)
    if isinstance(again, NotDecided):
        first = again.violations[0]
        raise DataError(f"what was recorded breaks the contract: {first.path} {first.message}", where=record.record_id)
    return again


def decide_changed(current: CurrentRoute, record: Record, changed: Mapping[str, Any]) -> Again | NotDecided:
    """What would have been decided, had the columns of `changed` come with these values; None is missing.

    By the release and with the tables' versions that decided, as if the stop switch had been open. Nothing is recorded.
    NotDecided where the values break the contract; errors as `decide_again`.
    """
    return _decide(current, record, changed, under_stop=False)


def _decide(
    current: CurrentRoute, record: Record, changed: Mapping[str, Any], *, under_stop: bool
) -> Again | NotDecided:
    if record.kind != "decision":
        raise UsageError(f"the record {record.record_id} is a {record.kind}, not a decision")
    recorded = decode_payload(record.payload, Decision)
    particulars = open_particulars(current, record)
    if particulars is None:
        raise DataError("the applicant's data are erased", where=record.record_id)
    loaded = current.load(recorded.release.id)
    tables = dict(recorded.release.tables)
    route = Route(champion=loaded.id, tables=tables, stopped=under_stop and recorded.assignment == STOPPED)
    taken = Taken(record.epoch or 0, route, loaded, current.read_tables(loaded, tables))
    envelope = Envelope(
        record_id=record.record_id,
        actor=record.actor,
        inputs=_put(particulars.inputs, changed),
        application_id=record.subject,
        applicant_id=particulars.applicant_id,
        applied_at=recorded.applied_at,
        corrects=recorded.corrects,
    )
    checked = check_bodies(loaded.contract, [body_of(envelope)])
    if checked.violations:
        return NotDecided(tuple(checked.violations[0]))
    batch = name_batch(checked.batch, [envelope], record.at)
    decisions = decide(batch, loaded.release, taken.tables)
    [described] = describe_decisions(batch, decisions, loaded, taken, corrects=[recorded.corrects], build=current.build)
    return Again(recorded, described.decision, loaded, batch)


def _put(inputs: msgspec.Raw, changed: Mapping[str, Any]) -> msgspec.Raw:
    """The inputs with some of them changed; the very same where none is."""
    if not changed:
        return inputs
    return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(inputs) | dict(changed)))


def open_particulars(current: CurrentRoute, record: Record) -> Particulars | None:
    """What a record seals; None where its key is destroyed or it seals nothing."""
    if record.sealed is None:
        return None
    plain = record.sealed
    if record.key_id is not None:
        opened = current.store.ledger.opener(record.key_id, plain)
        if opened is None:
            return None
        plain = opened
    return decode_payload(plain, Particulars)
