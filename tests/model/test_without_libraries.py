"""A compiled package decides and explains where no model library, and no pandas, can be imported (R9)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from roadworthy.contract import check_table, to_arrow
from roadworthy.decision import Release, decide
from roadworthy.model import Package, load, recalibrate, seal
from roadworthy.model.engine_parts import COMPOSED
from roadworthy.policy import Policy
from roadworthy.testing import make_applications, make_package
from tests.model import matrix
from tests.model.test_protocols import PACKAGES

POLICY = "name: a\nbands: [{up_to: 0.1, answer: approve}, {up_to: 0.2, answer: refer}, {answer: decline}]\n"
ALONE = """
import sys

BLOCKED = (
    "catboost", "joblib", "lightgbm", "onnx", "onnxruntime", "pandas", "shap", "skl2onnx", "sklearn", "skops",
    "treelite", "xgboost",
)

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for name in BLOCKED:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"{name} is not blocked")

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import roadworthy.app
from roadworthy.decision import Release, decide
from roadworthy.model import card_lines, load
from roadworthy.model.engine_parts import COMPOSED
from roadworthy.policy import Policy

folder = Path(sys.argv[1])
policy = Policy.load(folder / "policy.yaml")
for path in sorted(folder.glob("*.rw")):
    package, rows = load(path), pq.read_table(path.with_suffix(".rows"))
    said, known = package.explain(rows), np.load(path.with_suffix(".npz"))
    release = Release(package, policy)
    decisions = decide(rows, release)
    one = decide(rows.slice(0, 1), release)
    same = [
        package.pd(rows).tobytes() == known["pd"].tobytes(),
        said.contributions.tobytes() == known["contributions"].tobytes(),
        said.method == str(known["method"]),
        decisions.to_arrow().equals(pq.read_table(path.with_suffix(".decisions"))),
        one.row(0) == decisions.row(0),
        package.check_golden() == 0,
        bool(list(card_lines(package))),
    ]
    print(path.stem, "same" if all(same) else same)
