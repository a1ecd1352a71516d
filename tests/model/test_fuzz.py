"""Sealed packages and model files changed at random neither crash nor hang nor mislead what loads them (R13, R29).

The ordinary run judges some thousands in one process. `LONG_TESTS=1` judges 100,000 in processes of their own, with a
limit of time for each file and Numba's own checks of every index, and prints the outcomes and the validators' coverage.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadworthy.errors import SealError
from roadworthy.model import load, read_model_file
from roadworthy.model.package import PROTOCOL
from tests.model.judging import PACKAGES, VENDOR_FILES, judge, judge_vendor_file, write_vendor_file

LONG = bool(os.environ.get("LONG_TESTS"))
SHORT = 2_000
PACKAGES_JUDGED = 96_000
FILES_JUDGED = 4_000
MOST_REFUSED = 100
LEAST_REACHED = 0.6  # beside what writes and what nothing mutated asks for
ROOT = Path(__file__).parents[2]


def test_packages_of_every_protocol_are_changed() -> None:
    assert {path.parent.name for path in PACKAGES} == {f"protocol-{number}" for number in range(1, PROTOCOL + 1)}
    kinds = {note["kind"] for path in PACKAGES for note in json.loads(load(path).parts.get("scorer/parts.json", b"[]"))}
    assert kinds >= {"forest", "linear", "mean", "started", "steps", "isotonic", "softmax", "logit", "expit"}
    assert {path.suffix for path in VENDOR_FILES} == {".skops", ".txt", ".json", ".ubj", ".cbm", ".onnx"}


def test_packages_changed_at_random_are_refused_or_decide() -> None:
    outcomes = Counter(judge("package", number) for number in range(SHORT))
    assert outcomes["refused"] > SHORT / 2
    assert outcomes["decides"] > SHORT / 50
    assert outcomes["decides otherwise, and check_golden tells"] > SHORT / 50


def judge_side_by_side(kind: str, count: int, folder: Path) -> dict[int, str]:
    """What came of each of the first so many files, a share of them judged for each core."""
    shares = os.cpu_count() or 1
    starts = [count * share // shares for share in range(shares + 1)]
    with ThreadPoolExecutor(shares) as pool:
        judged = pool.map(lambda one, next_one: judge_apart(kind, one, next_one - one, folder)[0], starts, starts[1:])
        return {number: said for share in judged for number, said in share.items()}


def judge_apart(
    kind: str, first: int, count: int, folder: Path, **environment: str
) -> tuple[dict[int, str], list[str]]:
    """What came of each of so many files, judged in another process, and the lines that it ends with."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.model.judging", kind, str(first), str(count)]
    cache = {"NUMBA_CACHE_DIR": str(folder), "NUMBA_BOUNDSCHECK": "1", "OMP_NUM_THREADS": "1"}
    known = {**os.environ, **cache, **environment}
    answers = folder / f"{kind}-{first}.txt"  # how far it is can be seen there
    with answers.open("w") as file:
        subprocess.run(command, cwd=ROOT, env=known, stdout=file, stderr=subprocess.DEVNULL, check=True)
    lines = [line.partition(" ") for line in answers.read_text().splitlines()]
    said = {int(number): outcome for number, _, outcome in lines if number != "-1"}
    return said, [line for number, _, line in lines if number == "-1"]


@pytest.mark.parametrize(
    ("name", "before", "odd"),
    [
        ("xgboost.json", b'"learner"', b'"\xff'),
        ("lightgbm.txt", b"objective=binary", b"objective=\xff"),
        ("lightgbm.txt", b"[objective: binary]", b'[objective: "]'),
        ("catboost.json", b'"class_names"', b'"class_na\xa6es"'),
    ],
)
def test_a_damaged_file_is_refused_whatever_its_library_makes_of_it(
    name: str, before: bytes, odd: bytes, tmp_path: Path
) -> None:
    (content,) = (path.read_bytes() for path in VENDOR_FILES if path.name == name)
    assert before in content
    (tmp_path / name).write_bytes(content.replace(before, odd, 1))
    assert judge_vendor_file(tmp_path / name) == "refused"


@pytest.mark.skipif(not LONG, reason="LONG_TESTS=1 judges 100,000 files")
@pytest.mark.parametrize(("kind", "count"), [("package", PACKAGES_JUDGED), ("vendor", FILES_JUDGED)])
def test_one_hundred_thousand_neither_crash_nor_hang_nor_mislead(kind: str, count: int, tmp_path: Path) -> None:
    said = judge_side_by_side(kind, count, tmp_path)
    outcomes = Counter(said.values())
    figures = [f"{times:>7,}  {outcome}" for outcome, times in outcomes.most_common()]
    print("\n".join(["", f"{len(said):,} of kind {kind}:", *figures]))  # noqa: T201  # the figures are the point
    assert sorted(said) == list(range(count))
    assert {number: fault for number, fault in said.items() if fault.startswith("FAULT")} == {}
    ended = [number for number, outcome in said.items() if outcome in ("hung", "died")]
    assert kind == "vendor" or not ended
    # A library may die of a damaged file of its own: it does so in a process apart, and the file is refused.
    for number in ended[:MOST_REFUSED]:
        with pytest.raises(SealError):
            read_model_file(write_vendor_file(number, tmp_path))


@pytest.mark.skipif(not LONG, reason="LONG_TESTS=1 traces the validators")
def test_the_validators_lines_are_reached(tmp_path: Path) -> None:
    outcomes, report = judge_apart("package", 200_000, 5_000, tmp_path, TRACED="1", NUMBA_BOUNDSCHECK="0")
    assert len(outcomes) == 5_000
    print("\n" + "\n".join(report))  # noqa: T201  # the figures are the point
    assert {line.partition(":")[0] for line in report} >= {"engine_parts.py", "composed.py", "curves.py", "plan.py"}
    for line in report:
        file, _, figures = line.partition(": ")
        ran, lines = (int(figure) for figure in figures.partition(" lines")[0].split(" of "))
        assert ran >= LEAST_REACHED * lines, file
