"""How well a plain boosted model ranks eight credit data sets: our measures beside recorded baselines.

    python benchmarks/published_scores.py [NAME...] [--data FOLDER]

One JSON line each. LightGBM (200 trees, rate .03, 15 leaves) on the raw columns, text as categories, in five stratified
folds. AUC is the mean over the folds; KS, Brier, H and EMP are of all out-of-fold probabilities together. Data sets
that are not on this machine are skipped with a message.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.model_selection import StratifiedKFold

from roadworthy.measures import auc, brier, emp, h_measure, ks

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@dataclass(frozen=True)
class DataSet:
    """A file, its target, and what was recorded for it: AUC, KS, Brier, H, EMP (None where H was not)."""

    file: str
    target: str
    recorded: tuple[float, float, float, float | None, float]
    target_is_good: bool = False
    drop: tuple[str, ...] = ()
    """Identifiers, and columns known only after the outcome."""


DATA_SETS = {
    "german": DataSet("german_credit.csv", "bad", (0.7873, 0.440, 0.16409, 0.286, 0.04043)),
    "australian": DataSet(
        "australian_credit.csv", "approved", (0.9439, 0.770, 0.0888, 0.684, 0.13479), target_is_good=True
    ),
    "hmeq": DataSet("hmeq.csv", "BAD", (0.9482, 0.761, 0.06399, 0.676, 0.03913)),
    "taiwan": DataSet("taiwan_default.parquet", "default", (0.7846, 0.432, 0.13341, 0.292, 0.02347), drop=("ID",)),
    "gmsc": DataSet(
        "give_me_some_credit.parquet", "SeriousDlqin2yrs", (0.8660, 0.576, 0.04888, None, 0.00450), drop=("id",)
    ),
    "vub": DataSet(
        "vub_credit_scoring.parquet",
        "Default_45",
        (0.7986, 0.461, 0.11567, 0.279, 0.01370),
        drop=("ID", "Days_late", "Expected_loss", "Expected_profit", "Test_set1", "Test_set2", "Test_set3"),
    ),
    "polish5": DataSet("polish_bankruptcy_5year.parquet", "class", (0.9574, 0.770, 0.02719, 0.706, 0.01196)),
    "polish1": DataSet("polish_bankruptcy_1year.parquet", "class", (0.9549, 0.765, 0.0157, 0.703, 0.00642)),
}


def read(path: Path, data_set: DataSet) -> tuple[pd.DataFrame, np.ndarray]:
    """The inputs, with text as categories, and the bads."""
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    target = table.pop(data_set.target).to_numpy()
    table = table.drop(columns=list(data_set.drop))
    text = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return table.astype(dict.fromkeys(text, "category")), 1 - target if data_set.target_is_good else target


def score(table: pd.DataFrame, bad: np.ndarray) -> dict[str, float]:
    """Our measures of the out-of-fold probabilities."""
    out_of_fold = np.empty(len(bad))
    by_fold = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(table, bad):
        model = LGBMClassifier(
            n_estimators=200,
            learning_rate=0.03,
            num_leaves=15,
            min_child_samples=50,
            subsample=0.8,
            subsample_freq=1,
            colsample_bytree=0.8,
            random_state=0,
            n_jobs=1,  # the order of summing, and so the last digits, follow the number of threads
            verbose=-1,
        ).fit(table.iloc[train], bad[train])
        out_of_fold[test] = np.asarray(model.predict_proba(table.iloc[test]))[:, 1]
        by_fold.append(float(auc(bad[test], out_of_fold[test])))
    return {
        "auc": float(np.mean(by_fold)),
        "ks": float(ks(bad, out_of_fold)),
        "brier": float(brier(bad, out_of_fold)),
        "h": float(h_measure(bad, out_of_fold)),
        "emp": float(emp(bad, out_of_fold)),
    }


def compare(name: str, folder: Path) -> dict[str, object]:
    """One line: ours beside what was recorded, the largest difference, and the time it took."""
    data_set = DATA_SETS[name]
    started = time.perf_counter()
    table, bad = read(folder / data_set.file, data_set)
    ours = score(table, bad)
    recorded = dict(zip(ours, data_set.recorded, strict=True))
    differences = [abs(ours[measure] - value) for measure, value in recorded.items() if value is not None]
    return {
        "benchmark": "published_scores",
        "data": name,
        "rows": len(bad),
        "ours": {measure: round(value, 5) for measure, value in ours.items()},
        "recorded": recorded,
        "largest_difference": round(max(differences), 5),
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    """Compare each named data set, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DATA_SETS)}; all by default")
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets (default: %(default)s)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(DATA_SETS))
    if unknown:
        parser.error(f"there is no data set {', '.join(unknown)}; there are {', '.join(DATA_SETS)}")
    # LightGBM 4 warns about its own use of scikit-learn's changing names.
    warnings.filterwarnings("ignore", category=FutureWarning)
    for name in arguments.names or DATA_SETS:
        path = arguments.data / DATA_SETS[name].file
        if not path.is_file():
            print(f"{name}: skipped, {path} is not on this machine", file=sys.stderr)
            continue
        print(json.dumps(compare(name, arguments.data)), flush=True)


if __name__ == "__main__":
    main()
