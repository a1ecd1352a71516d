"""Places to break things in: a store on a file, and one on a PostgreSQL server of its own, which may be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stores import Postgres, running_postgres

LONG = bool(os.environ.get("LONG_TESTS"))
"""Whether the promises are shown at full length."""


@dataclass(frozen=True)
class Place:
    """Where a store can be made. SQLite is served by one process; PostgreSQL by two, and is itself one to kill."""

    url: str
    folder: Path
    postgres: Postgres | None

    @property
    def name(self) -> str:
        return "SQLite" if self.postgres is None else "PostgreSQL"

    @property
    def replicas(self) -> int:
        return 1 if self.postgres is None else 2


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[Postgres]:
    """A server that nobody else uses."""
    with running_postgres(fsync=False) as server:
        if server is None:
            pytest.skip("no initdb and postgres on this machine")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, None)
    server: Postgres = request.getfixturevalue("mortal_postgres")
    return Place(server.make_database(), tmp_path, server)
