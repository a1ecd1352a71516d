"""A desk of a test module's own, on SQLite, and who works on its jobs: for what would show on everybody's pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from roadworthy.batch import job_handlers
from roadworthy.jobs import Runner
from roadworthy.records import new_id
from tests.desk.conftest import Desk, open_desk

__all__ = ["desk", "runner"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as made:
        yield made


@pytest.fixture(scope="module")
def runner(desk: Desk) -> Runner:
    house = desk.house
    return Runner(house.store, job_handlers(house.current, house.clock), worker="one", clock=house.clock,
                  new_id=lambda: new_id(house.clock()))  # fmt: skip
