"""One file a store: how it connects, locks, claims keys and writes many rows. `find_adapter` finds them by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from roadworthy.errors import UsageError
from roadworthy.records.connections import Connections
from roadworthy.records.ledger import Ledger
from roadworthy.records.wrapping import WrappingKeys

__all__ = ["Adapter", "find_adapter"]


class Adapter(NamedTuple):
    """What an adapter file calls `ADAPTER`: `connect(url, create)` and the ledger it gives."""

    connect: Callable[[URL, bool], Connections]
    ledger: Callable[[Connections, WrappingKeys | None], Ledger]


def find_adapter(url: str) -> tuple[Adapter, URL]:
    """The adapter for a store's address, by the name before `://`. UsageError where there is none."""
    known = sorted(module.name for module in iter_modules(__path__))
    try:
        address = make_url(url)
    except ArgumentError:
        name = "no store's address"
    else:
        name = address.get_backend_name()
        if name in known:
            adapter: Adapter = import_module(f"{__name__}.{name}").ADAPTER
            return adapter, address
    raise UsageError(
        f"{name!r} is no store", where="store", available=known, mend="sqlite:///FILE or postgresql://HOST/NAME"
    )
