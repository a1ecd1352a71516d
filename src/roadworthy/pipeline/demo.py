"""The demo: simulate -> init -> run -> go live -> outcomes, on a synthetic portfolio, with what each step cost."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roadworthy.contract import contract_yaml
from roadworthy.errors import Refused
from roadworthy.outcomes import matured_gains
from roadworthy.pipeline.demo_live import live_years
from roadworthy.pipeline.demo_product import GROUP, MONEY, edit_contract, edit_policy
from roadworthy.pipeline.init import init_product
from roadworthy.pipeline.run import STAGES, Progress, run_stages
from roadworthy.pipeline.workspace import open_workspace
from roadworthy.policy import Policy, policy_yaml
from roadworthy.portfolio import HORIZON_MONTHS, past_applications, simulate
from roadworthy.yaml_file import write_text

__all__ = ["DemoResult", "DemoStep", "run_demo"]

PRODUCT = "loans"
_YEARS_LIVE = 3
_ANSWERS = f"""\
# The purpose of the demo's product, as a person would state it.
purpose:
  decision: approve, refer or decline an application for an instalment loan
  owner: Ines Marlow, head of consumer lending (made up, like everything in the demo)
  used_by: loan officers in the branches, and the web shop
  where: at the point of sale, and in the officers' queue
  bad_outcome: default within {HORIZON_MONTHS} months of booking
  horizon_months: {HORIZON_MONTHS}
  success: profit over {HORIZON_MONTHS} months, against approving as the bank did before
"""


@dataclass(frozen=True)
class DemoStep:
    """What a step cost: wall seconds, and the process's peak memory so far in MiB."""

    name: str
    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class DemoResult:
    """Where the demo lies, what it cost, one decision with its reasons as JSON, and how to come in.

    `matured` says how the PDs of the years live compare with what came: a gains table, or why there is none yet. `key`
    is the web shop's, and `links` sign each of the demo's people in, once.
    """

    directory: Path
    page: Path
    decision: str
    matured: str
    key: str
    links: dict[str, str]
    steps: list[DemoStep] = field(default_factory=list)


def run_demo(out: Path, applications: int, seed: int, say: Callable[[str], None]) -> DemoResult:
    """Simulate `applications` of ten years in `out`: seven to learn from, three to decide. `say` hears each step."""
    steps: list[DemoStep] = []
    out.mkdir(parents=True, exist_ok=True)
    with _timed("simulate", steps):
        portfolio = simulate(applications, seed=seed)
        since = date(portfolio.end.year - _YEARS_LIVE, 12, 31)
        past = past_applications(portfolio, since, HORIZON_MONTHS)
        data = out / "synthetic_applications.parquet"
        pq.write_table(past, data)
    say(f"{'simulate':>12}  {past.num_rows:,} synthetic applications, {portfolio.start} to {since}, in {data}")
    with _timed("init", steps):
        answers = out / "purpose.yaml"
        write_text(answers, _ANSWERS)
        directory = out / PRODUCT
        made = init_product(
            data,
            target="default",
            out=directory,
            answer="answer",
            booked_date="booked_date",
            outcome_date="outcome_date",
            id="application_id",
            date="applied_at",
            amount="amount",
            money=MONEY,
            group=GROUP,
            answers=answers,
            name=PRODUCT,
            force=True,
        )
        contract = edit_contract(made.contract)
        write_text(directory / "contract.yaml", contract_yaml(contract))
        policy = edit_policy(Policy.load(directory / "policy.yaml"), contract)
        write_text(directory / "policy.yaml", policy_yaml(policy))
    counted = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    say(f"{'init':>12}  {counted}; {directory}")
    workspace = open_workspace(directory)
    progress = Progress(lambda stage, sentence: say(f"{stage:>12}  {sentence}"))
    for stage in STAGES:
        with _timed(stage, steps):
            result = run_stages(workspace, [stage], progress=progress)
    with _timed("go live", steps):
        years = live_years(workspace, f"sqlite:///{directory.resolve() / 'roadworthy.db'}", portfolio, since)
    counts = ", ".join(f"{count:,} {answer}" for answer, count in years.answers.items())
    say(f"{'go live':>12}  release 1 by two people on {since}; {years.decided:,} decided on their day ({counts})")
    say(f"{'outcomes':>12}  {years.outcomes:,} events reported by {portfolio.end}")
    try:
        matured = repr(matured_gains(years.judged))
    except Refused as error:
        matured = str(error)
    one = _one_decline(result.decisions)
    return DemoResult(directory, result.page, one, matured, years.key, dict(years.links), steps)


@contextmanager
def _timed(name: str, steps: list[DemoStep]) -> Iterator[None]:
    began = time.monotonic()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps.append(DemoStep(name, time.monotonic() - began, peak / (1024**2 if sys.platform == "darwin" else 1024)))


def _one_decline(decisions: Path) -> str:
    """The first decline by PD, as the API would reply."""
    for batch in pq.ParquetFile(decisions).iter_batches(columns=None):
        table = pa.Table.from_batches([batch])
        chosen = table.filter(pc.and_(pc.equal(table["answer"], "decline"), pc.is_valid(table["pd_at_reference"])))
        if chosen.num_rows:
            row = chosen.slice(0, 1).to_pylist()[0]
            return msgspec.json.format(msgspec.json.encode(row), indent=2).decode()
    return "nobody was declined by PD"
