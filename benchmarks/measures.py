"""Our measures beside pandas, scikit-learn and NumPy doing the same: time, memory over the input, and agreement.

    python benchmarks/measures.py [NAME...] [--rows N ...] [--resamples N]

One JSON line for each measure and size. Each side runs in a process of its own, on the same seeded applications, after
a warm-up on a thousand rows that pays for compiling and importing. `cpu_seconds` is what the process computed, on
however many threads; `seconds` is what one waits. `memory` is the peak beyond what was there before, in units of the
input (`bad` and `pd`, eight bytes each for every row). The pandas bootstrap draws fewer resamples, is scaled up to as
many, and the line says so. By default 1 and 10 million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from roadworthy import measures

Applications = tuple[np.ndarray, np.ndarray]
CUT_OFFS = np.linspace(0.05, 0.95, 19)
COSTS = {"revenue": 100.0, "funding": 20.0, "ead": 1000.0, "lgd": 0.5}
DRAWN = 5
"""Resamples that pandas draws."""


def gains(sample: Applications) -> list[float]:
    return measures.gains_table(*sample).capture.tolist()


def gains_pandas(sample: Applications) -> list[float]:
    frame = pd.DataFrame({"bad": sample[0], "pd": sample[1]})
    frame["bucket"] = pd.qcut(frame["pd"].rank(method="first", ascending=False), 10, labels=False)
    bads = frame.groupby("bucket")["bad"].sum().cumsum()
    return (bads / bads.iloc[-1]).tolist()


def ks(sample: Applications) -> list[float]:
    return [measures.ks(*sample).value]


def ks_sklearn(sample: Applications) -> list[float]:
    false, true, _ = roc_curve(*sample)
    return [float(np.abs(true - false).max())]


def auc(sample: Applications) -> list[float]:
    return [measures.auc(*sample).value]


def auc_sklearn(sample: Applications) -> list[float]:
    return [float(roc_auc_score(*sample))]


def psi(sample: Applications) -> list[float]:
    half = len(sample[1]) // 2
    return [measures.psi(sample[1][:half], sample[1][half:]).value]


def psi_pandas(sample: Applications) -> list[float]:
    half = len(sample[1]) // 2
    before, after = pd.Series(sample[1][:half]), pd.Series(sample[1][half:])
    edges = [-np.inf, *before.quantile(np.arange(1, 10) / 10, interpolation="lower"), np.inf]
    one, other = (pd.cut(side, edges).value_counts(normalize=True, sort=False) for side in (before, after))
    return [float(((other - one) * np.log(other / one)).sum())]


def cut_offs(sample: Applications, resamples: int = 1000) -> list[float]:
    economics = measures.Economics(**COSTS)
    table = measures.cut_off_table(*sample, economics=economics, cut_offs=CUT_OFFS, resamples=max(resamples, 100))
    return [*table.profit.tolist(), *(table.profit_high - table.profit_low).tolist()]


def cut_offs_pandas(sample: Applications, resamples: int = DRAWN) -> list[float]:
    good = COSTS["revenue"] - COSTS["funding"]
    bad = -COSTS["funding"] - COSTS["ead"] * COSTS["lgd"]
    frame = pd.DataFrame({"pd": sample[1], "profit": np.where(sample[0] == 1, bad, good)})
    frame["band"] = np.searchsorted(CUT_OFFS, frame["pd"], side="right")

    def by_cut_off(rows: pd.DataFrame) -> np.ndarray:
        sums = rows.groupby("band")["profit"].sum().reindex(range(len(CUT_OFFS) + 1), fill_value=0.0)
        return sums.cumsum().to_numpy()[:-1]

    drawn = [by_cut_off(frame.sample(frac=1.0, replace=True, random_state=seed)) for seed in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [*by_cut_off(frame).tolist(), *(high - low).tolist()]


SIDES: dict[str, tuple[Callable[..., list[float]], Callable[..., list[float]], str]] = {
    "gains": (gains, gains_pandas, "pandas"),
    "ks": (ks, ks_sklearn, "scikit-learn"),
    "auc": (auc, auc_sklearn, "scikit-learn"),
    "psi": (psi, psi_pandas, "pandas"),
    "cut_offs": (cut_offs, cut_offs_pandas, "pandas"),
}


def draw(rows: int) -> Applications:
    """Applications with a calibrated PD, without the temporaries of drawing them counting as memory."""
    generator = np.random.default_rng(7)
    probability = generator.beta(1.2, 8.0, rows)
    return (generator.random(rows) < probability).astype(np.int64), probability


def peak() -> int:
    """The most memory this process has held since `forget`, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget() -> None:
    """Let the peak begin anew at what is held now, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def run_side(name: str, side: int, rows: int, resamples: int) -> dict[str, object]:
    """One side in this process."""
    work = SIDES[name][side]
    scale, more = 1.0, {}
    if name == "cut_offs":
        drawn = resamples if side == 0 else min(DRAWN, resamples)
        scale, more = resamples / drawn, {"resamples": drawn}
    work(draw(1000), **more)
    sample = draw(rows)
    forget()
    held = peak()
    began, clock = time.process_time(), time.perf_counter()
    result = work(sample, **more)
    seconds, cpu = time.perf_counter() - clock, time.process_time() - began
    memory = (peak() - held) / sum(array.nbytes for array in sample)
    return {
        "seconds": round(seconds * scale, 4),
        "cpu_seconds": round(cpu * scale, 4),
        "memory": round(memory, 2),
        "result": result,
        **({"drawn": more["resamples"]} if more else {}),
    }


def compare(name: str, rows: int, resamples: int) -> dict[str, object]:
    """Both sides, each in a process of its own."""
    ours, theirs = (
        json.loads(
            subprocess.run(
                [
                    sys.executable,
                    __file__,
                    name,
                    "--side",
                    str(side),
                    "--rows",
                    str(rows),
                    "--resamples",
                    str(resamples),
                ],
                check=True,
                stdout=subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            ).stdout
        )
        for side in (0, 1)
    )
    # What both compute alike; intervals of so few resamples are not compared.
    same = len(CUT_OFFS) if name == "cut_offs" else None
    one, other = (np.array(side.pop("result"))[:same] for side in (ours, theirs))
    difference = float(np.max(np.abs(one - other) / np.maximum(np.abs(other), 1e-12)))
    return {
        "benchmark": "measures",
        "measure": name,
        "rows": rows,
        **({"resamples": resamples} if name == "cut_offs" else {}),
        "ours": ours,
        "baseline": SIDES[name][2],
        "theirs": theirs,
        "times_faster": round(theirs["cpu_seconds"] / max(ours["cpu_seconds"], 1e-4), 1),
        "largest_relative_difference": float(f"{difference:.2g}"),
    }


def main() -> None:
    """Compare each named measure, or all, at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SIDES)}; all by default")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--side", type=int, choices=(0, 1), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(SIDES))
    if unknown:
        parser.error(f"there is no measure {', '.join(unknown)} here; there are {', '.join(SIDES)}")
    if arguments.side is not None:
        print(json.dumps(run_side(arguments.names[0], arguments.side, arguments.rows[0], arguments.resamples)))
        return
    for rows in arguments.rows:
        for name in arguments.names or SIDES:
            print(json.dumps(compare(name, rows, arguments.resamples)), flush=True)


if __name__ == "__main__":
    main()
