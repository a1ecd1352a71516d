"""How the processes of a test open its store: apart, so that they need not load what the tests do."""

from __future__ import annotations

from roadworthy.live import CurrentRoute
from roadworthy.records import WrappingKeys, open_store, read_wrapping_text

__all__ = ["keys", "reopen"]


def keys() -> WrappingKeys:
    return read_wrapping_text("rww_" + "k" * 43, "a test")


def reopen(url: str) -> CurrentRoute:
    return CurrentRoute(open_store(url, keys=keys()))
