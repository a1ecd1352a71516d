"""What happens to connections when a store is closed (R30)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from roadworthy.records import Store


@pytest.mark.parametrize("way", ["reader", "writer"])
def test_a_connection_in_use_when_the_store_is_closed_is_closed_when_it_comes_back(store: Store, way: str) -> None:
    """Work in the background may outlive the store: what it held must not be left to the garbage collector."""
    engine = getattr(store.connections, way)
    with engine.connect() as connection:
        held: Any = connection.connection.driver_connection
        store.close()
        assert connection.execute(text("SELECT 1")).scalar_one() == 1, "what is under way is not cut off"
    with pytest.raises(Exception, match="clos"):
        held.cursor().execute("SELECT 1")


def test_after_it_was_closed_a_store_opens_anew_at_the_next_use(store: Store) -> None:
    store.close()
    with store.reading() as connection:
        first: Any = connection.connection.driver_connection
    with store.reading() as connection:
        assert connection.connection.driver_connection is first, "and keeps what it opened then"
