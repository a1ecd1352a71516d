"""Which contract a table is checked against: the one that the live release pins, else the newest that any pins."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from roadworthy.contract import Contract, parse_contract
from roadworthy.errors import UsageError
from roadworthy.lifecycle.views import read_releases
from roadworthy.live import Manifest, read_bytes
from roadworthy.product import Product, parse_product

__all__ = ["Pinned", "find_pinned"]


@dataclass(frozen=True)
class Pinned:
    """A table's contract as a release pins it, and the product whose days it takes effect by."""

    contract: Contract
    product: Product


def find_pinned(connection: Connection, name: str, champion: str | None) -> Pinned:
    """The contract of a table. UsageError, naming the tables there are, where no release reads it.

    A rejected release has no say.
    """
    releases = [release for release in read_releases(connection, champion) if release.verdict != "rejected"]
    releases.sort(key=lambda release: (release.id == champion, int(release.id)), reverse=True)
    for release in releases:
        if name in release.manifest.tables:
            return _read_pinned(connection, name, release.manifest)
    raise UsageError(
        f"no release reads a table '{name}'",
        available=sorted({table for release in releases for table in release.manifest.tables}),
        mend=f"describe it in tables/{name}.yaml and make a release of it",
    )


def _read_pinned(connection: Connection, name: str, manifest: Manifest) -> Pinned:
    contract = read_bytes(connection, manifest.tables[name], f"the contract of table {name}")
    product = read_bytes(connection, manifest.product, "the product")
    return Pinned(parse_contract(contract.decode(), f"tables/{name}.yaml"), parse_product(product.decode()))
