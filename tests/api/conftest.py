from __future__ import annotations

from collections.abc import Iterator

import pytest

from roadworthy.records import create_store
from tests.api.house import Client, House
from tests.stores import MADE, another_store_url, postgres

__all__ = ["client", "house", "postgres"]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A lender with a release live, on each store: made once, since that takes longer than most tests."""
    url = another_store_url(request.param, request, tmp_path_factory.mktemp("store"))
    with create_store(url, store_id="a-store", at=MADE) as store:
        made = House(store)
        made.hire_everybody()
        made.go_live()
        yield made


@pytest.fixture(scope="session")
def client(house: House) -> Iterator[Client]:
    with house.client() as client:
        yield client
