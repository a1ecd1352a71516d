"""One small product, taken the whole way once; tests that change it work on a copy."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from roadworthy.pipeline import RunResult, Workspace, init_product, open_workspace, run_stages
from roadworthy.portfolio import HORIZON_MONTHS, past_applications, simulate

ANSWERS = """\
purpose:
  decision: approve, refer or decline a loan
  owner: the tests
  used_by: nobody
  where: in a temporary folder
  bad_outcome: default within 24 months
  horizon_months: 24
  success: profit
"""


@dataclass(frozen=True)
class Made:
    """A product that was run: its directory's copyable state, and what the run said."""

    directory: Path
    data: Path
    result: RunResult


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A product of 4,000 simulated applications, run once for the whole session."""
    folder = tmp_path_factory.mktemp("made")
    portfolio = simulate(4_000, seed=7)
    data = folder / "synthetic_applications.parquet"
    pq.write_table(past_applications(portfolio, portfolio.end, HORIZON_MONTHS), data)
    (folder / "answers.yaml").write_text(ANSWERS)
    directory = folder / "loans"
    init_product(
        data,
        target="default",
        out=directory,
        answer="answer",
        booked_date="booked_date",
        outcome_date="outcome_date",
        id="application_id",
        date="applied_at",
        amount="amount",
        group=("age",),
        answers=folder / "answers.yaml",
    )
    return Made(directory, data, run_stages(open_workspace(directory)))


@pytest.fixture
def workspace(made: Made, tmp_path: Path) -> Workspace:
    """A copy of the product, its data beside it as before."""
    shutil.copyfile(made.data, tmp_path / made.data.name)
    shutil.copytree(made.directory, tmp_path / "loans")
    return open_workspace(tmp_path / "loans")
