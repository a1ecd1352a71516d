"""What `roadworthy doctor` looks at: each look finds something well, worth a note, or at fault; none changes it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from roadworthy.cli.acting import tell_time
from roadworthy.errors import RoadworthyError
from roadworthy.settings import Settings, read_settings

if TYPE_CHECKING:
    from roadworthy.records import Store

__all__ = ["FAULT", "NOTE", "OK", "Finding", "examine"]

OK, NOTE, FAULT = "ok", "note", "fault"
_LITTLE_SPACE = 1 << 30
_NO_SPACE = 100 << 20
_AHEAD = timedelta(minutes=5)


class Finding(Struct, frozen=True):
    """What was looked at, how it is (ok, note or fault), in words, and the mend."""

    about: str
    state: str
    says: str
    mend: str | None = None


def examine(directory: Path) -> list[Finding]:
    """Every look, in order; what rests on something that is at fault is left out."""
    return list(_examine(directory))


def _examine(directory: Path) -> Iterator[Finding]:
    yield Finding("python", OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        settings = read_settings(directory)
    except RoadworthyError as error:
        yield _fault("settings", error)
        return
    yield Finding("settings", OK, f"store {settings.shown()['store']}; {settings.workers} worker(s)")
    yield from _look_at_files(settings)
    yield from _look_at_disk(settings)
    yield _look_at_library()
    try:
        from roadworthy.cli.acting import open_product_store

        store = open_product_store(settings)
    except RoadworthyError as error:
        yield _fault("store", error)
        return
    with store:
        try:
            yield from _look_at_store(store, settings)
            yield from _look_at_release(store, settings)
        except RoadworthyError as error:
            yield _fault("store", error)


def _look_at_library() -> Finding:
    """SQLite itself: before 3.51.3 two connections that write the log back at once can damage the file."""
    from pysqlite3 import dbapi2

    version = dbapi2.sqlite_version
    if dbapi2.sqlite_version_info < (3, 51, 3):
        return Finding(
            "sqlite", FAULT, f"the library is {version}, which can damage a store", "pip install -U pysqlite3"
        )
    return Finding("sqlite", OK, f"the library is {version}")


def _look_at_files(settings: Settings) -> Iterator[Finding]:
    from roadworthy.erasure import keys_of
    from roadworthy.records.key_files import read_key_file

    if not settings.signing_key_file.exists():
        says = f"there is none at {settings.signing_key_file}: no heads are signed, so a cut tail could not be shown"
        yield Finding("signing key", NOTE, says, "roadworthy heads rotate, or put the key back")
    else:
        try:
            read_key_file(settings.signing_key_file)
        except RoadworthyError as error:
            yield _fault("signing key", error)
    try:
        keys = keys_of(settings)
    except RoadworthyError as error:
        yield _fault("wrapping key", error)
        return
    if keys is None:
        says = f"there is none at {settings.wrapping_key_file}: what the store seals from now on is not encrypted"
        yield Finding("wrapping key", NOTE, says, "roadworthy keys new, or put the key back")
    elif len(keys.keys) > 1:
        yield Finding("wrapping key", NOTE, "a rotation was begun and is not done", "roadworthy keys rotate")
    else:
        yield Finding("wrapping key", OK, f"{keys.newest.key_id}, in {keys.where}")


def _look_at_disk(settings: Settings) -> Iterator[Finding]:
    if not settings.store.startswith("sqlite:"):
        return
    folder = Path(settings.store.removeprefix("sqlite:///")).parent
    if not folder.is_dir():
        yield Finding("disk", FAULT, f"there is no folder {folder}", "make it, or name another store")
        return
    free = shutil.disk_usage(folder).free
    says = f"{free / (1 << 30):,.1f} GiB free where the store is"
    state = FAULT if free < _NO_SPACE else NOTE if free < _LITTLE_SPACE else OK
    yield Finding("disk", state, says, "make room before it is full" if state != OK else None)


def _look_at_store(store: Store, settings: Settings) -> Iterator[Finding]:
    facts = store.facts()
    kind = "a trial: nothing in it goes live for real" if facts.trial else "for real use"
    yield Finding("store", NOTE if facts.trial else OK, f"made {facts.created_at:%Y-%m-%d}, {kind}")
    try:
        read_only = store.transact(
            lambda connection: (
                connection.dialect.name == "postgresql"
                and connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
            )
        )
    except Exception as error:  # noqa: BLE001  # drivers say it in their own ways, and each of them is the finding
        said = str(error).splitlines()[0]
        yield Finding("store", FAULT, f"cannot be written: {said}", "let the user that runs this write the store")
        return
    if read_only:
        yield Finding("store", FAULT, "cannot be written: it is a read-only replica", "name the primary server")
    if settings.store.startswith("postgresql:"):
        yield from _look_at_server(store)
    with store.reading() as connection:
        from roadworthy.records import metadata, moment

        newest = connection.exec_driver_sql(f"SELECT max(at_us) FROM {metadata.tables['records'].name}").scalar_one()  # noqa: S608  # our own name
    if newest is not None and moment(newest) > tell_time() + _AHEAD:
        ahead = moment(newest) - tell_time()
        yield Finding("clock", FAULT, f"the newest record was made {ahead} from now", "set this machine's clock (NTP)")
    else:
        yield Finding("clock", OK, f"{tell_time():%Y-%m-%d %H:%M:%S} UTC, not before the newest record")


def _look_at_server(store: Store) -> Iterator[Finding]:
    """What a PostgreSQL server must be left with for what is acknowledged to be durable."""
    with store.reading() as connection:
        wrong = [
            f"{name} is {value}"
            for name, wanted in (("fsync", "on"), ("full_page_writes", "on"), ("data_sync_retry", "off"))
            if (value := connection.exec_driver_sql(f"SHOW {name}").scalar_one()) != wanted
        ]
    if wrong:
        says = f"{', '.join(wrong)}: a crash can lose what was acknowledged"
        yield Finding("server", FAULT, says, "leave them as PostgreSQL comes")
    else:
        yield Finding("server", OK, "writes what it says it has written")


def _look_at_release(store: Store, settings: Settings) -> Iterator[Finding]:
    from roadworthy.live import CurrentRoute, warm_up
    from roadworthy.product import missing_purpose

    try:
        taken = CurrentRoute(store, trusted_types=settings.trusted).refresh()
        if taken.champion is None:
            yield Finding("release", NOTE, "none is live yet", "roadworthy release promote N")
            return
        warm_up(taken.champion, taken.tables)
    except RoadworthyError as error:
        yield _fault("release", error)
        return
    champion = taken.champion
    yield Finding("release", OK, f"{champion.id} is live, loads and decides")
    changed = champion.release.package.check_golden()
    if changed:
        says = f"{changed} PDs kept at sealing differ in their last bits on this build"
        yield Finding("release", NOTE, says, "run the libraries that `roadworthy inspect` names")
    if missing := missing_purpose(champion.product):
        yield Finding("purpose", NOTE if store.facts().trial else FAULT, f"not stated: {', '.join(missing)}")
    if taken.route.stopped:
        yield Finding("route", NOTE, "stopped: every application goes to a person", "roadworthy resume")


def _fault(about: str, error: RoadworthyError) -> Finding:
    where = "" if error.where is None else f"{error.where}: "
    return Finding(about, FAULT, f"{where}{error.message}", error.mend)
