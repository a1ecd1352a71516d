"""What can be shown later: the ledger and its stores. See docs/reference/records.md."""

from __future__ import annotations

from roadworthy.records.connections import Connections
from roadworthy.records.entry import Appended, Conflict, Entry, Head, Once, Page, Record, Recorded, Replayed, Result
from roadworthy.records.kinds import (
    KINDS,
    Correction,
    Decision,
    Erasure,
    FinalAnswer,
    HumanReview,
    OutcomeEvent,
    OutcomeSetAside,
    Override,
    Particulars,
    ReleaseEvent,
    ReleaseRef,
    RouteEvent,
    SlotOpened,
    StatedReason,
    TableVersion,
    decode_payload,
    encode_payload,
    kind_of,
)
from roadworthy.records.ledger import Ledger
from roadworthy.records.moments import moment, to_us
from roadworthy.records.projections import Opener
from roadworthy.records.route import Live, Route, RouteChange
from roadworthy.records.schema import metadata
from roadworthy.records.store import Store, StoreFacts, create_store, migrate_store, open_store

__all__ = [
    "KINDS",
    "Appended",
    "Conflict",
    "Connections",
    "Correction",
    "Decision",
    "Entry",
    "Erasure",
    "FinalAnswer",
    "Head",
    "HumanReview",
    "Ledger",
    "Live",
    "Once",
    "Opener",
    "OutcomeEvent",
    "OutcomeSetAside",
    "Override",
    "Page",
    "Particulars",
    "Record",
    "Recorded",
    "ReleaseEvent",
    "ReleaseRef",
    "Replayed",
    "Result",
    "Route",
    "RouteChange",
    "RouteEvent",
    "SlotOpened",
    "StatedReason",
    "Store",
    "StoreFacts",
    "TableVersion",
    "create_store",
    "decode_payload",
    "encode_payload",
    "kind_of",
    "metadata",
    "migrate_store",
    "moment",
    "open_store",
    "to_us",
]
