"""The commands that the page about the portfolio shows do what it says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "explanation" / "portfolio.md").read_text(encoding="utf-8")


def run_from_the_page(script: str) -> tuple[list[str], str]:
    """Runs the one command of the page that names `script`, as it stands there; returns it and its output."""
    (line,) = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
        if script in line
    ]
    python, *arguments = shlex.split(line)
    assert python == "python"
    ran = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return arguments, ran.stdout


def test_the_picture_is_drawn_and_labelled_synthetic() -> None:
    arguments, _ = run_from_the_page("docs/explanation/portfolio_chart.py")
    drawn = (ROOT / arguments[-1]).read_text(encoding="utf-8")
    for text in (
        "Synthetic portfolio of 10,000 applications",
        "bad within 24 months",
        "largest PSI of an input",
        "quiet",
    ):
        assert text in drawn
        assert text.replace("10,000", "200,000") in (ROOT / "docs/explanation/portfolio.svg").read_text(
            encoding="utf-8"
        )


def test_the_benchmark_prints_one_line_of_json_with_a_ratio_anyone_can_check() -> None:
    _, printed = run_from_the_page("benchmarks/portfolio.py")
    (line,) = printed.splitlines()
    figures = json.loads(line)
    assert figures["applications"] == 5_000
    assert figures["events"] > 10_000
    assert figures["ratio"] == pytest.approx(figures["cpu_seconds"] / figures["baseline_cpu_seconds"], rel=0.01)
