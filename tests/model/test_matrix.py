"""Every kind of model behind every kind of preprocessing on real credit data: the package is the model (R9, R29).

In the ordinary suite every model is tried once, behind one preparation, on one of the data sets; `LONG_TESTS=1` tries
all of them with each other on all five. The same cells, on made-up applications, are what `docs/reference/models.md`
tells: the last test says when that page is stale.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from roadworthy.contract import to_arrow
from roadworthy.model.parity import LINEAR_TOLERANCE
from tests.model import matrix
from tests.model.alone import ALONE

LONG = bool(os.environ.get("LONG_TESTS"))
SETS = {
    "german": ("german_credit.csv", "bad", ("checking", "purpose", "duration", "amount", "age", "savings")),
    "taiwan": (
        "taiwan_default.parquet", "default", ("LIMIT_BAL", "SEX", "EDUCATION", "AGE", "PAY_1", "PAY_AMT5", "PAY_AMT6"),
    ),
    "give_me_some_credit": (
        "give_me_some_credit.parquet", "SeriousDlqin2yrs",
        ("RevolvingUtilizationOfUnsecuredLines", "age", "DebtRatio", "MonthlyIncome", "NumberOfDependents"),
    ),
    "hmeq": ("hmeq.csv", "BAD", ("LOAN", "MORTDUE", "VALUE", "REASON", "JOB", "DELINQ", "DEBTINC")),
    "polish": ("polish_bankruptcy_1year.parquet", "class", ("Attr1", "Attr21", "Attr27", "Attr37", "Attr45", "Attr64")),
}  # fmt: skip
WORDS = ("SEX", "EDUCATION")
Rows = tuple[pd.DataFrame, NDArray[Any]]
CELLS = (
    [(name, *cell) for name in SETS for cell in matrix.everything()]
    if LONG
    else [(name, *cell) for name, cell in zip(cycle(SETS), matrix.diagonal())]  # the sets go round
)


def read_rows(name: str, folder: Path) -> Rows:
    """One bad to two goods, drawn with a fixed seed; coded categories as words; numbers as float64."""
    file, target, columns = SETS[name]
    path = folder / file
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    rng = np.random.default_rng(1)
    some = [
        rng.choice(np.flatnonzero(table[target] == bad), rows, replace=False)
        for bad, rows in ((0, matrix.ROWS * 2 // 3), (1, matrix.ROWS // 3))
    ]
    drawn = table.iloc[rng.permutation(np.concatenate(some))].reset_index(drop=True)
    X = drawn[list(columns)].copy()
    for column in columns:
        if column in WORDS:
            X[column] = "code " + X[column].astype(str)
        X[column] = X[column].astype("float64" if pd.api.types.is_numeric_dtype(X[column]) else "object")
        if name == "polish":  # ratios of nearly nothing: trees that split anywhere between the ends would learn nothing
            X[column] = X[column].clip(*X[column].quantile([0.01, 0.99]))
    return X, drawn[target].to_numpy()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cells leave their packages for the fresh process."""
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def rows_of(shared_data: Path) -> dict[str, Rows]:
    """The data sets, small."""
    return {name: read_rows(name, shared_data) for name in SETS}


@pytest.mark.parametrize(("data", "model", "preparation"), CELLS)
def test_the_package_is_the_model(
    data: str, model: str, preparation: str, rows_of: dict[str, Rows], kept: Path
) -> None:
    cell = matrix.make_cell(model, preparation, *rows_of[data])
    package, parity = cell.package, cell.package.manifest.parity
    batch = package.batch(cell.X)
    found, own = package.pd(batch), cell.own_pd()
    exact = parity is not None and parity.tolerance == 0.0
    assert np.abs(found - own).max() <= (0.0 if exact else LINEAR_TOLERANCE)
    assert all(((found < cut) == (own < cut)).all() for cut in matrix.CUT_OFFS)
    assert np.ptp(found) > 0.05
    if package.manifest.engine.kind == "compiled":
        assert parity is not None
        assert parity.hard_rows > 30
    for cut in (1, 63, 64, 65):
        parts = [package.pd(batch.take(slice(0, cut))), package.pd(batch.take(slice(cut, None)))]
        assert np.concatenate(parts).tolist() == found.tolist()
    assert [package.pd(batch.take(np.array([row])))[0] for row in range(0, len(batch), 40)] == found[::40].tolist()
    explanation = package.explain(batch.take(slice(0, 5)))
    gap = explanation.contributions.sum(axis=1) - (explanation.output - explanation.reference_output)
    assert np.isfinite(explanation.contributions).all()
    assert explanation.method == package.manifest.engine.reasons
    assert explanation.quantity == package.manifest.engine.quantity
    assert (explanation.error is not None) == (explanation.method == "sampled")
    # XGBoost sums its margin in float32; contributions are taken in float64.
    assert np.abs(gap).max() < (1e-5 if model == "XGBoost" else 1e-11)
    place = kept / f"{len(list(kept.glob('*.rw'))):04d}"
    package.save(place.with_suffix(".rw"))
    to_parquet(cell.X, place)
    np.savez(place.with_suffix(".npz"), pd=found, contributions=explanation.contributions)


def to_parquet(X: pd.DataFrame, place: Path) -> None:
    pq.write_table(to_arrow(X), place.with_suffix(".parquet"))


FRESH = """
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from roadworthy.model import load

found = sorted(Path(sys.argv[1]).glob("*.rw"))
needs = [path for path in found if load(path, native=False).manifest.engine.kind == "native"]
for path in [*(path for path in found if path not in needs), *needs]:
    if path in needs[:1]:
        brought = {"sklearn", "lightgbm", "xgboost", "treelite", "skops", "joblib"} & set(sys.modules)
        assert not brought, brought
    package, wanted = load(path), np.load(path.with_suffix(".npz"))
    batch = package.batch(pq.read_table(path.with_suffix(".parquet")))
    same = package.pd(batch).tolist() == wanted["pd"].tolist() and package.check_golden() == 0
    same &= package.explain(batch.take(slice(0, 5))).contributions.tolist() == wanted["contributions"].tolist()
    print("same" if same else f"{package.name} differs")
"""


def test_every_package_answers_the_same_in_a_fresh_process(kept: Path) -> None:
    """The compiled ones first, and until the first native one no model library is there."""
    packages = len(list(kept.glob("*.rw")))
    if not packages:
        pytest.skip("no cell was sealed: the data sets are not there")
    done = subprocess.run([sys.executable, "-c", FRESH, kept], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["same"] * packages


def told() -> Iterator[tuple[str, str]]:
    return matrix.everything() if LONG else matrix.diagonal()


def test_the_page_of_models_tells_what_is_so() -> None:
    page, alone = matrix.read_page(matrix.PAGE.read_text())
    assert set(page) == set(matrix.everything())
    assert matrix.PAGE.read_text() == matrix.write_page(page, alone), "python -m tests.model.matrix writes it anew"
    assert alone == {name: matrix.verdict_alone(name) for name in ALONE}
    rows = matrix.made_up()
    now = {cell: matrix.verdict(matrix.make_cell(*cell, *rows).package) for cell in told()}
    stale = {cell: said for cell, said in now.items() if page[cell] != said}
    assert not stale, "python -m tests.model.matrix writes the page anew"
