"""What every act on a decision has: a receipt, once for each key, and words that can be kept."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from sqlalchemy import Connection

from roadworthy.access import Deed
from roadworthy.errors import Gone, Refused, UsageError
from roadworthy.records import Conflict, Entry, Erased, Once, Recorded, Result

__all__ = ["Receipt", "check_words", "is_text", "record_once"]

_MOST = 4_000


class Receipt(Struct, frozen=True):
    """The act is on record under this id; `replayed` where the same was sent before under its key."""

    record_id: str
    replayed: bool = False


def record_once(deed: Deed, once: Once | None, make: Callable[[Connection], Entry]) -> Receipt:
    """Record the entry that `make` gives, in one transaction with what it looked at; once for each key.

    Refused where the key was used for something else; Gone where for something that was erased since; and whatever
    `make` raises.
    """
    ledger = deed.store.ledger
    if once is not None and (seen := ledger.seen(once)) is not None:
        return _receipt(seen)
    try:
        return _receipt(
            deed.store.transact(lambda connection: ledger.append([make(connection)], within=connection).results[0])
        )
    except Refused:
        # Whoever sent the same at the same moment, and was quicker, is why this one came too late.
        if once is None or (seen := ledger.seen(once)) is None:
            raise
        return _receipt(seen)


def _receipt(result: Result) -> Receipt:
    if isinstance(result, Recorded):
        return Receipt(result.record_id)
    if isinstance(result, Conflict):
        raise Refused("this key was used for something else", mend="use a key once for each act")
    if isinstance(result, Erased):
        raise Gone([result.record.subject], where=result.record.subject)
    return Receipt(result.record.record_id, replayed=True)


def check_words(name: str, words: str, *, needed: bool = False) -> str:
    """`words` without space around them; UsageError where they are too many, no text, or needed and not there."""
    words = words.strip()
    if needed and not any(sign.isalnum() for sign in words):
        raise UsageError(f"{name} says nothing", mend=f"say it in words: {name}")
    if len(words) > _MOST:
        raise UsageError(f"{name} has {len(words):,} characters", mend=f"{_MOST:,} at most")
    if not is_text(words):
        raise UsageError(f"{name} has a character that is no text")
    return words


def is_text(words: str) -> bool:
    """Whether every store can keep it, and look for it: no NUL, no half of a character."""
    return "\0" not in words and not any("\ud800" <= sign <= "\udfff" for sign in words)
