"""What can be shown later: the ledger and its stores. See docs/reference/records.md."""

from __future__ import annotations

from roadworthy.records.archive import ArchivedTable, Manifest, backup, read_manifest, restore
from roadworthy.records.chain import GENESIS, Verified, verify_rows
from roadworthy.records.connections import Connections
from roadworthy.records.contents import Content, drop_content, keep_content, read_content
from roadworthy.records.counting import Span, count_spans, count_waiting, read_branches, read_latest_moment
from roadworthy.records.entry import (
    Appended,
    Conflict,
    Entry,
    Erased,
    Head,
    Once,
    Page,
    Record,
    Recorded,
    Replayed,
    Result,
    whose,
)
from roadworthy.records.four_eyes import Approval, Proposal, approve, propose, read_approvals, read_proposal
from roadworthy.records.ids import new_id
from roadworthy.records.kinds import (
    KINDS,
    Correction,
    Decision,
    Erasure,
    FinalAnswer,
    HumanReview,
    LegalHold,
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
from roadworthy.records.projections import NO_APPLICATION, Application
from roadworthy.records.rebuilding import rebuild_projections
from roadworthy.records.rotating import Rotated, begin_rotation, rotate_wrapping_key
from roadworthy.records.route import Live, Route, RouteChange
from roadworthy.records.schema import metadata
from roadworthy.records.search import Found, Wanted, count_applications, read_application, search_applications
from roadworthy.records.store import Store, StoreFacts, create_store, migrate_store, open_store
from roadworthy.records.streaming import read_parts
from roadworthy.records.verifying import verify_chain
from roadworthy.records.wrapping import (
    WrappingKey,
    WrappingKeys,
    find_wrapping_keys,
    make_wrapping_file,
    new_wrapping_key,
    read_wrapping_file,
    read_wrapping_text,
)

__all__ = [
    "GENESIS",
    "KINDS",
    "NO_APPLICATION",
    "Appended",
    "Application",
    "Approval",
    "ArchivedTable",
    "Conflict",
    "Connections",
    "Content",
    "Correction",
    "Decision",
    "Entry",
    "Erased",
    "Erasure",
    "FinalAnswer",
    "Found",
    "Head",
    "HumanReview",
    "Ledger",
    "LegalHold",
    "Live",
    "Manifest",
    "Once",
    "OutcomeEvent",
    "OutcomeSetAside",
    "Override",
    "Page",
    "Particulars",
    "Proposal",
    "Record",
    "Recorded",
    "ReleaseEvent",
    "ReleaseRef",
    "Replayed",
    "Result",
    "Rotated",
    "Route",
    "RouteChange",
    "RouteEvent",
    "SlotOpened",
    "Span",
    "StatedReason",
    "Store",
    "StoreFacts",
    "TableVersion",
    "Verified",
    "Wanted",
    "WrappingKey",
    "WrappingKeys",
    "approve",
    "backup",
    "begin_rotation",
    "count_applications",
    "count_spans",
    "count_waiting",
    "create_store",
    "decode_payload",
    "drop_content",
    "encode_payload",
    "find_wrapping_keys",
    "keep_content",
    "kind_of",
    "make_wrapping_file",
    "metadata",
    "migrate_store",
    "moment",
    "new_id",
    "new_wrapping_key",
    "open_store",
    "propose",
    "read_application",
    "read_approvals",
    "read_branches",
    "read_content",
    "read_latest_moment",
    "read_manifest",
    "read_parts",
    "read_proposal",
    "read_wrapping_file",
    "read_wrapping_text",
    "rebuild_projections",
    "restore",
    "rotate_wrapping_key",
    "search_applications",
    "to_us",
    "verify_chain",
    "verify_rows",
    "whose",
]
