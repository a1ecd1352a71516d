"""Keeps decisions of this version for those to come: `python -m tests.golden.make_decisions`, once at each release.

Writes tests/golden/decisions/VERSION.zip, the backup of a small store in which something was decided in every way that
there is, and VERSION.key, which opens what it says of made-up applicants. They are never made again: what a later
version must decide once more is what this one decided.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import roadworthy
from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.batch import open_table, record_file
from roadworthy.contract import Column, Contract, check_table, to_arrow
from roadworthy.decision import Release
from roadworthy.erasure import ErasureList, Whom, erase_applicant
from roadworthy.live import (
    ROWS,
    CurrentRoute,
    Decided,
    Envelope,
    decide_and_record,
    rows_to_bytes,
    table_subject,
)
from roadworthy.model import Package, seal
from roadworthy.policy import Policy
from roadworthy.records import (
    Entry,
    RouteChange,
    Store,
    TableVersion,
    backup,
    create_store,
    encode_payload,
    keep_content,
    make_wrapping_file,
    new_id,
    read_wrapping_file,
)
from roadworthy.testing import make_applications, make_contract, make_package
from roadworthy.testing.going_live import PRODUCT_YAML, go_live

MADE = datetime(2026, 11, 1, 9, tzinfo=UTC)
DECISIONS = Path(__file__).resolve().parent / "decisions"
REGIONS = Contract(
    name="regions",
    columns=(
        Column(name="region", type="category", allowed=("N", "S", "E", "W"), role="identity"),
        Column(name="limit", type="number", missing=True),
        Column(name="since", type="date", missing=True),
        Column(name="open", type="boolean", missing=True),
        Column(name="note", type="text", missing=True),
    ),
)
BANDS = "bands: [{up_to: 0.08, answer: approve}, {up_to: 0.15, answer: refer}, {answer: decline}]\n"
BY_REGION = f"""
name: by region
{BANDS}
rules:
  - {{code: under_age, when: age < 23, then: decline, reason: Applicants must be at least 23}}
  - {{code: over_limit, when: amount > regions.limit, then: refer, reason: The amount is above the region's limit}}
reasons:
  languages:
    de: {{texts: {{age: Das Alter, amount: Der Betrag}}, rules: {{under_age: Zu jung}}}}
    en: {{}}
"""
DAY = timedelta(days=1)
NATIVE = ("age", "income", "amount", "months")
FRAGILE: list[dict[str, Any]] = [{"x": 0.5}, {"x": None}, {"x": -1.5}]


def main() -> None:
    DECISIONS.mkdir(exist_ok=True)
    name = sys.argv[1] if len(sys.argv) > 1 else roadworthy.__version__
    key = DECISIONS / f"{name}.key"
    make_wrapping_file(key)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        with create_store(url, store_id=f"golden-{name}", at=MADE, keys=read_wrapping_file(key)) as store:
            decide_everything(store, Path(folder))
            erase(store, "person-0", Path(folder))
            backup(store, DECISIONS / f"{name}.zip", at=MADE)


def decide_everything(store: Store, folder: Path) -> int:
    """Decide in every way that there is; how many decisions that made. `folder` is for a file of applications."""
    upload(store, "1", "2026-10-01", limit=[9000.0, 8000.0, None, 6000.0], open=[True, None, False, True])
    upload(store, "2", "2026-11-02", "1", limit=[5000.0] * 4, since=["2026-01-02"] * 4, note=["é", None, "", "=1"])
    by_region = Release(make_package("scorecard"), Policy.parse(BY_REGION), (REGIONS,))
    speaking = PRODUCT_YAML + "reasons: {language: de}\n"
    go_live(store, by_region, number="1", at=MADE, tables={"regions": "1"}, product=speaking)
    current = CurrentRoute(store)
    rows = read_rows(30)
    decided = decide(current, rows[:12], MADE, languages=("it", "en-GB"))
    decided += decide(current, rows[12:16], MADE, applied_at="2026-09-30T09:00:00Z")  # before any row was in force
    # The table's next version, which holds from a day on; then two decisions are put right, under one id.
    switch(store, tables={"regions": "2"})
    decided += decide(current, rows[16:20], MADE + DAY, applied_at=MADE + timedelta(days=2))
    for wrong in decided[:2]:
        decided += decide(current, [rows[20] | {"age": 19}], MADE + DAY, corrects=wrong, application_id="app-0")
    switch(store, stopped=True)
    decided += decide(current, rows[21:24], MADE + 2 * DAY)
    go_live(
        store, Release(make_package("boosted"), Policy.parse(f"name: boosted\n{BANDS}rules: []\n")), number="2", at=MADE
    )
    decided += decide(
        current, [{**row, "housing": "castle", "age": 101} for row in rows[:2]] + rows[:10], MADE + 3 * DAY
    )
    decided += record(current, folder / "applications.csv")
    for number, package in (("3", seal_native()), ("4", seal_fragile())):
        go_live(store, Release(package, Policy.parse(f"name: made up\n{BANDS}rules: []\n")), number=number, at=MADE)
        inputs = FRAGILE if number == "4" else [{name: row[name] or 30_000 for name in NATIVE} for row in rows[:4]]
        decided += decide(current, inputs, MADE + 4 * DAY)
    return len(decided)


def erase(store: Store, applicant_id: str, folder: Path) -> None:
    """Erase an applicant's data, as an admin does."""
    actor = Actor(account="ada", credential="key:2", roles=frozenset(("admin",)), branches=EVERY_BRANCH)
    erase_applicant(
        Deed(store, actor, MADE, lambda: new_id(MADE)), Whom(applicant_id=applicant_id), ground="asked for",
        erasures=ErasureList(folder / "erasures"),
    )  # fmt: skip


def read_rows(n: int) -> list[dict[str, Any]]:
    X, _ = make_applications(n, 4)
    rows: list[dict[str, Any]] = msgspec.json.decode(X.to_json(orient="records").encode())
    return rows


def decide(current: CurrentRoute, rows: list[dict[str, Any]], at: datetime, **envelope: Any) -> list[str]:
    """The ids of the decisions on these inputs, each of an applicant of their own."""
    current.refresh()
    asked = [
        Envelope(
            record_id=new_id(at), actor="webshop", inputs=msgspec.Raw(msgspec.json.encode(row)),
            applicant_id=f"person-{number}", **envelope,
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip
    made = decide_and_record(current, asked, now=at)
    assert all(isinstance(one, Decided) for one in made), made
    return [one.record_id for one in made if isinstance(one, Decided)]


def record(current: CurrentRoute, file: Path) -> list[str]:
    """Decide a file of applications."""
    X, _ = make_applications(20, 9)
    X.to_csv(file, index=False)
    at = MADE + 3 * DAY
    out = file.with_name("decided.csv")
    record_file(
        open_table(file), out, current, actor="ana", now=lambda: at, new_id=lambda: new_id(at),
        set_aside=file.with_name("aside.csv"),
    )  # fmt: skip
    ids: list[str] = pd.read_csv(out)["decision_id"].to_list()
    return ids


def upload(store: Store, version: str, effective: str, follows: str = "", **columns: list[Any]) -> None:
    checked = check_table(REGIONS, to_arrow({"region": ["N", "S", "E", "W"], **columns}))
    digest = store.transact(lambda connection: keep_content(connection, rows_to_bytes(checked.batch), ROWS))
    event = TableVersion(version=version, step="uploaded", digest=digest, effective=effective, follows=follows)
    told = Entry(
        record_id=new_id(MADE), kind="table_version", subject=table_subject("regions"), actor="ana", at=MADE,
        payload=encode_payload(event),
    )  # fmt: skip
    store.ledger.append([told])


def switch(store: Store, **changed: Any) -> None:
    """Another table in force, or the stop switch."""
    live = store.ledger.live()
    route = msgspec.structs.replace(live.route, **changed)
    store.ledger.change_route(
        RouteChange(route=route, record_id=new_id(MADE), actor="ben", at=MADE), expected_epoch=live.epoch
    )


def seal_native() -> Package:
    """A model that stays as its library has it, whose reasons are sampled."""
    X, bad = make_applications(400, 1)
    columns = tuple(msgspec.structs.replace(make_contract()[name], missing=False) for name in NATIVE)
    contract = Contract(name="native", columns=columns)
    filled = X[list(NATIVE)].fillna(30_000.0)
    return seal(GaussianNB().fit(filled, bad), filled, bad, name="native", contract=contract)


def seal_fragile() -> Package:
    """A model that fails where its one input is missing."""
    x = np.random.default_rng(0).normal(size=300)
    X, bad = pd.DataFrame({"x": x}), (x > 0.1).astype(int)
    contract = Contract(name="fragile", columns=(Column(name="x", type="number", missing=True),))
    return seal(LogisticRegression().fit(X, bad), X, bad, name="fragile", contract=contract)


if __name__ == "__main__":
    main()
