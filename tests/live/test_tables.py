"""Monthly tables: a decision uses, and records, the row in force at `applied_at` (R6), on both stores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from roadworthy.contract import Column, Contract, check_table, to_arrow
from roadworthy.decision import Release
from roadworthy.errors import ContractError, NotFound, StoreError, UsageError
from roadworthy.live import (
    ROWS,
    CurrentRoute,
    Decided,
    Envelope,
    decide_and_record,
    load_release,
    read_table_version,
    rows_to_bytes,
    table_key,
    table_subject,
)
from roadworthy.policy import Policy
from roadworthy.product import parse_product
from roadworthy.records import (
    Decision,
    Entry,
    Store,
    TableVersion,
    decode_payload,
    drop_content,
    encode_payload,
    keep_content,
    new_id,
)
from roadworthy.testing import make_applications, make_package
from roadworthy.testing.going_live import PRODUCT_YAML, go_live, keep_release

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
REGIONS = Contract(
    name="regions",
    columns=(
        Column(name="region", type="category", allowed=("N", "S", "E", "W"), role="identity"),
        Column(name="limit", type="number", missing=True),
        Column(name="since", type="date", missing=True),
        Column(name="branches", type="integer", missing=True),
        Column(name="open", type="boolean", missing=True),
        Column(name="note", type="text", missing=True),
    ),
)
POLICY = """
name: by region
bands:
  - {up_to: 0.99, answer: approve}
  - {answer: decline}
rules:
  - {code: over_limit, when: amount > regions.limit, then: decline, reason: The amount is above the region's limit}
"""


def upload(store: Store, version: str, effective: str, follows: str = "", **columns: list[Any]) -> None:
    """Keep a version as an upload would."""
    checked = check_table(REGIONS, to_arrow(columns))
    digest = store.transact(lambda connection: keep_content(connection, rows_to_bytes(checked.batch), ROWS))
    event = TableVersion(version=version, step="uploaded", digest=digest, effective=effective, follows=follows)
    store.ledger.append(
        [
            Entry(
                record_id=new_id(NOW),
                kind="table_version",
                subject=table_subject("regions"),
                actor="ana",
                at=NOW,
                payload=encode_payload(event),
            )
        ]
    )


def ask(current: CurrentRoute, applied_at: str) -> Decision:
    X, _ = make_applications(1)
    inputs: dict[str, Any] = msgspec.json.decode(X.to_json(orient="records").encode())[0] | {
        "region": "N",
        "amount": 600,
    }
    asked = Envelope(
        record_id=new_id(NOW), actor="shop", inputs=msgspec.Raw(msgspec.json.encode(inputs)), applied_at=applied_at
    )
    [made] = decide_and_record(current, [asked], now=NOW)
    assert isinstance(made, Decided)
    record = current.store.ledger.find(made.record_id)
    assert record is not None
    return decode_payload(record.payload, Decision)


def test_each_date_gets_its_own_row_and_the_record_says_which(store: Store) -> None:
    upload(store, "1", "2026-10-01", region=["N", "S"], limit=[1000.0, 1000.0])
    upload(store, "2", "2026-11-01", "1", region=["N"], limit=[500.0], since=["2026-01-02"], branches=[3], open=[True])
    release = Release(make_package("scorecard"), Policy.parse(POLICY), (REGIONS,))
    go_live(store, release, at=NOW, tables={"regions": "2"})
    current = CurrentRoute(store)

    early, late = ask(current, "2026-10-31T09:00:00Z"), ask(current, "2026-11-01T09:00:00Z")

    assert (early.answer, early.rows["regions"]["limit"]) == ("approve", 1000.0)
    assert (late.answer, late.rules) == ("decline", ("over_limit",))
    assert late.rows["regions"] == {
        "region": "N", "limit": 500.0, "since": "2026-01-02T00:00:00+00:00", "branches": 3, "open": True, "note": None,
        # The day begins in the product's own time zone, Berlin.
        "effective": "2026-10-31T23:00:00+00:00",
    }  # fmt: skip
    assert late.release.tables == {"regions": "2"}


def test_a_later_version_of_the_same_date_holds_and_an_older_one_stays_as_it_was(store: Store) -> None:
    upload(store, "1", "2026-10-01", region=["N"], limit=[1.0], note=["first"])
    upload(store, "2", "2026-10-01", "1", region=["N"], limit=[2.0])
    product = parse_product(PRODUCT_YAML)
    with store.reading() as connection:
        first = read_table_version(connection, REGIONS, product, "1")
        second = read_table_version(connection, REGIONS, product, "2")
        with pytest.raises(StoreError, match="version 3 of table regions"):
            read_table_version(connection, REGIONS, product, "3")
    assert (first.rows.columns["limit"].tolist(), second.rows.columns["limit"].tolist()) == ([1.0], [2.0])
    assert first.rows.columns["note"].tolist() == ["first"]


def test_a_release_of_before_reads_a_version_that_knows_more(store: Store) -> None:
    upload(store, "1", "2026-10-01", region=["N"], limit=[1.0], note=["wider"])
    older = Contract(name="regions", columns=REGIONS.columns[:2])
    with store.reading() as connection:
        table = read_table_version(connection, older, parse_product(PRODUCT_YAML), "1")
    assert (set(table.rows.columns), table.rows.columns["limit"].tolist()) == ({"region", "limit"}, [1.0])


def test_a_release_does_not_decide_without_its_tables(store: Store) -> None:
    go_live(store, Release(make_package("scorecard"), Policy.parse(POLICY), (REGIONS,)), at=NOW)
    with pytest.raises(UsageError, match="reads the table 'regions', of which no version is in force"):
        CurrentRoute(store).take()


def test_a_table_contract_has_one_key() -> None:
    with pytest.raises(ContractError, match="0 columns of role identity"):
        table_key(Contract(name="regions", columns=(Column(name="limit", type="number"),)))


def test_a_release_whose_parts_are_gone_or_changed_does_not_load(store: Store) -> None:
    manifest = keep_release(store, Release(make_package("scorecard"), Policy.parse(POLICY), (REGIONS,)), at=NOW)
    with store.reading() as connection, pytest.raises(NotFound, match="there is no release 2") as refused:
        load_release(connection, "2")
    assert refused.value.available == ["1"]

    store.transact(lambda connection: drop_content(connection, manifest.policy))
    with store.reading() as connection, pytest.raises(StoreError, match="does not hold the policy of release 1"):
        load_release(connection, "1")
