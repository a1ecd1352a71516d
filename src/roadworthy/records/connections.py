"""The two ways into a store: reading, and one transaction that is durable when it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Connection, Engine, Table, event, exc
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from roadworthy.errors import OutcomeUnknown, StoreError, Unwritable

__all__ = ["Connections", "Verdict"]

T = TypeVar("T")
_TRIES = 10
_IN_TURN_FROM = 3


class Verdict(Enum):
    """What an error of the driver means for the transaction it broke."""

    AGAIN = "lost a race; rolled back, and worth another try"
    BUSY = "another writer kept the store too long; nothing was written"
    UNWRITABLE = "the store has no room, or may only be read; nothing was written"
    REFUSED = "the database said no to this statement; nothing was written"
    BROKEN = "the store or the way to it failed; a commit on its way may or may not have arrived"


class Connections(ABC):
    """Engines of one store. An adapter makes them, judges its driver's errors, and writes many rows at once."""

    driver_error: ClassVar[type[Exception]]

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self.writer = writer
        self.reader = reader
        self._closed = 0
        for engine in (writer, reader):
            event.listen(engine, "connect", self._count)
            event.listen(engine, "checkin", self._take_back)

    @abstractmethod
    def judge(self, error: BaseException) -> Verdict:
        """What the driver's error means."""

    @abstractmethod
    def keep_route(self, connection: Connection) -> None:
        """Keep the route from changing until this transaction ends, beside any other that does the same."""

    @abstractmethod
    def keep_still(self, connection: Connection) -> None:
        """Keep everyone from appending, and the route from changing, until this transaction ends."""

    @abstractmethod
    def clear_way(self) -> bool:
        """Cut off another writer that keeps the store and says nothing more; whether there was one."""

    @abstractmethod
    def scrub(self) -> str | None:
        """Let what was deleted or overwritten leave the store's own files; what of it may remain, in words."""

    @abstractmethod
    def insert(self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
        """Insert rows (every column, in the table's order) in one statement; `conflict` is an ON CONFLICT clause."""

    @abstractmethod
    def select_in(self, connection: Connection, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Rows of `sql`, in which `{values}` stands for a subquery with the texts in its one column `value`."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction: one snapshot for as long as it is open. StoreError: the store cannot be read."""
        try:
            with self.reader.connect() as connection:
                yield connection
        except (DBAPIError, self.driver_error) as error:
            raise StoreError(f"the store cannot be read: {_cause(error)}") from error
        except exc.TimeoutError as error:
            raise _all_in_use() from error

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; when this returns, what it wrote is durable.

        Tried again where another writer won a race (after three races with nobody else appending), so `work` may run
        more than once and must have no effect outside the store. Fails closed: after any fault of the store all
        connections are closed, and opened anew at the next use. StoreError: nothing was written (Unwritable:
        there is no room). OutcomeUnknown: nobody knows. Errors of integrity pass through as they are.
        """
        for tried in range(_TRIES):
            try:
                return self._attempt(work, alone=tried >= _IN_TURN_FROM)
            except _LostRaceError as lost:
                race = lost
        raise StoreError(f"the store lost {_TRIES} races in a row; nothing was written") from race.__cause__

    def close(self) -> None:
        """Close every connection that is not in use; those in use close when they come back."""
        self._closed += 1
        self.writer.dispose()
        self.reader.dispose()

    def _attempt(self, work: Callable[[Connection], T], *, alone: bool) -> T:
        try:
            connection = self.writer.connect()
        except (DBAPIError, self.driver_error) as error:
            refusal = _REFUSALS.get(self.judge(_cause(error)))
            if refusal is not None:
                raise refusal(_cause(error)) from error
            raise StoreError(f"the store cannot be reached: {_cause(error)}") from error
        except exc.TimeoutError as error:
            raise _all_in_use() from error
        with connection:
            try:
                connection.begin()
                if alone:
                    self.keep_still(connection)
                done = work(connection)
                connection.commit()
            except (DBAPIError, self.driver_error) as error:
                verdict = self.judge(_cause(error))
                if verdict is Verdict.BROKEN:
                    self._reopen(connection)
                    raise OutcomeUnknown(
                        f"the store broke off: {_cause(error)}", mend="ask again with the same key"
                    ) from error
                self._undo(connection)
                if verdict is Verdict.AGAIN or (verdict is Verdict.BUSY and self.clear_way()):
                    raise _LostRaceError from error
                refusal = _REFUSALS.get(verdict)
                if refusal is not None:
                    raise refusal(_cause(error)) from error
                raise
            except BaseException:
                self._undo(connection)
                raise
        return done

    def _count(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        """Remember how often the store had been closed when this connection was opened."""
        entry.info["opened_after"] = self._closed

    def _take_back(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        """Close what was opened before the last closing: its pool is gone, and nobody else would."""
        if entry.info.get("opened_after") != self._closed:
            entry.invalidate()

    def _undo(self, connection: Connection) -> None:
        """Roll back; where even that fails, the server does it once the connection is gone."""
        try:
            connection.rollback()
        except (DBAPIError, self.driver_error):
            connection.invalidate()

    def _reopen(self, connection: Connection) -> None:
        connection.invalidate()
        self.close()


class _LostRaceError(Exception):
    pass


def _busy(_cause: BaseException) -> StoreError:
    return StoreError("another writer keeps the store; nothing was written", mend="try again in a moment")


_REFUSALS: Mapping[Verdict, Callable[[BaseException], StoreError]] = {
    Verdict.BUSY: _busy,
    Verdict.UNWRITABLE: Unwritable,
}


def _all_in_use() -> StoreError:
    return StoreError(
        "every connection to the store is in use; nothing was written",
        mend="try again in a moment; inside a transaction, use its own connection",
    )


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
