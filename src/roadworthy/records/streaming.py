"""Reading very many rows, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select

__all__ = ["read_parts"]


def read_parts(
    connection: Connection, wanted: Select[Any], *, at_once: int = 20_000
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows of `wanted` in parts of up to `at_once`, as the driver gives them: SQLite knows no truth, only 0 and 1.

    Of a million rows most of the time would go into the objects that SQLAlchemy makes of each.
    """
    if not connection.in_transaction():
        connection.begin()
    words = str(wanted.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    raw: Any = connection.connection.driver_connection
    # On a server the rows stay there until they are fetched.
    cursor = raw.cursor("parts") if connection.dialect.name == "postgresql" else raw.cursor()
    try:
        cursor.execute(words)
        while rows := cursor.fetchmany(at_once):
            yield rows
    finally:
        cursor.close()
