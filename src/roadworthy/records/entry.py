"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from roadworthy.errors import UsageError
from roadworthy.records.moments import moment, to_us

__all__ = [
    "Appended",
    "Conflict",
    "Entry",
    "Erased",
    "Head",
    "Once",
    "Page",
    "Record",
    "Recorded",
    "Replayed",
    "Result",
    "whose",
]

_LONGEST = 255
_UUID_LENGTH = 36


class Once(Struct, frozen=True):
    """A promise that what comes under (`caller`, `key`) is recorded once. `digest` is the caller's HMAC of the body.

    Of an entry that is sealed under an applicant's key the ledger keeps an HMAC of the digest under that key.
    """

    caller: str
    key: str
    digest: bytes


class Entry(Struct, frozen=True, kw_only=True):
    """One fact to be recorded.

    record_id   UUIDv7 as text, given by the caller, unique in the store
    kind        what it is: see `roadworthy.records.kinds`
    subject     what it is about: an application id, a release, a table's name, "route"
    actor       the account that did it
    at          when, timezone-aware; never used for order
    payload     canonical bytes (`encode_payload`)
    sealed      what says something about a person, as bytes; ciphertext under `key_id` where one is named
    whose       whose key the ledger seals it under as it is appended: see `whose`; plain in a store without keys
    once        recorded once for this caller and key; `along` shares its fate
    along       entries recorded right behind it, or not at all
    """

    record_id: str
    kind: str
    subject: str
    actor: str
    at: datetime
    payload: bytes
    sealed: bytes | None = None
    key_id: str | None = None
    whose: str | None = None
    once: Once | None = None
    along: tuple[Entry, ...] = ()


class Record(Struct, frozen=True, gc=False):
    """One row of the ledger, as it is hashed. `previous` is the hash of the row before it in its slot."""

    slot: int
    seq: int
    record_id: str
    kind: str
    subject: str
    nth: int
    actor: str
    at_us: int
    epoch: int | None
    trial: bool
    payload: bytes
    key_id: str | None
    sealed: bytes | None
    previous: bytes
    hash: bytes

    @property
    def at(self) -> datetime:
        """When it was recorded, by the actor's clock."""
        return moment(self.at_us)


class Head(Struct, frozen=True):
    """The last row of one writer slot."""

    slot: int
    seq: int
    hash: bytes


class Recorded(Struct, frozen=True):
    """The entry is in the ledger, durably, at this place."""

    record_id: str
    slot: int
    seq: int
    hash: bytes


class Replayed(Struct, frozen=True):
    """The same caller sent the same body under the same key before: `record` is what was recorded then."""

    record: Record


class Conflict(Struct, frozen=True):
    """The same caller used the key for another body: `record` is what was recorded then; nothing was recorded now."""

    record: Record


class Erased(Struct, frozen=True):
    """The same caller used the key before, for what was erased since: nobody can tell any more what the body was."""

    record: Record


Result = Recorded | Replayed | Conflict | Erased


class Appended(Struct, frozen=True):
    """What became of each entry of a batch, in its order."""

    results: tuple[Result, ...]

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """Those that are new."""
        return tuple(result for result in self.results if isinstance(result, Recorded))


class Page(Struct, frozen=True):
    """Records behind a cursor, and the cursor behind them: the last seq read of each slot."""

    records: tuple[Record, ...]
    cursor: Mapping[int, int]


def whose(applicant_id: str | None, application_id: str) -> str:
    """Whose key seals what is about an application: the applicant's, or its own where it names none.

    >>> whose("C-9", "A-1"), whose(None, "A-1")
    ('applicant:C-9', 'application:A-1')
    """
    return f"applicant:{applicant_id}" if applicant_id else f"application:{application_id}"


def check_entry(entry: Entry) -> int:
    """`entry.at` in microseconds. UsageError where a field cannot be kept."""
    if len(entry.record_id) != _UUID_LENGTH:
        raise UsageError(f"the record id {entry.record_id!r} is not a UUID as text")
    for name, text in (("kind", entry.kind), ("subject", entry.subject), ("actor", entry.actor)):
        check_text(name, text)
    if entry.once is not None:
        check_text("caller", entry.once.caller)
        check_text("key", entry.once.key)
    if entry.key_id is not None and entry.sealed is None:
        raise UsageError("an entry names a key and seals nothing", where=entry.record_id)
    if entry.key_id is not None and entry.whose is not None:
        raise UsageError("an entry is sealed, and is to be sealed again", where=entry.record_id)
    return to_us(entry.at)


def check_text(name: str, text: str) -> None:
    """UsageError unless `text` is 1 to 255 characters that every store can keep: no NUL, no lone surrogates."""
    if not 0 < len(text) <= _LONGEST:
        raise UsageError(f"the {name} of a record has {len(text)} characters", mend=f"1 to {_LONGEST} characters")
    if "\0" in text or not (text.isascii() or all(c < "\ud800" or c > "\udfff" for c in text)):
        raise UsageError(f"the {name} of a record has a character that is no text: {text!a}")
