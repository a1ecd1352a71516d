"""Seals the packages that are kept of a new protocol: `python -m tests.model.keep_packages FOLDER`, protocol-N.

Run once, when the protocol is raised; what it wrote then is kept as it is from then on.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PowerTransformer, StandardScaler

from roadworthy.contract import Column, Contract
from roadworthy.model import seal

CONTRACT = Contract(
    name="kept",
    columns=(
        Column(name="age", type="integer", range=(18, 100)),
        Column(name="income", type="number", missing=True),
        Column(name="region", type="category", allowed=("N", "S", "E"), missing=True),
    ),
)


def make_models() -> dict[str, Any]:
    codes = make_column_transformer((OrdinalEncoder(), ["region"]), ("passthrough", ["age", "income"]))
    numbers, words = ["age", "income"], (OneHotEncoder(handle_unknown="ignore"), ["region"])
    scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    filled = make_column_transformer((scaled, numbers), words)
    power = make_column_transformer((make_pipeline(SimpleImputer(), PowerTransformer()), numbers), words)
    return {
        "forest": make_pipeline(filled, RandomForestClassifier(3, max_depth=3, random_state=0)),
        "lightgbm": make_pipeline(codes, lightgbm.LGBMClassifier(n_estimators=3, num_leaves=5, verbose=-1)),
        "native": GaussianNB(),
        "calibrated": make_pipeline(filled, CalibratedClassifierCV(LogisticRegression(), cv=2)),
        "power": make_pipeline(power, LogisticRegression()),
        "stacked": make_pipeline(filled, make_stack()),
    }


def make_stack() -> StackingClassifier:
    """Every kind of part that a composed model may have."""

    def boosted() -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4, min_samples_leaf=5)

    forest = RandomForestClassifier(2, max_depth=2, random_state=0)
    started = GradientBoostingClassifier(n_estimators=2, max_depth=2, init=forest, random_state=0)
    return StackingClassifier(
        [
            ("started", started),
            ("isotonic", CalibratedClassifierCV(boosted(), cv=2, method="isotonic")),
            ("warm", CalibratedClassifierCV(boosted(), cv=2, method="temperature")),
        ],
        make_pipeline(StandardScaler(), LogisticRegression()),
        cv=2,
    )


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    n, kept = 400, 12
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 75, n),
            "income": rng.lognormal(8, 0.5, n).round(),
            "region": rng.choice(["N", "S", "E"], n),
        }
    )
    margin = 0.06 * (X["age"] - 30) + 0.0003 * X["income"] - (X["region"] == "S")
    bad = (rng.random(n) < 1 / (1 + np.exp(margin))).astype(int)
    X.loc[rng.random(n) < 0.1, "income"] = np.nan
    held = X[:kept]
    for name, model in make_models().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few rows, and models that are not meant to be good
            fitted = model.fit(X if name != "native" else X[["age"]], bad)
        package = seal(fitted, held, bad[:kept], name=f"kept-{name}", contract=CONTRACT)
        package.save(folder / f"{name}.rw")
        said = package.explain(held)
        answered = {
            "digest": package.digest,
            "kind": package.manifest.engine.kind,
            "pd": package.pd(held).tolist(),
            "reference_pd": said.reference_pd,
            "contributions": said.contributions.tolist(),
        }
        (folder / f"{name}.json").write_text(json.dumps(answered, indent=1) + "\n")
    rows = {name: [None if value != value else value for value in held[name].tolist()] for name in held}
    (folder / "rows.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
