"""Which contract a table is checked against: the one that the live release pins, else the newest that any pins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection

from roadworthy.contract import Contract, parse_contract
from roadworthy.errors import NotFound
from roadworthy.lifecycle.views import ReleaseView, read_releases
from roadworthy.live import Manifest, read_bytes
from roadworthy.product import Product, parse_product
from roadworthy.records import Store

__all__ = ["Pinned", "describe_table", "find_pinned", "list_tables"]


@dataclass(frozen=True)
class Pinned:
    """A table's contract as a release pins it, and the product whose days it takes effect by."""

    contract: Contract
    product: Product


def find_pinned(connection: Connection, name: str, champion: str | None) -> Pinned:
    """The contract of a table. NotFound, naming the tables there are, where no release reads it.

    A rejected release has no say.
    """
    releases = _read_readers(connection, champion)
    for release in releases:
        if name in release.manifest.tables:
            return _read_pinned(connection, name, release.manifest)
    raise NotFound(
        f"no release reads a table '{name}'",
        available=sorted({table for release in releases for table in release.manifest.tables}),
        mend=f"describe it in tables/{name}.yaml and make a release of it",
    )


def list_tables(store: Store) -> tuple[str, ...]:
    """The names of the tables that a release reads, in their order; a rejected release has no say."""
    champion = store.ledger.live().route.champion
    with store.reading() as connection:
        releases = _read_readers(connection, champion)
    return tuple(sorted({name for release in releases for name in release.manifest.tables}))


def describe_table(store: Store, name: str) -> Contract:
    """The contract that an upload of this table is checked against. NotFound where no release reads it."""
    champion = store.ledger.live().route.champion
    with store.reading() as connection:
        return find_pinned(connection, name, champion).contract


def _read_readers(connection: Connection, champion: str | None) -> list[ReleaseView]:
    """The releases that have a say in what a table looks like: the live one, then the newest first."""
    releases = [release for release in read_releases(connection, champion) if release.verdict != "rejected"]
    return sorted(releases, key=lambda release: (release.id == champion, int(release.id)), reverse=True)


def _read_pinned(connection: Connection, name: str, manifest: Manifest) -> Pinned:
    contract = read_bytes(connection, manifest.tables[name], f"the contract of table {name}")
    product = read_bytes(connection, manifest.product, "the product")
    return _parse(name, contract, product)


@lru_cache(maxsize=16)
def _parse(name: str, contract: bytes, product: bytes) -> Pinned:
    """The files read. The same ones are asked for at every step of a version, and never change."""
    return Pinned(parse_contract(contract.decode(), f"tables/{name}.yaml"), parse_product(product.decode()))
