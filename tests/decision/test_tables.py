"""Each application is joined to the row in force when it was made, whatever the key, as by a slow search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import MISSING, UNSEEN, Batch, Column, Contract, check_table, to_arrow
from roadworthy.decision import Release, Table, decide
from roadworthy.decision.tables import join_tables
from roadworthy.errors import PolicyError, UsageError
from roadworthy.policy import Policy
from roadworthy.testing import make_applications, make_package

BRANCHES = Contract(
    name="branches",
    columns=(
        Column(name="branch", type="text", missing=True),
        Column(name="limit", type="number"),
        Column(name="kind", type="category", allowed=("town", "country")),
        Column(name="opened", type="date", missing=True),
        Column(name="note", type="text", missing=True),
    ),
)
LOANS = Contract(name="loans", columns=(Column(name="branch", type="text", missing=True),))


def rows(contract: Contract, columns: dict[str, Any]) -> Batch:
    checked = check_table(contract, to_arrow(columns))
    assert not len(checked.set_aside), checked.set_aside.violations()
    return checked.batch


def days(*texts: str) -> Any:
    return np.array(texts, dtype="datetime64[us]")


def branches(branch: list[Any], effective: list[str], limit: list[float] | None = None) -> Table:
    n = len(branch)
    columns = {
        "branch": branch,
        "limit": limit or [100.0 * i for i in range(n)],
        "kind": ["town"] * n,
        "opened": ["2020-01-01"] * n,
        "note": ["x"] * n,
    }
    return Table(rows=rows(BRANCHES, columns), key="branch", effective=days(*effective))


def applications(branch: list[Any], applied_at: list[Any]) -> Batch:
    return rows(LOANS, {"branch": branch, "applied_at": applied_at})


def test_the_row_in_force_by_the_time_of_the_application() -> None:
    """Two dates for B1, one for B2: before the first, exactly on a boundary, a microsecond before it, long after."""
    table = branches(["B1", "B2", "B1"], ["2026-01-01", "2026-03-01", "2026-07-01"])
    batch = applications(
        ["B1", "B1", "B1", "B1", "B1", "B2", "B2"],
        [
            "2025-12-31T23:59:59.999999Z",
            "2026-01-01T00:00:00Z",
            "2026-06-30T23:59:59.999999Z",
            "2026-07-01T00:00:00Z",
            "2030-01-01T00:00:00Z",
            "2026-02-28T00:00:00Z",
            "2026-03-01T00:00:00Z",
        ],
    )
    assert table.find(batch).tolist() == [-1, 0, 0, 2, 2, -1, 1]


def test_no_key_an_unknown_key_or_no_time_finds_no_row_and_every_value_is_missing() -> None:
    table = branches(["B1"], ["2026-01-01"])
    joined = table.join(applications(["B1", None, "B9", "B1"], ["2026-02-01", "2026-02-01", "2026-02-01", None]))
    np.testing.assert_array_equal(joined.columns["limit"], [0.0, np.nan, np.nan, np.nan])
    assert joined.columns["kind"].tolist() == [0, MISSING, MISSING, MISSING]
    assert np.isnat(joined.columns["opened"]).tolist() == [False, True, True, True]
    assert joined.columns["note"].tolist() == ["x", None, None, None]
    assert joined.contract == BRANCHES
    assert len(joined) == 4


def test_a_key_that_reads_none_is_a_key_and_a_missing_one_is_not() -> None:
    """As a text column held by other means than a file, where such words stand for missing."""

    def texts(*values: str | None) -> Batch:
        nobody = np.full(len(values), None, dtype=object)
        columns = {"branch": np.array([*values, None], dtype=object)[:-1]}
        return Batch(LOANS, columns, nobody, nobody.copy(), days(*["2026-02-01"] * len(values)))

    table = Table(rows=texts("None", "nan"), key="branch", effective=days("2026-01-01", "2026-01-01"))
    assert table.find(texts("nan", None, "None", "")).tolist() == [1, -1, 0, -1]


def keyed(column: Column, values: list[Any]) -> tuple[Contract, Table]:
    contract = Contract(name="keyed", columns=(column, Column(name="limit", type="number")))
    batch = rows(contract, {column.name: values, "limit": [float(i) for i in range(len(values))]})
    return contract, Table(rows=batch, key=column.name, effective=days(*["2026-01-01"] * len(values)))


@pytest.mark.parametrize(
    ("column", "values", "asked", "places"),
    [
        (Column(name="key", type="category", allowed=("N", "S", "E")), ["S", "N"], ["N", "S", "W"], [1, 0, -1]),
        (Column(name="key", type="integer"), [10, 0, -3], [0, 10, 11, -3], [1, 0, -1, 2]),
        (Column(name="key", type="number"), [0.1, -0.0], [0.0, 0.1, 0.1000000001], [1, 0, -1]),
        (Column(name="key", type="boolean"), [True], [True, False], [0, -1]),
        (Column(name="key", type="date"), ["2026-05-01", "2026-06-01"], ["2026-06-01", "2026-05-02"], [1, -1]),
        (Column(name="key", type="text"), ["ä", "a b"], ["a b", "ä", "A B", " a b"], [1, 0, -1, -1]),
    ],
    ids=lambda value: value.type if isinstance(value, Column) else "",
)  # fmt: skip
def test_keys_of_every_type(column: Column, values: list[Any], asked: list[Any], places: list[int]) -> None:
    _, table = keyed(column, values)
    batch = rows(Contract(name="loans", columns=(column,)), {"key": asked, "applied_at": ["2026-02-01"] * len(asked)})
    assert table.find(batch).tolist() == places


def test_a_category_is_matched_by_its_text_whatever_the_order_of_the_vocabularies() -> None:
    _, table = keyed(Column(name="key", type="category", allowed=("N", "S")), ["N", "S"])
    other = Contract(
        name="loans", columns=(Column(name="key", type="category", allowed=("S", "E", "N"), missing=True),)
    )
    batch = rows(other, {"key": ["S", "N", "E", None], "applied_at": ["2026-02-01"] * 4})
    assert batch.columns["key"].tolist() == [0, 2, 1, MISSING]
    assert table.find(batch).tolist() == [1, 0, -1, -1]
    text = Contract(name="loans", columns=(Column(name="key", type="text"),))
    assert table.find(rows(text, {"key": ["S", "N"], "applied_at": ["2026-02-01"] * 2})).tolist() == [1, 0]
    assert UNSEEN in rows(other, {"key": ["X"], "applied_at": ["2026-02-01"]}).columns["key"]


START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))


@given(
    st.dictionaries(st.tuples(st.sampled_from("abcd"), MOMENTS), st.none(), min_size=1, max_size=12),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", "e", None]), st.one_of(st.none(), MOMENTS)), max_size=12),
)
@settings(max_examples=150)
def test_any_table_is_searched_as_by_going_through_its_rows(
    held: dict[tuple[str, datetime], None], asked: list[tuple[str | None, datetime | None]]
) -> None:
    pairs = list(held)
    table = branches([key for key, _ in pairs], [when.replace(tzinfo=None).isoformat() for _, when in pairs])
    batch = applications([key for key, _ in asked], [when for _, when in asked]) if asked else None

    def slow(key: str | None, when: datetime | None) -> int:
        if key is None or when is None:
            return -1
        in_force = [(date, place) for place, (other, date) in enumerate(pairs) if other == key and date <= when]
        return max(in_force)[1] if in_force else -1

    if batch is not None:
        assert table.find(batch).tolist() == [slow(*one) for one in asked]


@pytest.mark.parametrize(
    ("branch", "effective", "message"),
    [
        ([], [], "has no rows"),
        (["B1"], [], "needs one effective date for each"),
        (["B1", "B2"], ["2026-01-01", "NaT"], "needs one effective date for each"),
        (["B1", None], ["2026-01-01", "2026-01-01"], "has a row without 'branch'"),
        (["B1", "B2", "B1"], ["2026-01-01", "2026-01-01", "2026-01-01"], "two rows of one 'branch'"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused(branch: list[Any], effective: list[str], message: str) -> None:
    columns: dict[str, Any] = {
        name: np.array([None] * len(branch), dtype=object) if column.type == "text" else np.zeros(len(branch))
        for name, column in ((column.name, column) for column in BRANCHES.columns)
    }
    columns |= {
        "branch": np.array([*branch, None], dtype=object)[:-1],
        "kind": np.zeros(len(branch), dtype=np.int32),
        "opened": np.full(len(branch), np.datetime64("NaT", "us")),
    }
    nobody = np.full(len(branch), None, dtype=object)
    batch = Batch(BRANCHES, columns, nobody, nobody.copy(), np.full(len(branch), np.datetime64("NaT", "us")))
    with pytest.raises(UsageError, match=message):
        Table(rows=batch, key="branch", effective=days(*effective))


def test_a_key_that_the_table_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(UsageError, match="has no key column 'region'") as raised:
        Table(rows=branches(["B1"], ["2026-01-01"]).rows, key="region", effective=days("2026-01-01"))
    assert raised.value.available == ["branch", "limit", "kind", "opened", "note"]


def test_the_effective_dates_cannot_be_changed_afterwards() -> None:
    given_dates = days("2026-01-01")
    table = Table(rows=branches(["B1"], ["2026-01-01"]).rows, key="branch", effective=given_dates)
    given_dates[0] = np.datetime64("2030-01-01")
    assert table.effective[0] == np.datetime64("2026-01-01")
    with pytest.raises(ValueError, match="read-only"):
        table.effective[0] = np.datetime64("2030-01-01")


def test_what_a_release_reads_must_be_there_of_its_contract_and_keyed_alike() -> None:
    table, batch = branches(["B1"], ["2026-01-01"]), applications(["B1"], ["2026-02-01"])
    assert join_tables(batch, {"branches": table, "other": table}, (BRANCHES,)).keys() == {"branches"}
    with pytest.raises(UsageError, match="the release reads the table 'branches'") as raised:
        join_tables(batch, {"other": table}, (BRANCHES,))
    assert raised.value.available == ["other"]
    pinned = Contract(name="branches", columns=BRANCHES.columns[:2])
    with pytest.raises(UsageError, match="not of the contract that the release pins"):
        join_tables(batch, {"branches": table}, (pinned,))
    elsewhere = Contract(name="loans", columns=(Column(name="region", type="text"),))
    with pytest.raises(UsageError, match="keyed by 'branch', which applications do not have"):
        join_tables(rows(elsewhere, {"region": ["N"]}), {"branches": table}, (BRANCHES,))
    number = Contract(name="loans", columns=(Column(name="branch", type="integer"),))
    with pytest.raises(UsageError, match="keyed by 'branch', a text there and a number in applications") as raised:
        join_tables(rows(number, {"branch": [1]}), {"branches": table}, (BRANCHES,))
    assert raised.value.mend is not None


POLICY = """
name: by region
bands: [{answer: approve}]
rules:
  - {code: over_limit, when: amount > regions.limit, then: decline, reason: Above the limit of the region}
