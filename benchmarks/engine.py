"""What PD and reasons cost a row, beside the libraries that the model came from.

    python benchmarks/engine.py [--rounds 5]

One LightGBM pipeline (20 numbers, 5 words; imputed, scaled, one-hot; 200 trees of 31 leaves), sealed once. In one run
on one thread, CPU per row at 1, 8, 64 and 100,000 rows at once, each time other rows: the sealed engine from arrays,
and from JSON bodies as the API takes them; the pipeline's `predict_proba` from a data frame; reasons by exact Shapley
values against the reference applicant, LightGBM's `pred_contrib`, and shap's TreeExplainer where it is installed; the
trees alone by ONNX Runtime where that and onnxmltools are installed (in float32, so not the same numbers). Then how
long a new process takes from the package file to its first explained decision, with and without kernels compiled
before. One JSON line each, then the ratios: only they mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "services")]

from loan_model import fit_model, make_loans  # noqa: E402  # the path above

from roadworthy.contract import Batch, Contract, check_bodies  # noqa: E402
from roadworthy.decision import Release, decide  # noqa: E402
from roadworthy.model import load, seal  # noqa: E402
from roadworthy.policy import Policy  # noqa: E402

POLICY = """\
name: loans
bands: [{up_to: 0.2, answer: approve}, {up_to: 0.3, answer: refer}, {answer: decline}]
"""
SIZES = (1, 8, 64, 100_000)
AT_MOST = {"PD from JSON": 20_000, "pred_contrib": 5_000, "shap": 5_000}
"""What takes minutes of 100,000 rows: of so many, a row costs the same."""
_FIRST = """\
import sys, time
began = time.perf_counter()
from roadworthy.decision import Release, decide
from roadworthy.model import load
from roadworthy.policy import Policy
package = load(sys.argv[1])
decide(package.reference, Release(package, Policy.parse(sys.argv[2])))
print(time.perf_counter() - began)
"""

Work = Callable[[int, int], Any]
"""Does its work on the rows from one number to another."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        model, path = fit_model(), Path(folder) / "loans.rw"
        X, bad = make_loans(3_000, seed=3)
        seal(model, X, bad, name="loans", cut_offs=(0.2, 0.3)).save(path)
        works = make_works(model, path)
        found = {}
        for size in SIZES:
            for name, work in works.items():
                found[name, size] = measure(work, min(size, AT_MOST.get(name, size)), rounds)
                print(json.dumps({"work": name, "rows": size, "us_per_row": round(found[name, size], 2)}))
        compare(found)
        measure_loading(path, folder)


def make_works(model: Any, path: Path) -> dict[str, Work]:
    """Every way to the PDs, the reasons or the decisions, over the same 100,000 rows."""
    X, _ = make_loans(SIZES[-1], seed=4)
    package = load(path)
    engine, release = package.engine, Release(package, Policy.parse(POLICY))
    batch = package.batch(X)
    # Cut beforehand, as a server has them: who asks holds arrays already.
    taken = {(at, n): batch.take(np.arange(at, at + n)) for n in SIZES for at in starts(n)}
    bodies = [msgspec.json.encode({"inputs": row}) for row in msgspec.json.decode(X[:20_000].to_json(orient="records"))]
    works: dict[str, Work] = {
        "PD": lambda at, n: engine.pd(taken[at, n]),
        "PD from JSON": lambda at, n: engine.pd(_read(package.contract, bodies[at : at + n])),
        "reasons": lambda at, n: engine.explain(taken[at, n], package.reference),
        "decide": lambda at, n: decide(taken[at, n], release),
        "predict_proba": lambda at, n: model.predict_proba(X[at : at + n]),
    }
    features = model[:-1].transform(X)
    booster = model[-1].booster_
    # So many columns have no names in an array, and LightGBM takes them by position.
    works["pred_contrib"] = lambda at, n: booster.predict(features[at : at + n], pred_contrib=True, num_threads=1)
    if find_spec("shap") is not None:
        explainer = import_module("shap").TreeExplainer(booster)
        works["shap"] = lambda at, n: explainer.shap_values(features[at : at + n])
    if find_spec("onnxruntime") is not None and find_spec("onnxmltools") is not None:
        works["trees by ONNX Runtime"] = make_onnx(booster, features.to_numpy(np.float32))
    return works


def _read(contract: Contract, bodies: list[bytes]) -> Batch:
    return check_bodies(contract, [msgspec.json.decode(body) for body in bodies]).batch


def make_onnx(booster: Any, features: Any) -> Work:
    onnxruntime, onnxmltools = import_module("onnxruntime"), import_module("onnxmltools")
    numbers = import_module("onnxmltools.convert.common.data_types").FloatTensorType([None, features.shape[1]])
    graph = onnxmltools.convert_lightgbm(booster, initial_types=[("x", numbers)], zipmap=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    return lambda at, n: session.run(None, {"x": features[at : at + n]})


def starts(n: int) -> Iterator[int]:
    """Where to begin, so that about 1,000 rows are worked on, none twice: a processor learns a row's ways by heart."""
    return iter(range(0, max(1, 1_000 // n) * n, n))


def measure(work: Work, n: int, rounds: int) -> float:
    """Microseconds of CPU for a row: the least of all rounds, which is what other programs disturbed least."""
    places = list(starts(n))
    work(places[0], n)
    least = np.inf
    for _ in range(rounds if n < SIZES[-1] else min(rounds, 3)):
        began = time.process_time()
        for at in places:
            work(at, n)
        least = min(least, time.process_time() - began)
    return float(least / (n * len(places)) * 1e6)


def compare(found: dict[tuple[str, int], float]) -> None:
    for size in SIZES:
        ratios = {
            "rows": size,
            "predict_proba_by_pd": found["predict_proba", size] / found["PD", size],
            "predict_proba_by_pd_from_json": found["predict_proba", size] / found["PD from JSON", size],
            "predict_proba_by_decide": found["predict_proba", size] / found["decide", size],
            "pred_contrib_by_reasons": found["pred_contrib", size] / found["reasons", size],
        }
        print(json.dumps({name: round(value, 1) for name, value in ratios.items()}))


def measure_loading(path: Path, folder: str) -> None:
    """A new process, with an empty place for compiled kernels and then with the one that it left."""
    place = {"NUMBA_CACHE_DIR": str(Path(folder) / "kernels")}
    for when in ("cold", "warm", "warm"):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _FIRST, str(path), POLICY], check=True, capture_output=True, env=os.environ | place
        )
        figures = {"seconds": float(done.stdout), "with_the_interpreter": time.perf_counter() - began}
        print(json.dumps({"first decision": when, **{name: round(value, 2) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
