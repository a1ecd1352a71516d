"""A made-up release put into a store and made live, without the people that a real one takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import to_builtins
from sqlalchemy import Connection

from roadworthy.contract import contract_yaml
from roadworthy.decision import Release
from roadworthy.live import CREATED, Manifest, release_subject
from roadworthy.policy import policy_yaml
from roadworthy.records import (
    Entry,
    Live,
    ReleaseEvent,
    Route,
    RouteChange,
    Store,
    encode_payload,
    keep_content,
    new_id,
)

__all__ = ["PRODUCT_YAML", "go_live", "keep_release"]

PRODUCT_YAML = """\
name: made-up loans
purpose:
  decision: approve, refer or decline a made-up loan
  owner: nobody, since it is made up
  used_by: tests
  where: in tests
  bad_outcome: default within 12 months of booking
  horizon_months: 12
  success: tests that pass
currency: EUR
time_zone: Europe/Berlin
outcome: {target: bad, bad: [1], good: [0], horizon_months: 12}
data: {amount: amount, branch: region}
"""
"""A product.yaml for the made-up applications; officers see the applications of their own regions."""


def keep_release(
    store: Store, release: Release, *, number: str = "1", at: datetime, product: str = PRODUCT_YAML
) -> Manifest:
    """Keep the parts of a release, and record it as created under its number."""
    texts = {table.name: contract_yaml(table) for table in release.tables}

    def keep(connection: Connection) -> Manifest:
        def text(written: str) -> str:
            return keep_content(connection, written.encode(), "application/yaml")

        return Manifest(
            package=keep_content(connection, release.package.to_bytes(), "application/zip"),
            policy=text(policy_yaml(release.policy)),
            product=text(product),
            model=release.package.digest,
            release=release.digest,
            tables={name: text(written) for name, written in texts.items()},
        )

    manifest = store.transact(keep)
    event = ReleaseEvent(step=CREATED, digest=release.digest, details=to_builtins(manifest))
    store.ledger.append(
        [
            Entry(
                record_id=new_id(at),
                kind="release_event",
                subject=release_subject(number),
                actor="ana",
                at=at,
                payload=encode_payload(event),
            )
        ]
    )
    return manifest


def go_live(
    store: Store, release: Release, *, number: str = "1", at: datetime, product: str = PRODUCT_YAML, **route: Any
) -> Live:
    """Keep a release and make it the champion; `route` is what else the route says."""
    keep_release(store, release, number=number, at=at, product=product)
    change = RouteChange(
        route=Route(champion=number, **route),
        record_id=new_id(at),
        actor="ben",
        at=at,
    )
    return store.ledger.change_route(change, expected_epoch=store.ledger.epoch())
