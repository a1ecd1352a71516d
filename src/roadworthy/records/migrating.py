"""Bringing a store's tables to what this version expects.

Each room that keeps tables has its migrations in a folder `migrations/versions` of its own, as a branch of its own,
whose first revision depends on the rooms below. All of it runs in one transaction under a lock: killed at any step, the
store is as it was, and migrates again.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from roadworthy import __version__
from roadworthy.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

__all__ = ["check_revision", "read_revisions", "run_migrations", "wanted_revisions"]

_ROOMS = Path(__file__).resolve().parent.parent


def run_migrations(connection: Connection, to: tuple[str, ...] = ("heads",)) -> None:
    """Bring the store's tables up to these revisions, inside the transaction of `connection`.

    StoreError where they are, or are to be, at one of a newer version.
    """
    from alembic import command  # loads on use: a second of imports that nothing else needs

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7610, 2)")
    _check_known((*read_revisions(connection), *(revision for revision in to if revision != "heads")))
    config = _config()
    config.attributes["connection"] = connection
    for revision in to:
        command.upgrade(config, revision)


def read_revisions(connection: Connection) -> tuple[str, ...]:
    """The revisions the store's tables are at; none in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return ()
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version ORDER BY version_num")
    return tuple(found.scalars())


@cache
def wanted_revisions() -> tuple[str, ...]:
    """The revisions this version of the program works with; what another one depends on goes without saying."""
    from alembic.util import to_tuple  # the same

    scripts = _scripts()
    implied = {name for script in scripts.walk_revisions() for name in to_tuple(script.dependencies, default=())}
    return tuple(sorted(set(scripts.get_heads()) - implied))


def check_revision(connection: Connection) -> None:
    """StoreError where the store's tables are not those of this version."""
    found = read_revisions(connection)
    if not found:
        raise StoreError("there is no store in this database", mend="create it first")
    _check_known(found)
    if found != wanted_revisions():
        raise StoreError(
            f"the store's tables are at {', '.join(found)}; this version works with {', '.join(wanted_revisions())}",
            mend="roadworthy migrate (after a backup), or the version that made the store",
        )


def _check_known(found: tuple[str, ...]) -> None:
    """StoreError where a revision is none that this version has ever heard of: a newer one made it."""
    known = {script.revision for script in _scripts().walk_revisions()}
    if not known.issuperset(found):
        raise StoreError(
            f"the store's tables are of a newer version: they are at {', '.join(found)}, and Roadworthy {__version__} "
            f"works with {', '.join(wanted_revisions())}",
            mend=(
                "run the version of Roadworthy that made it, or a later one; or restore a backup from before it was "
                "migrated"
            ),
        )


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # the same

    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    from alembic.config import Config  # the same

    config = Config()
    config.set_main_option("script_location", str(_ROOMS / "records" / "migrations"))
    config.set_main_option("path_separator", "os")
    folders = sorted(str(folder) for folder in _ROOMS.glob("*/migrations/versions"))
    config.set_main_option("version_locations", os.pathsep.join(folders))
    return config
