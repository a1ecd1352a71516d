"""The tables of every room are those that its migrations make, on both stores."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import roadworthy
from roadworthy.records import Store, metadata


def test_the_migrations_make_the_tables_that_the_code_works_with(store: Store) -> None:
    source = Path(roadworthy.__file__).parent
    rooms = {path.parent.name for path in source.glob("*/schema.py") if (path.parent / "migrations").is_dir()}
    assert rooms >= {"records", "access", "jobs", "lifecycle"}
    for room in sorted(rooms):
        import_module(f"roadworthy.{room}.schema")
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, metadata)
    assert [difference for difference in found if "alembic_version" not in repr(difference)] == []
