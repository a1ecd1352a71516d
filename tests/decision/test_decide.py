"""The one function: alone as in a batch (R29), knock-outs before bands, failures to people, reasons true (R27)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Batch, Column, Contract
from roadworthy.decision import BUILT_IN_RULES, Decisions, Release, decide, flatten_decisions
from roadworthy.errors import DataError
from roadworthy.model import move_to_reference, seal
from roadworthy.policy import ANSWERS, APPROVE, DECLINE, REFER, Policy
from roadworthy.testing import make_applications, make_package, make_release

BANDS = "bands: [{up_to: 0.12, answer: approve}, {up_to: 0.25, answer: refer}, {answer: decline}]"


@pytest.fixture(scope="module")
def release() -> Release:
    return make_release()


@pytest.fixture(scope="module")
def batch(release: Release) -> Batch:
    frame, _ = make_applications(400, seed=11)
    return release.package.batch(frame)


def plain(decisions: Decisions) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = decisions.to_arrow().to_pylist()
    return rows


def test_every_answer_occurs_and_is_one_of_three(release: Release, batch: Batch) -> None:
    decisions = decide(batch, release)
    assert set(decisions.answers()) == set(ANSWERS)
    assert len(decisions) == len(batch)


def test_a_row_alone_is_decided_as_in_the_batch(release: Release, batch: Batch) -> None:
    whole = plain(decide(batch, release))
    for row in range(0, len(batch), 7):
        assert plain(decide(batch.take(slice(row, row + 1)), release)) == [whole[row]]


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_batch_split_anywhere_gives_the_same_decisions(cuts: list[int]) -> None:
    release = make_release("scorecard")
    frame, _ = make_applications(400, seed=11)
    batch = release.package.batch(frame)
    ends = sorted({0, *cuts, 400})
    parts = [plain(decide(batch.take(slice(a, b)), release)) for a, b in pairwise(ends)]
    assert [row for part in parts for row in part] == plain(decide(batch, release))


def test_pandas_polars_arrow_and_batch_are_decided_alike(release: Release, batch: Batch) -> None:
    frame = make_applications(400, seed=11)[0].head(60)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    wanted = plain(decide(batch.take(slice(0, 60)), release))
    for given_as in (frame, table, pl.from_arrow(table), frame[frame.columns[::-1]]):
        assert plain(decide(given_as, release)) == wanted


def test_rows_that_break_the_contract_are_refused_by_name(release: Release) -> None:
    frame, _ = make_applications(3)
    name = next(column.name for column in release.package.contract.inputs if column.type == "number")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    at = table.column_names.index(name)
    with pytest.raises(DataError, match=name):
        decide(table.set_column(at, name, pa.array(["1", "many", "2"])), release)


def test_a_knock_out_declines_whatever_the_pd_and_states_its_reason(batch: Batch) -> None:
    policy = Policy.parse(f"{{name: p, rules: [{{code: no, when: age >= 0, then: decline, reason: Nobody}}], {BANDS}}}")
    decisions = decide(batch, Release(make_package(), policy))
    assert set(decisions.answer) == {DECLINE}
    assert {tuple(reason["code"] for reason in row["reasons"]) for row in plain(decisions)} == {("no",)}
    assert np.isnan(decisions.pd_at_reference).all()


def test_a_knock_out_that_cannot_be_checked_refers_and_says_what_is_missing(batch: Batch) -> None:
    contract = batch.contract
    column = next(c for c in contract.inputs if c.missing and c.type in ("number", "integer"))
    rule = f"{{code: cap, when: '{column.name} < -1', then: decline, reason: Below the least}}"
    decisions = decide(batch, Release(make_package(), Policy.parse(f"{{name: p, rules: [{rule}], {BANDS}}}")))
    missing = np.isnan(batch.columns[column.name])
    assert missing.any()
    assert set(decisions.answer[missing]) <= {REFER}
    first = plain(decisions)[int(np.flatnonzero(missing)[0])]
    assert first["rules"] == ["cap"]
    assert column.name in first["reasons"][0]["text"]


def test_a_value_outside_the_contract_goes_to_a_person(release: Release, batch: Batch) -> None:
    column = next(c for c in batch.contract.inputs if c.type == "category" and c.outside == "refer")
    changed = dict(batch.columns)
    changed[column.name] = np.full(len(batch), -2, dtype=np.int32)
    strange = Batch(batch.contract, changed, batch.application_id, batch.applicant_id, batch.applied_at)
    decisions = decide(strange, release)
    assert not (decisions.answer == APPROVE).any()
    assert decisions.rules[:, decisions.rule_codes.index("outside_contract")].all()


def test_a_row_on_which_the_model_fails_goes_to_a_person_and_takes_no_other_with_it() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    values = rng.normal(size=300)
    bad = (values + rng.normal(size=300) > 0).astype(int)
    contract = Contract(name="c", columns=(Column(name="x", type="number", missing=True),))
    import pandas as pd

    model = LogisticRegression().fit(pd.DataFrame({"x": values}), bad)
    package = seal(model, pd.DataFrame({"x": values}), bad, name="fragile", contract=contract)
    decisions = decide({"x": [0.5, None, -0.5]}, Release(package, Policy.parse(f"{{name: p, {BANDS}}}")))
    assert np.isnan(decisions.pd).tolist() == [False, True, False]
    assert decisions.answer[1] == REFER
    assert plain(decisions)[1]["rules"] == ["engine_failed"]
    alone = decide({"x": [0.5]}, Release(package, Policy.parse(f"{{name: p, {BANDS}}}")))
    assert plain(alone)[0] == plain(decisions)[0]


@pytest.mark.parametrize("kind", ["boosted", "scorecard"])
def test_stated_reasons_are_true(kind: Any, batch: Batch) -> None:
    """R27: for every decline by PD, with the stated columns at the reference the PD is lower; computed anew here."""
    release = make_release(kind)
    decisions = decide(batch, release)
    engine, reference = release.package.engine, release.package.reference
    names = engine.inputs
    rules = decisions.rules[:, : -len(BUILT_IN_RULES)].any(axis=1)
    declined = np.flatnonzero((decisions.answer == DECLINE) & ~rules)
    assert len(declined) > 10
    moved = np.zeros((len(batch), len(names)), dtype=np.bool_)
    for row in declined:
        stated = [decisions.catalogue[entry].column for entry in decisions.reason[row] if entry >= 0]
        assert 1 <= len(stated) <= release.policy.reasons.max
        assert len(set(stated)) == len(stated)
        for column in stated:
            assert column is not None
            moved[row, names.index(column)] = True
    after = engine.pd(move_to_reference(batch, reference, names, moved))
    assert (after[declined] < decisions.pd[declined]).all()
    assert np.array_equal(after[declined], decisions.pd_at_reference[declined])


def test_where_nothing_true_can_be_said_a_person_decides() -> None:
    """A model that gives everybody the reference's PD can decline nobody for a reason."""
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=200)})
    bad = rng.permutation(np.repeat([0, 1], 100))
    package = seal(DecisionTreeClassifier(max_depth=1, min_samples_leaf=200).fit(X, bad), X, bad, name="flat")
    decisions = decide(X, Release(package, Policy.parse(f"{{name: p, {BANDS}}}")))
    assert set(decisions.pd) == {0.5}
    assert set(decisions.answer) == {REFER}
    assert {tuple(row["rules"]) for row in plain(decisions)} == {("no_true_reason",)}


def test_an_empty_batch_has_no_decisions(release: Release, batch: Batch) -> None:
    decisions = decide(batch.take(slice(0, 0)), release)
    assert plain(decisions) == []
    assert decisions.to_flat_arrow().num_rows == 0


def test_arrays_cannot_be_changed(release: Release, batch: Batch) -> None:
    with pytest.raises(ValueError, match="read-only"):
        decide(batch, release).answer[0] = 0


def test_flat_decisions_say_what_the_nested_ones_say(release: Release, batch: Batch) -> None:
    decisions = decide(batch, release)
    flat = flatten_decisions(decisions.to_arrow(), 4).to_pylist()
    for nested, row in zip(plain(decisions), flat, strict=True):
        assert row["rules"] == " ".join(nested["rules"])
        stated = [row[f"reason_{place}"] for place in range(1, 5) if row[f"reason_{place}"] is not None]
        assert stated == [reason["text"] for reason in nested["reasons"]]


def test_a_release_is_its_contents(release: Release) -> None:
    other = Release(release.package, Policy.parse(f"{{name: other, {BANDS}}}"))
    assert other.digest != release.digest
    assert Release(release.package, release.policy).digest == release.digest
