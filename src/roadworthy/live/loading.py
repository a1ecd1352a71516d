"""A release as it runs, made of the bytes that the store keeps under its digests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from roadworthy.contract import Contract, parse_contract
from roadworthy.decision import Release
from roadworthy.errors import NotFound, PackageError, StoreError
from roadworthy.live.manifest import Manifest, read_manifest
from roadworthy.model import load_bytes
from roadworthy.policy import Policy
from roadworthy.product import Product, parse_product
from roadworthy.records import read_content

__all__ = ["Loaded", "Part", "find_damage", "load_release", "read_bytes"]

Part = Literal["data", "model", "policy", "tables"]
"""What a decision is made of, this program apart; what the product's file says counts as policy."""


@dataclass(frozen=True)
class Loaded:
    """A release by its number, ready to decide, with the product that it was made for."""

    id: str
    manifest: Manifest
    release: Release
    product: Product

    @property
    def contract(self) -> Contract:
        """What an application must look like for it."""
        return self.release.package.contract


def load_release(connection: Connection, release_id: str, *, trusted_types: tuple[str, ...] = ()) -> Loaded:
    """The release of that number, every part checked against its digest before it is used.

    NotFound: there is no such release. StoreError: the store does not hold a part. PackageError, PolicyError,
    ContractError, ProductError: a part cannot be read. PackageError too where the whole does not decide as it did when
    the release was made.
    """
    manifest = read_manifest(connection, release_id)
    where = f"release {release_id}"
    package = load_bytes(
        read_bytes(connection, manifest.package, f"the model of {where}"),
        where=f"the model of {where}",
        trusted_types=trusted_types,
    )
    tables = tuple(
        parse_contract(_read_text(connection, digest, f"table {name} of {where}"), f"tables/{name}.yaml")
        for name, digest in sorted(manifest.tables.items())
    )
    policy = Policy.parse(_read_text(connection, manifest.policy, f"the policy of {where}"))
    product = parse_product(_read_text(connection, manifest.product, f"the product of {where}"))
    release = Release(package, policy, tables)
    if release.digest != manifest.release:
        raise PackageError(
            f"is not what was approved: its digest is {release.digest[:12]}, not {manifest.release[:12]}", where=where
        )
    return Loaded(release_id, manifest, release, product)


def read_bytes(connection: Connection, digest: str, what: str) -> bytes:
    """The bytes under a digest; StoreError, which names `what` they are, where the store does not hold them."""
    content = read_content(connection, digest)
    if content is None:
        raise StoreError(f"the store does not hold {what}", where=digest, mend="restore a backup that does")
    return content.data


def find_damage(connection: Connection, release_id: str) -> Part | None:
    """Which part of a release is no more what was approved: the first whose bytes the store lacks, or has otherwise.

    `data` where the record of the release itself is gone or cannot be read; None where every part is there.
    """
    try:
        manifest = read_manifest(connection, release_id)
    except (NotFound, StoreError):
        return "data"
    parts: list[tuple[Part, str]] = [("model", manifest.package), ("policy", manifest.policy)]
    parts += [("policy", manifest.product), *(("tables", digest) for digest in manifest.tables.values())]
    for part, digest in parts:
        try:
            read_bytes(connection, digest, part)
        except StoreError:
            return part
    return None


def _read_text(connection: Connection, digest: str, what: str) -> str:
    try:
        return read_bytes(connection, digest, what).decode("utf-8")
    except UnicodeDecodeError:
        raise StoreError(f"{what} is not text", where=digest) from None
