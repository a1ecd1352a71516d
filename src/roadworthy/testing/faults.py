"""Faults put into a store on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from roadworthy.records import Store

__all__ = ["break_commit"]


@contextmanager
def break_commit(store: Store, *, arrives: bool) -> Iterator[None]:
    """The next commit of this store's writer fails: the way to the store breaks after it arrived, or before."""
    dialect: Any = store.connections.writer.dialect
    commit = dialect.do_commit

    def fail(connection: Any) -> None:
        dialect.do_commit = commit
        if arrives:
            commit(connection)
        raise store.connections.driver_error("the way to the store broke")

    dialect.do_commit = fail
    try:
        yield
    finally:
        dialect.do_commit = commit
