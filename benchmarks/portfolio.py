"""CPU seconds and peak memory of simulating a portfolio, against a baseline that anyone can run.

The baseline is NumPy drawing as many standard normal columns as the applications table has, of the same length. Only
the ratio means anything from one machine to another. Compiling and importing are left out: they are paid once.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time

import numpy as np

from roadworthy.portfolio import simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", type=int, default=1_000_000)
    n = parser.parse_args().applications
    simulate(100, seed=0)  # compiles the kernel, or loads it from its cache

    began, clock = time.process_time(), time.perf_counter()
    portfolio = simulate(n, seed=1)
    cpu, wall = time.process_time() - began, time.perf_counter() - clock

    columns = portfolio.applications.num_columns
    rng = np.random.default_rng(1)
    began = time.process_time()
    for _ in range(columns):
        rng.standard_normal(n)
    baseline = time.process_time() - began

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    figures = {
        "benchmark": "portfolio",
        "applications": n,
        "events": portfolio.events.num_rows,
        "cpu_seconds": round(cpu, 4),
        "wall_seconds": round(wall, 4),
        "peak_memory_gib": round(peak / 2**30, 3),
        "baseline": f"numpy draws {columns} standard normal columns of {n} rows",
        "baseline_cpu_seconds": round(baseline, 6),
        "ratio": round(cpu / round(baseline, 6), 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
