"""The current route, taken once for each batch: its release ready to decide, and its tables read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from roadworthy.contract import Batch
from roadworthy.decision import Table, decide
from roadworthy.errors import NothingLive, UsageError
from roadworthy.live.build import describe_build
from roadworthy.live.loading import Loaded, load_release
from roadworthy.live.manifest import read_manifest
from roadworthy.live.tables import read_table_version
from roadworthy.records import Live, Route, Store, keep_content

__all__ = ["CurrentRoute", "Taken", "warm_up"]

_KEPT = 8


@dataclass(frozen=True)
class Taken:
    """The route as it was at one epoch. `champion` is None where nothing is live; `trial`: the store is one."""

    epoch: int
    route: Route
    champion: Loaded | None
    tables: Mapping[str, Table]
    trial: bool = False

    def require(self) -> Loaded:
        """The champion; NothingLive where there is none."""
        if self.champion is None:
            raise NothingLive
        return self.champion


class CurrentRoute:
    """The route of one store. Any thread may take it; releases and tables are loaded once and kept.

    What `take` gives may be behind: the append says so (StaleEpoch), and `refresh` makes it current again.
    """

    def __init__(self, store: Store, *, trusted_types: tuple[str, ...] = ()) -> None:
        self.store = store
        self._trusted_types = trusted_types
        self._lock = threading.Lock()
        self._taken: Taken | None = None
        self._releases: OrderedDict[tuple[str, str], Loaded] = OrderedDict()
        self._tables: OrderedDict[tuple[str, ...], Table] = OrderedDict()

    @cached_property
    def store_id(self) -> str:
        """The id of the store."""
        return self.store.facts().store_id

    @property
    def trial(self) -> bool:
        """Whether the store is a trial."""
        return self.take().trial

    @cached_property
    def build(self) -> str:
        """The digest of what this program is made of, described in the store's contents."""
        return self.store.transact(lambda connection: keep_content(connection, describe_build(), "application/json"))

    def take(self) -> Taken:
        """The route as it was when last looked at; looks where nobody has yet, and where nothing was live."""
        taken = self._taken
        return self.refresh() if taken is None or taken.champion is None else taken

    def refresh(self) -> Taken:
        """The route now. Its release and tables are loaded before it takes the place of the one before."""
        with self._lock:
            now = self.store.ledger.live()
            # Before anything is live the store may still become a trial, and after that it does not.
            if self._taken is None or self._taken.champion is None or self._taken.epoch != now.epoch:
                self._taken = self._load(now)
            return self._taken

    def load(self, release_id: str) -> Loaded:
        """A release of this store, from memory where it was loaded before."""
        with self._lock:
            return self._load_release(release_id)

    def warm(self) -> Taken:
        """The route now, its release having decided once, so that the first application does not wait for it."""
        taken = self.refresh()
        _ = self.build
        if taken.champion is not None:
            warm_up(taken.champion, taken.tables)
        return taken

    def _load(self, now: Live) -> Taken:
        trial = self.store.facts().trial
        if now.route.champion is None:
            return Taken(now.epoch, now.route, None, {}, trial)
        champion = self._load_release(now.route.champion)
        return Taken(now.epoch, now.route, champion, self._read_tables(champion, now.route.tables), trial)

    def _load_release(self, release_id: str) -> Loaded:
        with self.store.reading() as connection:
            manifest = read_manifest(connection, release_id)
            key = (release_id, manifest.release)
            if key not in self._releases:
                self._releases[key] = load_release(connection, release_id, trusted_types=self._trusted_types)
        self._releases.move_to_end(key)
        while len(self._releases) > _KEPT:
            self._releases.popitem(last=False)
        return self._releases[key]

    def read_tables(self, loaded: Loaded, versions: Mapping[str, str]) -> dict[str, Table]:
        """The tables that a release reads, in these versions; UsageError names one that has none."""
        with self._lock:
            return self._read_tables(loaded, versions)

    def _read_tables(self, loaded: Loaded, versions: Mapping[str, str]) -> dict[str, Table]:
        tables = {}
        for contract in loaded.release.tables:
            version = versions.get(contract.name)
            if version is None:
                raise UsageError(
                    f"the release reads the table '{contract.name}', of which no version is in force",
                    available=versions,
                    mend=f"roadworthy tables upload {contract.name} FILE --effective DATE, and have it approved",
                )
            key = (contract.name, version, loaded.manifest.tables[contract.name], loaded.product.time_zone)
            if key not in self._tables:
                with self.store.reading() as connection:
                    self._tables[key] = read_table_version(connection, contract, loaded.product, version)
            self._tables.move_to_end(key)
            tables[contract.name] = self._tables[key]
        while len(self._tables) > _KEPT * max(len(tables), 1):
            self._tables.popitem(last=False)
        return tables


def warm_up(loaded: Loaded, tables: Mapping[str, Table]) -> None:
    """Decide the reference applicant and the golden rows, and explain: kernels are compiled, the arrays in memory."""
    golden: Batch
    golden, _ = loaded.release.package.golden()
    decide(golden, loaded.release, tables)
    decide(loaded.release.package.reference, loaded.release, tables)
    # Those rows may all be approved, and reasons are asked for of others only.
    loaded.release.package.explain(loaded.release.package.reference)
