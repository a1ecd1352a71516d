"""Every store passes the one suite (R2, R13, R28)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import Postgres

pytest.register_assert_rewrite(
    *(f"roadworthy.testing.ledger_{part}" for part in ("appends", "faults", "refusals", "routes"))
)

from roadworthy.testing.ledger_suite import LedgerSuite  # noqa: E402  # asserts are rewritten before the import


class TestSqlite(LedgerSuite):
    @pytest.fixture
    def store_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'store.db'}"


class TestPostgres(LedgerSuite):
    @pytest.fixture
    def store_url(self, postgres: Postgres) -> str:
        return postgres.make_database()