"""
Sealed = tuple[Package, pa.Table]
Rows = tuple[pd.DataFrame, NDArray[Any]]


def decide_alone(folder: Path, packages: dict[str, Sealed]) -> None:
    """Fails where a package answers otherwise in a process without any library than it does here."""
    policy = Policy.parse(POLICY)
    (folder / "policy.yaml").write_text(POLICY)
    for name, (package, rows) in packages.items():
        assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
        package.save(folder / f"{name}.rw")
        said, decisions = package.explain(rows), decide(rows, Release(package, policy))
        stated = decisions.to_arrow()
        assert any(stated["reasons"].to_pylist()), f"{name} states no reason, so that nothing is shown of reasons"
        pq.write_table(rows, folder / f"{name}.rows")
        pq.write_table(stated, folder / f"{name}.decisions")
        np.savez(folder / f"{name}.npz", pd=package.pd(rows), contributions=said.contributions, method=said.method)
    done = subprocess.run([sys.executable, "-c", ALONE, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name} same" for name in sorted(packages)]


@pytest.fixture(scope="module")
def made_up() -> Rows:
    """Applications with numbers, gaps and words, and which went bad."""
    return matrix.made_up()


ONE_HOT, CODED, BINNED, QUANTILES, POWER, LOGARITHM, _ = matrix.PREPARATIONS
CELLS = (
    ("LogisticRegression", BINNED),
    ("LogisticRegression", QUANTILES),
    ("LogisticRegression", POWER),
    ("LogisticRegression", LOGARITHM),
    ("RandomForest", ONE_HOT),
    ("GradientBoosting(init=a forest)", CODED),
    ("HistGradientBoosting", CODED),
    ("XGBoost", BINNED),
    ("LinearSVC, sigmoid calibration", ONE_HOT),
    ("HistGradientBoosting, isotonic calibration", CODED),
    ("HistGradientBoosting, temperature", ONE_HOT),
    ("Stacking under LogisticRegression", BINNED),
    ("AdaBoost of trees", CODED),
)


def make_kept() -> Iterator[tuple[str, Sealed]]:
    for path in PACKAGES:
        package = load(path)
        if package.manifest.engine.kind == "compiled":
            rows = pa.table(json.loads((path.parent / "rows.json").read_text()))
            yield f"{path.parent.name}-{path.stem}", (package, rows)


def make_path_dependent(X: pd.DataFrame, bad: NDArray[Any]) -> Iterator[tuple[str, Sealed]]:
    models: dict[str, Any] = {
        "forest": RandomForestClassifier(8, min_samples_leaf=4, random_state=0),
        "lightgbm": LGBMClassifier(n_estimators=10, num_leaves=8, verbose=-1, n_jobs=1),
        "xgboost": XGBClassifier(n_estimators=10, max_depth=4, n_jobs=1),
    }
    for name, model in models.items():
        model.fit(X[: matrix.LEARNED], bad[: matrix.LEARNED])
        package = seal(model, X[matrix.LEARNED :], bad[matrix.LEARNED :], name=name, reasons="path")
        assert package.manifest.engine.reasons == "path"
        yield f"path {name}", (package, to_arrow(X[matrix.LEARNED :]))


def make_recalibrated() -> Sealed:
    X, bad = make_applications(2_000, seed=6)
    package = make_package("boosted")
    checked = check_table(package.contract, to_arrow(X), unknown="ignore")
    more = np.maximum(bad, np.random.default_rng(0).random(len(bad)) < 0.3)
    return recalibrate(package, checked.batch, more[checked.rows], method="sigmoid").package, to_arrow(X[:300])


def name_kinds(packages: dict[str, Sealed]) -> set[str]:
    """Of all parts of the engines, as the packages name them."""
    notes = {name: package.manifest.engine.scorer for name, (package, _) in packages.items()}
    composed = [packages[name][0].parts["scorer/parts.json"] for name, scorer in notes.items() if scorer == COMPOSED]
    parts = {note["kind"] for content in composed for note in json.loads(content)}
    return {*notes.values(), *parts} - {COMPOSED}


def test_every_kind_of_package_decides_and_explains_without_any_library(made_up: Rows, tmp_path: Path) -> None:
    """Kept ones of every protocol; a fresh one with each kind of part; reasons of either method; a recalibrated one."""
    packages = dict(make_kept())
    for i, cell in enumerate(CELLS):
        sealed = matrix.make_cell(*cell, *made_up)
        packages[f"{i:02d} {cell[0]}"] = (sealed.package, to_arrow(sealed.X))
    packages |= make_path_dependent(numbers_of(made_up), made_up[1])
    packages["recalibrated"] = make_recalibrated()
    assert name_kinds(packages) >= {"linear", "forest", "started", "steps", "mean", "platt", "isotonic", "softmax"}
    decide_alone(tmp_path, packages)


def test_what_was_read_from_other_libraries_files_decides_and_explains_without_them(
    made_up: Rows, tmp_path: Path
) -> None:
    catboost = pytest.importorskip("catboost", reason="catboost is of the extra `boosters`")
    pytest.importorskip("onnx", reason="onnx is of the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="onnxruntime is of the extra `onnx`")
    from tests.model.test_onnx import FLOAT, classifier, graph, node, trees_of

    X, bad = numbers_of(made_up), made_up[1]
    cat = catboost.CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False, thread_count=1)
    forest = RandomForestClassifier(8, min_samples_leaf=4, random_state=0)
    cat.fit(X[: matrix.LEARNED], bad[: matrix.LEARNED])
    forest.fit(X[: matrix.LEARNED].to_numpy(), bad[: matrix.LEARNED])
    operators = [node("Concat", list(X), ["all"], axis=1), classifier("all", **trees_of(forest))]
    held = X[matrix.LEARNED :]
    packages: dict[str, Sealed] = {}
    for name, model in {"cat": cat, "onnx": graph(operators, dict.fromkeys(X, (FLOAT, 1)))}.items():
        packages[name] = (seal(model, held, bad[matrix.LEARNED :], name=name), to_arrow(held))
    decide_alone(tmp_path, packages)


def numbers_of(made_up: Rows) -> pd.DataFrame:
    return made_up[0].select_dtypes("number").fillna(0.0)
