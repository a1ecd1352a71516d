"""Making a release: its files kept by their digests, a number given, and the first step recorded."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection, select, text

from roadworthy.access import Deed
from roadworthy.errors import Refused
from roadworthy.lifecycle.building import build_release
from roadworthy.lifecycle.packages import PACKAGE, register_package
from roadworthy.lifecycle.schema import releases
from roadworthy.lifecycle.views import ReleaseView, view_release
from roadworthy.live import CREATED, Manifest, release_subject
from roadworthy.product import missing_purpose
from roadworthy.records import ReleaseEvent, keep_content

__all__ = ["create_release"]

_NO_TABLES: Mapping[str, str] = MappingProxyType({})
_YAML = "application/yaml"
# Waits for whoever is giving the same number, and then gives none.
_CLAIM = text(
    "INSERT INTO releases (number, digest, product, author, author_credential, missing) "
    "SELECT coalesce(max(number), 0) + 1, CAST(:digest AS TEXT), CAST(:product AS TEXT), CAST(:author AS TEXT), "
    "CAST(:author_credential AS TEXT), CAST(:missing AS TEXT) FROM releases WHERE true "
    "ON CONFLICT DO NOTHING RETURNING number"
)


def create_release(
    deed: Deed,
    *,
    package: bytes,
    policy: str,
    product: str,
    tables: Mapping[str, str] = _NO_TABLES,
    note: str = "",
    trusted_types: tuple[str, ...] = (),
) -> ReleaseView:
    """Make a release of a sealed package, and the texts of policy.yaml, product.yaml and each tables/NAME.yaml by NAME.

    It is built once, so that what does not fit is refused now: PackageError, PolicyError, ProductError, ContractError,
    each with its place and mend; Refused for a case of the policy that fails, and where this release is there already.
    A purpose that is not stated yet is no fault here; `ReleaseView.missing` names it. `note` says what it is for.
    """
    deed.demand("release.create")
    built = build_release(package, policy, product, tables, trusted_types=trusted_types)
    missing = tuple(missing_purpose(built.product))

    def create(connection: Connection) -> ReleaseView:
        manifest = Manifest(
            package=keep_content(connection, package, PACKAGE),
            policy=keep_content(connection, policy.encode(), _YAML),
            product=keep_content(connection, product.encode(), _YAML),
            tables={name: keep_content(connection, tables[name].encode(), _YAML) for name in sorted(tables)},
            model=built.release.package.digest,
            release=built.release.digest,
        )
        register_package(deed, connection, built.release.package, manifest.package, len(package))
        release_id = _claim_number(deed, connection, manifest, missing)
        details = msgspec.to_builtins(manifest) | ({"note": note} if note else {})
        event = ReleaseEvent(step=CREATED, digest=manifest.release, details=details)
        deed.record(event, release_subject(release_id), within=connection)
        return view_release(connection, release_id, None)

    return deed.store.transact(create)


def _claim_number(deed: Deed, connection: Connection, manifest: Manifest, missing: tuple[str, ...]) -> str:
    same = (releases.c.digest == manifest.release) & (releases.c.product == manifest.product)
    claim = {
        "digest": manifest.release,
        "product": manifest.product,
        "author": deed.by.account,
        "author_credential": deed.by.credential,
        "missing": msgspec.json.encode(missing).decode(),
    }
    while True:
        number = connection.execute(_CLAIM, claim).scalar_one_or_none()
        if number is not None:
            return str(number)
        known = connection.execute(select(releases.c.number).where(same)).scalar_one_or_none()
        if known is not None:
            raise Refused(
                f"this is release {known} already: model, policy, product and tables are the same",
                mend=f"use release {known}, or change what should be different",
            )
