"""The model that every service of the benchmark decides with: made-up loans, 20 numbers and 5 words, 200 trees.

Each service fits it anew from the same seed, so no model file has to be trusted by anybody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

__all__ = ["NUMBERS", "WORDS", "fit_model", "make_loans"]

NUMBERS = [f"number_{i}" for i in range(20)]
WORDS = [f"word_{i}" for i in range(5)]


def make_loans(n: int, seed: int) -> tuple[pd.DataFrame, Any]:
    """`n` made-up loans and how they turned out."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {name: rng.lognormal(1, 0.6, n).round(3) for name in NUMBERS}
    for name in NUMBERS[:5]:
        columns[name][rng.random(n) < 0.05] = np.nan
    for i, name in enumerate(WORDS):
        columns[name] = rng.choice([f"{name}_{j}" for j in range(3 + i)], n).astype(object)
    margin = sum((np.nan_to_num(columns[name]) - 3) * (-1) ** i * 0.15 for i, name in enumerate(NUMBERS)) - 1.5
    margin = margin + (columns["word_0"] == "word_0_1") * 0.8
    return pd.DataFrame(columns), (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(int)


def fit_model() -> Any:
    """The fitted pipeline: imputing, scaling, one-hot, LightGBM of 200 trees with 31 leaves."""
    X, bad = make_loans(20_000, seed=1)
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
        ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), WORDS),
    ])  # fmt: skip
    boosted = LGBMClassifier(n_estimators=200, num_leaves=31, random_state=1, n_jobs=1, verbose=-1)
    return make_pipeline(columns.set_output(transform="pandas"), boosted).fit(X, bad)