"""
REGIONS = Contract(
    name="regions",
    columns=(
        Column(name="region", type="category", allowed=("N", "S", "E", "W")),
        Column(name="limit", type="number", missing=True),
    ),
)


def test_a_decision_uses_the_row_in_force_and_refers_where_there_is_none() -> None:
    release = Release(make_package("scorecard"), Policy.parse(POLICY), (REGIONS,))
    limits = Table(
        rows=rows(REGIONS, {"region": ["N", "N", "S"], "limit": [1_000.0, 9_000.0, 9_000.0]}),
        key="region",
        effective=days("2026-01-01", "2026-07-01", "2026-01-01"),
    )
    one = make_applications(1, seed=3)[0].assign(amount=5_000.0)
    asked = {
        "early N": ("N", "2026-03-01"), "late N": ("N", "2026-07-01"), "S": ("S", "2026-03-01"),
        "before any": ("N", "2025-12-31"), "no row for W": ("W", "2026-03-01"), "no time": ("N", None),
    }  # fmt: skip
    table = to_arrow(
        one.loc[one.index.repeat(len(asked))].assign(
            region=[region for region, _ in asked.values()],
            applied_at=[when for _, when in asked.values()],
            application_id=list(asked),
        )
    )
    decisions = decide(table, release, {"regions": limits})
    assert dict(zip(decisions.application_id.tolist(), decisions.answers().tolist(), strict=True)) == {
        "early N": "decline", "late N": "approve", "S": "approve",
        "before any": "refer", "no row for W": "refer", "no time": "refer",
    }  # fmt: skip
    with pytest.raises(UsageError, match="the release reads the table 'regions'"):
        decide(table, release)
    with pytest.raises(PolicyError, match="there is no table 'regions'"):
        Release(make_package("scorecard"), Policy.parse(POLICY))
