"""Made-up applications, a small fitted model, its package, a policy and the release of both, the same on every machine.

All of it is drawn from seeds and made up: none of it says anything about people or loans.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Column, Contract
from roadworthy.decision import Release
from roadworthy.errors import MissingExtra
from roadworthy.model import Package, seal
from roadworthy.policy import Policy

__all__ = ["make_applications", "make_contract", "make_model", "make_package", "make_policy", "make_release"]

Kind = Literal["scorecard", "boosted", "native"]

_CONTRACT = Contract(
    name="made-up loans",
    columns=(
        Column(name="age", type="integer", range=(18, 100), description="Age of the applicant"),
        Column(name="income", type="number", range=(0, 1_000_000), missing=True, description="Income in a year"),
        Column(name="amount", type="number", range=(0, 200_000), description="Amount asked for"),
        Column(name="months", type="integer", range=(6, 120), description="The time to repay"),
        Column(
            name="late_payments", type="integer", range=(0, 50), missing=True, description="The number of late payments"
        ),
        Column(name="housing", type="category", allowed=("own", "rent", "family"), missing=True),
        Column(name="region", type="category", allowed=("N", "S", "E", "W")),
        Column(name="employed", type="boolean", missing=True),
    ),
)
_POLICY = """
name: made-up loans
bands:
  - {up_to: 0.12, answer: approve}
  - {up_to: 0.25, answer: refer}
  - {answer: decline}
rules:
  - {code: under_age, when: age < 21, then: decline, reason: Applicants must be at least 21}
  - {code: overstretched, when: amount > 2 * income, then: refer, reason: The amount is high for the income}
"""


def make_contract() -> Contract:
    """The contract of the made-up applications: integers, numbers, categories and a boolean, four may be missing."""
    return _CONTRACT


def make_applications(n: int = 1_000, seed: int = 0) -> tuple[Any, NDArray[np.int64]]:
    """`n` applications as a pandas frame, and `bad` (n,), about one in five.

    Every row keeps to `make_contract()`, whatever the seed; equal arguments give equal rows.

    >>> applications, bad = make_applications(3)
    >>> applications[["age", "region", "employed"]]
       age region employed
    0   66      S     True
    1   54      S     True
    2   47      S     True
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "age": rng.integers(18, 75, n),
        "income": rng.lognormal(10.3, 0.45, n).clip(1, 900_000).round(2),
        "amount": rng.lognormal(9.2, 0.7, n).clip(100, 190_000).round(2),
        "months": rng.choice([12, 24, 36, 48, 60, 84], n),
        "late_payments": rng.poisson(0.6, n).clip(0, 50).astype(np.float64),
        "housing": rng.choice(["own", "rent", "family"], n, p=[0.5, 0.4, 0.1]).astype(object),
        "region": rng.choice(["N", "S", "E", "W"], n).astype(object),
        "employed": rng.choice([True, False], n, p=[0.9, 0.1]).astype(object),
    }
    log_odds = (
        -4.4
        + 1.8 * np.log1p(columns["late_payments"])
        + 2.5 * np.log(columns["amount"] / columns["income"] + 0.8)
        + 0.03 * (45 - columns["age"])
        + 0.02 * columns["months"]
        + 0.9 * (columns["housing"] == "rent")
        + 1.5 * (columns["employed"] == False)  # noqa: E712  # object cells: `not` would not go through them one by one
    )
    bad = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    for name, share, nothing in (
        ("income", 0.05, np.nan), ("late_payments", 0.1, np.nan), ("housing", 0.05, None), ("employed", 0.03, None),
    ):  # fmt: skip
        columns[name][rng.random(n) < share] = nothing
    return _load("pandas").DataFrame(columns), bad


def make_model(kind: Kind = "boosted") -> Any:
    """An unfitted pipeline over the made-up applications.

    `scorecard` (imputing, scaling, one-hot, logistic regression) and `boosted` (ordinal codes, gradient boosting)
    compile; `native` multiplies columns with each other, which has no compiled form.
    """
    ensemble, linear = _load("sklearn.ensemble"), _load("sklearn.linear_model")
    compose, pipeline = _load("sklearn.compose"), _load("sklearn.pipeline")
    impute, preprocessing = _load("sklearn.impute"), _load("sklearn.preprocessing")
    numbers = ["age", "income", "amount", "months", "late_payments", "employed"]
    words = ["housing", "region"]
    if kind == "boosted":
        codes = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        columns = compose.ColumnTransformer([("words", codes, words), ("numbers", "passthrough", numbers)])
        boosted = ensemble.HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, categorical_features=[0, 1])
        return pipeline.make_pipeline(columns, boosted)
    filled = pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), preprocessing.StandardScaler())
    dummies = preprocessing.OneHotEncoder(handle_unknown="ignore")
    columns = compose.ColumnTransformer([("numbers", filled, numbers), ("words", dummies, words)])
    products = [preprocessing.PolynomialFeatures(interaction_only=True)] if kind == "native" else []
    return pipeline.make_pipeline(
        columns, *products, linear.LogisticRegression(max_iter=1_000, C=0.1 if products else 1.0)
    )


@cache
def make_package(kind: Kind = "boosted") -> Package:
    """A sealed package of `make_model(kind)`, trained on 2,000 made-up applications and judged on 500 others.

    >>> make_package("scorecard").manifest.engine.kind
    'compiled'
    """
    X, bad = make_applications(2_000, seed=1)
    held_out, outcome = make_applications(500, seed=2)
    model = make_model(kind).fit(_numeric(X), bad)
    return seal(
        model,
        _numeric(held_out),
        outcome,
        name=f"made-up-{kind}",
        contract=_CONTRACT,
        cut_offs=(0.12, 0.25),
        population="made-up applications, n = 500",
    )


def make_policy(text: str = _POLICY) -> Policy:
    """A policy with two rules and bands at 12% and 25%, or the one that `text` says."""
    return Policy.parse(text)


def make_release(kind: Kind = "boosted", policy: str = _POLICY) -> Release:
    """The release of `make_package(kind)` and `make_policy(policy)`.

    >>> from roadworthy.decision import decide
    >>> applications, _ = make_applications(4)
    >>> decide(applications, make_release("scorecard")).answers().tolist()
    ['approve', 'decline', 'decline', 'approve']
    """
    return Release(make_package(kind), make_policy(policy))


def _numeric(X: Any) -> Any:
    """The frame that models are trained on: booleans with gaps as numbers."""
    return X.astype({"employed": "float64"})


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise MissingExtra.of({"sklearn": "scikit-learn"}.get(library, library), "train") from None
