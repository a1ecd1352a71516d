"""The tables of access are those that its migration makes, on both stores."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from roadworthy.access.schema import accounts
from roadworthy.records import Store


def test_the_migrations_make_the_tables_that_the_code_works_with(shared_store: Store) -> None:
    with shared_store.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), accounts.metadata)
    differences = [difference for difference in found if "alembic_version" not in repr(difference)]
    assert differences == []
