"""V10: the recorded baselines of three credit data sets, within .01 (they agree to the digits printed)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARK = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "published_scores.py"


@pytest.fixture(scope="module")
def published_scores() -> ModuleType:
    """The benchmark, which holds the protocol."""
    spec = importlib.util.spec_from_file_location("published_scores", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["published_scores"] = module  # where its dataclass looks up its annotations
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["german", "australian", "hmeq"])
def test_the_recorded_baselines_are_reproduced(shared_data: Path, published_scores: Any, name: str) -> None:
    line = published_scores.compare(name, shared_data)
    for measure, recorded in line["recorded"].items():
        assert line["ours"][measure] == pytest.approx(recorded, abs=0.01), measure
    assert line["largest_difference"] <= 0.01


def test_data_that_is_absent_is_skipped_with_a_message(
    published_scores: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["published_scores.py", "german", "--data", str(tmp_path)])
    published_scores.main()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "german: skipped" in printed.err
