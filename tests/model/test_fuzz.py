"""Sealed packages and model files changed at random neither crash nor hang nor mislead what loads them (R13, R29).

The ordinary run judges some thousands in one process. `LONG_TESTS=1` judges 100,000 in processes of their own, with a
limit of time for each file and Numba's own checks of every index, and prints the outcomes and the validators' coverage.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.model.judging import judge

LONG = bool(os.environ.get("LONG_TESTS"))
SHORT = 2_000
PACKAGES_JUDGED = 96_000
FILES_JUDGED = 4_000
SECONDS_EACH = 30
ROOT = Path(__file__).parents[2]


def test_packages_changed_at_random_are_refused_or_decide() -> None:
    outcomes = Counter(judge("package", number) for number in range(SHORT))
    assert outcomes["refused"] > SHORT / 2
    assert outcomes["decides"] > SHORT / 50
    assert outcomes["decides otherwise, and check_golden tells"] > SHORT / 50


def judge_apart(kind: str, first: int, count: int, folder: Path, **environment: str) -> tuple[Counter[str], list[str]]:
    """The outcomes of so many files, judged in other processes.

    One at which a process dies or hangs is counted as that, and another process goes on after it.
    """
    outcomes: Counter[str] = Counter()
    report: list[str] = []
    known = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder),
        "NUMBA_BOUNDSCHECK": "1",
        "OMP_NUM_THREADS": "1",
        **environment,
    }
    stop = first + count
    while first < stop:
        command = [sys.executable, "-W", "ignore", "-m", "tests.model.judging", kind, str(first), str(stop - first)]
        with subprocess.Popen(
            command, cwd=ROOT, env=known, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        ) as process:
            assert process.stdout is not None
            patience = 900  # kernels are compiled first
            while True:
                ready, _, _ = select.select([process.stdout], [], [], patience)
                line = process.stdout.readline() if ready else ""
                if not line:
                    break
                patience = SECONDS_EACH
                number, _, said = line.rstrip("\n").partition(" ")
                if int(number) < 0:
                    report += [said] if number == "-1" else []
                    continue
                outcomes[said] += 1
                first = int(number) + 1
            if first < stop:
                process.kill()
                outcomes[f"{'died' if ready else 'hung'} at {first}"] += 1
                first += 1
    return outcomes, report


@pytest.mark.skipif(not LONG, reason="LONG_TESTS=1 judges 100,000 files")
@pytest.mark.parametrize(("kind", "count"), [("package", PACKAGES_JUDGED), ("vendor", FILES_JUDGED)])
def test_one_hundred_thousand_neither_crash_nor_hang_nor_mislead(kind: str, count: int, tmp_path: Path) -> None:
    outcomes, _ = judge_apart(kind, 0, count, tmp_path)
    figures = [f"{times:>7,}  {outcome}" for outcome, times in outcomes.most_common()]
    print("\n".join(["", f"{sum(outcomes.values()):,} of kind {kind}:", *figures]))  # noqa: T201  # they are the point
    # A library may die of a damaged file of its own: `read_model_file` has it do so in a process apart, and refuses.
    wrong = ("FAULT", "hung", "died") if kind == "package" else ("FAULT", "hung")
    assert {said: times for said, times in outcomes.items() if said.startswith(wrong)} == {}
    assert sum(outcomes.values()) == count


@pytest.mark.skipif(not LONG, reason="LONG_TESTS=1 traces the validators")
def test_the_validators_lines_are_reached(tmp_path: Path) -> None:
    outcomes, report = judge_apart("package", 200_000, 5_000, tmp_path, TRACED="1", NUMBA_BOUNDSCHECK="0")
    assert sum(outcomes.values()) == 5_000
    print("\n" + "\n".join(report))  # noqa: T201  # the figures are the point
    assert report
