"""The card tells a validator what a package holds, and runs nothing of it."""

from __future__ import annotations

import doctest
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from roadworthy.errors import PackageError
from roadworthy.model import card_lines, describe_card, inspect_package
from roadworthy.model.sampling import coalitions_asked
from roadworthy.testing import make_package

SCORECARD = """\
made-up-scorecard  (protocol 3)
  SHA-256      ...
  model        sklearn.ColumnTransformer -> sklearn.LogisticRegression
  runs         compiled: ... rows equal to the bit (...), largest difference in PD ..., 0 answers changed
  judged on    made-up applications, n = 500: 500 rows, 105 bad
  measured     AUC ..., GINI ..., KS ..., BRIER ...
  at 0.12      ...
  at 0.25      ...
  reasons      exact Shapley values against one reference applicant
  reasons      of the log-odds of bad, ... the library's own...
  reasons      of 144 with a PD of 0.25 or more: ... needed other columns than the largest, ... had no true reason
  contract
    age                          integer input, 18 to 100
    income                       number input, 0 to 1e+06, may be missing
    amount                       number input, 0 to 200000
    months                       integer input, 6 to 120
    late_payments                integer input, 0 to 50, may be missing
    housing                      category input, 3 values, may be missing
    region                       category input, 4 values
    employed                     boolean input, may be missing
  reference applicant
    age                          ...
    income                       ...
    amount                       ...
    months                       ...
    late_payments                0.0
    housing                      own
    region                       ...
    employed                     1.0
  made with    python ..., machine ..., roadworthy ..., numpy ..., scipy ..., numba ..., scikit-learn ..., ...
"""


def test_the_card_of_a_scorecard_reads_as_expected() -> None:
    got = "\n".join(card_lines(make_package("scorecard"))) + "\n"
    assert doctest.OutputChecker().check_output(SCORECARD, got, doctest.ELLIPSIS), got


def test_the_card_names_what_the_model_does_not_read_and_what_was_noted() -> None:
    package = make_package("boosted")
    assert "(not read by the model)" not in "\n".join(card_lines(package))
    manifest = msgspec.structs.replace(package.manifest, notes=("the contract is guessed",), lineage={"data": "abc"})
    column = msgspec.structs.replace(package.contract.columns[0], name="branch", range=(None, 9.0))
    contract = msgspec.structs.replace(package.contract, columns=(*package.contract.columns, column))
    lines = list(card_lines(replace(package, manifest=manifest, contract=contract)))
    assert "  note         the contract is guessed" in lines
    assert "  from         data: abc" in lines
    assert f"    {'branch':<28} integer input, any to 9  (not read by the model)" in lines


def test_a_card_is_plain_data_that_goes_to_json() -> None:
    package = make_package("native")
    card = msgspec.json.decode(msgspec.json.encode(describe_card(package)))
    assert card["digest"] == package.digest
    assert card["engine"]["kind"] == "native"
    assert card["parity"] is None
    assert "gains" not in card["evaluation"]
    assert card["reference"]["housing"] in ("own", "rent", "family", None)
    assert set(card["reference"]) == set(package.engine.inputs)
    assert set(card["parts"]) == set(package.parts) - {"manifest.json"}


def test_the_card_of_a_native_model_says_what_it_costs() -> None:
    """Eight columns are asked about in every one of 256 coalitions; nine in 32 sampled orders of ten rows each."""
    package = make_package("native")
    costs = [line.removeprefix("  costs        ") for line in card_lines(package) if line.startswith("  costs")]
    assert costs[1:] == [
        "an application alone costs a batch of 64 of the original's own predict_proba",
        "the reasons of one application ask it about 256 rows",
    ]
    assert "polynomialfeatures: the step PolynomialFeatures has no compiled form" in package.manifest.engine.why
    assert describe_card(package)["costs"] == costs
    assert describe_card(make_package("scorecard"))["costs"] == []
    assert coalitions_asked(9) == 320


def test_without_both_outcomes_the_card_claims_no_figures() -> None:
    package = make_package("scorecard")
    counted = {
        name: package.evaluation[name] for name in ("population", "count", "failed", "bads", "bad_rate", "mean_pd")
    }
    lines = list(card_lines(replace(package, evaluation=counted)))
    assert not any("AUC" in line for line in lines)


def test_inspecting_opens_no_native_model(tmp_path: Path) -> None:
    package = make_package("native")
    package.save(tmp_path / "native.rw")
    inspected = inspect_package(tmp_path / "native.rw")
    assert inspected.digest == package.digest
    assert getattr(inspected.engine, "model", "absent") is None
    assert list(card_lines(inspected)) == list(card_lines(package))
    with pytest.raises(PackageError, match="no such file"):
        inspect_package(tmp_path / "absent.rw")
