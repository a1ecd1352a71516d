"""The kinds of model and of preprocessing that are tried with each other, and the page that tells what came of it.

`python -m tests.model.matrix` writes `docs/reference/models.md` anew from made-up applications.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from roadworthy.errors import SealError
from roadworthy.model import Package, seal
from roadworthy.testing import make_applications
from tests.model.alone import ALONE, make_rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "models.md"
ROWS = 600
LEARNED = 400
CUT_OFFS = (0.1, 0.2, 0.3)


def forest() -> Any:
    return RandomForestClassifier(8, min_samples_leaf=4, random_state=0)


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=8)


def logistic() -> Any:
    return LogisticRegression(max_iter=1_000)


def mixed() -> list[tuple[str, Any]]:
    return [("forest", forest()), ("line", logistic())]


MODELS: dict[str, Callable[[], Any]] = {
    "LogisticRegression": logistic,
    "SGDClassifier(loss='log_loss')": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "DecisionTree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
    "RandomForest": forest,
    "ExtraTrees": lambda: ExtraTreesClassifier(8, min_samples_leaf=4, random_state=0),
    "GradientBoosting": lambda: GradientBoostingClassifier(n_estimators=8, random_state=0),
    "GradientBoosting(init=a forest)": lambda: GradientBoostingClassifier(
        n_estimators=5, init=forest(), random_state=0
    ),
    "HistGradientBoosting": boosting,
    "LightGBM": lambda: LGBMClassifier(n_estimators=10, num_leaves=8, verbose=-1, n_jobs=1),
    "XGBoost": lambda: XGBClassifier(n_estimators=10, max_depth=4, n_jobs=1),
    "CatBoost": lambda: CatBoostClassifier(
        iterations=10, depth=4, verbose=0, thread_count=1, allow_writing_files=False
    ),
    "LinearSVC, sigmoid calibration": lambda: CalibratedClassifierCV(LinearSVC(), cv=2),
    "RandomForest, sigmoid calibration": lambda: CalibratedClassifierCV(forest(), cv=2, ensemble=False),
    "HistGradientBoosting, isotonic calibration": lambda: CalibratedClassifierCV(boosting(), cv=2, method="isotonic"),
    "LogisticRegression, isotonic calibration": lambda: CalibratedClassifierCV(logistic(), cv=2, method="isotonic"),
    "HistGradientBoosting, temperature": lambda: CalibratedClassifierCV(boosting(), cv=2, method="temperature"),
    "Voting (soft, weighted)": lambda: VotingClassifier(mixed(), voting="soft", weights=[2, 1]),
    "Stacking under LogisticRegression": lambda: StackingClassifier(mixed(), cv=2),
    "Stacking, columns passed through": lambda: StackingClassifier(mixed(), cv=2, passthrough=True),
    "Stacking under RandomForest": lambda: StackingClassifier(mixed(), cv=2, final_estimator=forest()),
    "Bagging of trees": lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=4), 5, random_state=0),
    "AdaBoost of trees": lambda: AdaBoostClassifier(n_estimators=8, random_state=0),
}


def filled() -> Pipeline:
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())


def dummies() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10)


Prepare = Callable[[list[str], list[str]], Any]


def columns(numbers: Any, words: Any) -> Prepare:
    return lambda names, texts: ColumnTransformer([("numbers", numbers(), names), ("words", words(), texts)])


PREPARATIONS: dict[str, Prepare] = {
    "imputer with indicators, scaler, one-hot": columns(filled, dummies),
    "imputer, scaler, ordinal codes": columns(
        lambda: make_pipeline(SimpleImputer(strategy="constant", fill_value=-1.0), StandardScaler()),
        lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    ),
    "k bins, target means (WoE)": columns(
        lambda: make_pipeline(
            SimpleImputer(),
            KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"),
            TargetEncoder(cv=KFold(3)),
        ),
        lambda: TargetEncoder(cv=KFold(3)),
    ),
    "quantiles, one-hot": columns(
        lambda: make_pipeline(SimpleImputer(), QuantileTransformer(n_quantiles=50, output_distribution="normal")),
        dummies,
    ),
    "Yeo-Johnson, one-hot": columns(lambda: make_pipeline(SimpleImputer(), PowerTransformer()), dummies),
    "logarithm, one-hot": columns(
        lambda: make_pipeline(
            SimpleImputer(), FunctionTransformer(np.abs), FunctionTransformer(np.log1p), StandardScaler()
        ),
        dummies,
    ),
    "products of columns": columns(
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), PolynomialFeatures(2, interaction_only=True)), dummies
    ),
}


@dataclass(frozen=True)
class Cell:
    """One model behind one preparation, trained on some rows and sealed on others."""

    model: Any
    package: Package
    X: pd.DataFrame

    def own_pd(self) -> NDArray[np.float64]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unseen categories: they are meant
            return np.asarray(self.model.predict_proba(self.X)[:, 1], dtype=np.float64)


def make_cell(model: str, preparation: str, X: pd.DataFrame, bad: NDArray[Any]) -> Cell:
    """Train and seal."""
    words = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
    prepare = PREPARATIONS[preparation]([name for name in X if name not in words], words)
    fitted = make_pipeline(prepare, MODELS[model]())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows: it converges badly, and bins are narrow
        fitted.fit(X[:LEARNED], bad[:LEARNED])
        package = seal(fitted, X[LEARNED:], bad[LEARNED:], name=f"{model} behind {preparation}", cut_offs=CUT_OFFS)
    return Cell(fitted, package, X[LEARNED:])


def made_up() -> tuple[pd.DataFrame, NDArray[Any]]:
    """Applications with numbers, gaps and words."""
    X, bad = make_applications(ROWS, seed=5)
    numbers = X.drop(columns=["housing", "region", "employed"]).astype("float64")
    return pd.concat([numbers, X[["housing", "region"]].astype("object")], axis=1), bad


def diagonal() -> Iterator[tuple[str, str]]:
    """Every model once, and every preparation about as often."""
    for i, model in enumerate(MODELS):
        yield model, list(PREPARATIONS)[i % len(PREPARATIONS)]


def everything() -> Iterator[tuple[str, str]]:
    for model in MODELS:
        for preparation in PREPARATIONS:
            yield model, preparation


REASONS = {
    "multiplies columns": "it multiplies columns",
    "trees split on a logarithm": "a split point tells NumPy's last bit of a logarithm from ours",
    "trees split on the answer of a linear model": "trees split on a linear model's last bit",
    "statistics of several columns": "its statistics mix columns; max_ctr_complexity=1 has none of these",
    "so steep": "the calibrator is too steep for a linear model's last bit",
}


TOLERANCES = {0.0: "bit-equal", 1e-12: "1e-12", 1e-6: "1e-6"}


def verdict(package: Package) -> str:
    """What the page says of a cell."""
    note, parity = package.manifest.engine, package.manifest.parity
    if note.kind == "compiled":
        assert parity is not None
        return f"compiled, {TOLERANCES[parity.tolerance]}"
    known = [short for said, short in REASONS.items() if said in note.why]
    assert known, f"a reason that the page has no words for: {note.why}"
    return f"native: {known[0]}"


def verdict_alone(name: str) -> str:
    """What the page says of a model that holds its own preprocessing."""
    X, bad = make_rows()
    model = ALONE[name](X, bad)
    taken = X[[column for column in X if column != "trade"]] if name.startswith("ONNX") else X
    try:
        return verdict(seal(model, taken, bad, name=name, cut_offs=CUT_OFFS))
    except SealError as refusal:
        return f"refused: {refusal.message}"


INTRODUCTION = """\
# Which models compile

