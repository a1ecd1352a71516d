"""`roadworthy convert`, `seal` and `recalibrate` as one types them (R9)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib  # noqa: TID251  # what convert is given
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from roadworthy.cli import obey
from roadworthy.errors import PackageError
from roadworthy.model import load
from roadworthy.testing import make_applications, make_package

Said = pytest.CaptureFixture[str]
OWN = """
from sklearn.base import BaseEstimator, TransformerMixin

class Burden(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.feature_names_in_ = X.columns.to_numpy(dtype=object)
        return self

    def transform(self, X):
        return (X["amount"] / X["months"]).to_numpy()[:, None]
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Newer outcomes, half again as many of them bad as the model of the package says."""
    X, _ = make_applications(3_000, seed=11)
    pd = make_package("scorecard").pd(X)
    odds = 1.5 * pd / (1 - pd)
    bad = np.random.default_rng(0).random(len(pd)) < odds / (1 + odds)
    X.assign(default=bad.astype(int)).to_csv(tmp_path / "newer.csv", index=False)
    return tmp_path / "newer.csv"


def test_recalibrate_writes_a_package_beside_the_one_it_came_from_and_says_what_changed(
    newer: Path, tmp_path: Path, capsys: Said
) -> None:
    before = tmp_path / "credit.rw"
    make_package("scorecard").save(before)
    then = before.read_bytes()
    asked = ["recalibrate", str(before), "--data", str(newer), "--target", "default", "--method", "intercept"]
    assert obey(asked) == 0
    said = capsys.readouterr().out
    package = load(tmp_path / "credit-recalibrated.rw")
    assert f"wrote {tmp_path / 'credit-recalibrated.rw'}, SHA-256 {package.digest}" in said
    assert said.splitlines()[0].split() == ["bucket", "rows", "before", "observed", "after", "observed"]
    assert before.read_bytes() == then
    assert package.manifest.lineage["recalibrated_from"] == load(before).digest
    assert package.manifest.lineage["recalibrated_on_file"] == "newer.csv"
    X, _ = make_applications(100, seed=12)
    now, was = package.pd(X), load(before).pd(X)
    np.testing.assert_allclose(now / (1 - now) / (was / (1 - was)), 1.5, rtol=0.25)

    assert obey([*asked, "--out", str(tmp_path / "other.rw"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["digest"], told["method"]) == (str(tmp_path / "other.rw"), package.digest, "intercept")
    assert sum(bucket["count"] for bucket in told["before"]) == 3_000


def test_recalibrate_refuses_what_gains_nothing_and_writes_nothing(tmp_path: Path, capsys: Said) -> None:
    package = make_package("scorecard")
    package.save(tmp_path / "credit.rw")
    X, _ = make_applications(3_000, seed=11)
    as_said = np.random.default_rng(4).random(len(X)) < package.pd(X)
    X.assign(default=as_said.astype(int)).to_csv(tmp_path / "same.csv", index=False)
    asked = ["recalibrate", str(tmp_path / "credit.rw"), "--target", "default", "--data"]
    assert obey([*asked, str(tmp_path / "same.csv")]) == 3
    assert "no calibrator lowers the log loss" in capsys.readouterr().err
    assert not (tmp_path / "credit-recalibrated.rw").exists()
    assert obey([*asked[:3], "bad", "--data", str(tmp_path / "same.csv")]) == 3
    assert "no column 'bad'" in capsys.readouterr().err


def test_recalibrate_leaves_the_package_itself_as_it_is(newer: Path, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "credit.rw"
    make_package("scorecard").save(path)
    then = path.read_bytes()
    words = ["recalibrate", str(path), "--data", str(newer), "--target", "default", "--out", str(path)]
    assert obey(words) == 3
    assert "is the package itself" in capsys.readouterr().err
    assert path.read_bytes() == then


def test_a_pickle_with_a_type_of_ones_own_is_converted_and_sealed_where_it_is_trusted(
    loans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    (tmp_path / "our_steps.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    model = fit_own()
    joblib.dump(model, "own.joblib")
    convert, seal = ["convert", "own.joblib"], ["seal", "own.skops", "--data", str(loans), "--target", "default"]
    try:
        assert obey(convert) == 3
        assert "--trust our_steps.Burden" in capsys.readouterr().err
        assert obey([*convert, "--trust", "our_steps.Burden"]) == 0
        assert "our_steps.Burden" in capsys.readouterr().out
        assert obey(seal) == 3
        refused = capsys.readouterr().err
        assert "our_steps.Burden" in refused
        assert "--trust NAMES" in refused
        assert not Path("own.rw").exists()
        assert obey([*seal, "--trust", "our_steps.Burden"]) == 0
        assert "native" in capsys.readouterr().out
        X, _ = make_applications(40, seed=12)
        package = load("own.rw", trusted_types=("our_steps.Burden",))
        np.testing.assert_allclose(
            package.pd(X), model.predict_proba(X[["amount", "months"]])[:, 1], rtol=0, atol=1e-12
        )
        with pytest.raises(PackageError, match=r"our_steps\.Burden"):
            load("own.rw")

        begin = ["init", str(loans), "--target", "default", "--package", "own.rw", "--out", "ours"]
        assert obey(begin) == 3
        assert "trusted_types" in capsys.readouterr().err
        monkeypatch.setenv("ROADWORTHY_TRUSTED_TYPES", "our_steps.Burden")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        assert obey(begin) == 0
        there = ["-C", "ours"]
        assert obey(["trial", "on", *there]) == 0
        assert obey(["release", "create", *there]) == 0
        assert obey(["release", "promote", "1", *there]) == 0
        assert obey(["score", str(loans), "decided.csv", "--record", *there]) == 0
        assert obey(["replay", "--all", *there]) == 0
        assert obey(["doctor", *there]) == 0
        monkeypatch.delenv("ROADWORTHY_TRUSTED_TYPES")
        capsys.readouterr()
        assert obey(["replay", "--all", *there]) != 0
        assert "our_steps.Burden" in capsys.readouterr().out
        assert obey(["doctor", *there]) != 0
        assert "trusted_types" in capsys.readouterr().out
    finally:
        sys.modules.pop("our_steps")


def fit_own() -> Any:
    from our_steps import Burden  # type: ignore[import-not-found]  # written by the test

    X, bad = make_applications(600, seed=3)
    return make_pipeline(Burden(), LogisticRegression(max_iter=1_000)).fit(X[["amount", "months"]], bad)