Every kind of model behind every kind of preprocessing, sealed on the same made-up applications and compared row by
row, on hard rows too.

- **compiled, bit-equal**: every bit of the PD is the library's.
- **compiled, 1e-12**: a linear model is among its parts, and BLAS itself adds up otherwise for one row than for many.
- **native**: the original model is asked as it is, for the reason given below. Its card says what that costs.

Some of it depends on the data (how steep a calibrator is, where a tree splits): sealing decides it anew each time, and
`roadworthy inspect` says which step it was. [The package](package.md) tells how it is made up.
`python -m tests.model.matrix` writes this page, and a test says when it is stale.
"""


OWN = """\
## With preprocessing of their own

ONNX files are compiled in the width that they state, a line to 1e-6 of ONNX Runtime's float32 sum, or refused with the
operator's name: they are never run as they are.
"""


def write_page(found: dict[tuple[str, str], str], alone: dict[str, str]) -> str:
    """The page's text, of what is behind every preparation and of what holds its own."""
    said_of = [*found.values(), *alone.values()]
    legend = list(dict.fromkeys(said for said in said_of if said.startswith("native: ")))
    lines = [INTRODUCTION, f"| | {' | '.join(PREPARATIONS)} |", "|---" * (len(PREPARATIONS) + 1) + "|"]
    for model in MODELS:
        cells = [found[model, preparation] for preparation in PREPARATIONS]
        short = [f"native ({legend.index(cell) + 1})" if cell in legend else cell for cell in cells]
        lines.append(f"| {model} | {' | '.join(short)} |")
    lines += ["", OWN, "| | |", "|---|---|"]
    for name, said in alone.items():
        lines.append(f"| {name} | {f'native ({legend.index(said) + 1})' if said in legend else said} |")
    lines += ["", "Native, because:", ""]
    lines += [f"{i}. {said.removeprefix('native: ')}" for i, said in enumerate(legend, start=1)]
    return "\n".join(lines) + "\n"


def read_page(text: str) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """The cells of the page, with the reasons written out."""
    lines = text.splitlines()
    reasons = dict(line.split(". ", 1) for line in lines if line[:1].isdigit())

    def written_out(cell: str) -> str:
        native = cell.removeprefix("native (").removesuffix(")")
        return f"native: {reasons[native]}" if cell.startswith("native") else cell

    found: dict[tuple[str, str], str] = {}
    alone: dict[str, str] = {}
    for line in (line for line in lines if line.startswith("| ") and not line.startswith("| |")):
        model, *cells = (written_out(cell.strip()) for cell in line.strip("|").split("|"))
        if len(cells) == 1:
            alone[model] = cells[0]
        else:
            found |= {(model, preparation): cell for preparation, cell in zip(PREPARATIONS, cells, strict=True)}
    return found, alone


if __name__ == "__main__":
    rows = made_up()
    whole = {cell: verdict(make_cell(*cell, *rows).package) for cell in everything()}
    PAGE.write_text(write_page(whole, {name: verdict_alone(name) for name in ALONE}))
