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

from roadworthy.errors import Refused
from roadworthy.outcomes import judge_outcomes, matured_gains
from roadworthy.pipeline.demo.bank import Bank, at_nine
from roadworthy.pipeline.demo.challenger import WHY, learn_again
from roadworthy.pipeline.demo.live import add_challenger, live_years, open_bank
from roadworthy.pipeline.demo.people import describe_people, let_people_in
from roadworthy.pipeline.demo.product import make_product
from roadworthy.pipeline.demo.week import BadWeek
from roadworthy.pipeline.run import STAGES, Progress, run_stages
from roadworthy.pipeline.workspace import Workspace, open_workspace
from roadworthy.portfolio import HORIZON_MONTHS, past_applications, simulate
from roadworthy.settings import read_settings

__all__ = ["DemoResult", "DemoStep", "run_demo"]

PRODUCT, CHALLENGER = "loans", "loans-again"
_YEARS_LIVE = 3


@dataclass(frozen=True)
class DemoStep:
    """What a step cost: wall seconds, and the process's peak memory so far in MiB."""

    name: str
    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class DemoResult:
    """Where the demo lies, what it cost, one decision with its reasons as JSON, and how to come in.

    matured       how the PDs of the years live compare with what came: a gains table, or why there is none yet
    bad_week      the first and the last day on which the web shop sent a twelfth of the incomes: staged
    challenger    the number of the release that is approved and waits to be promoted
    people        what each of the demo's people is, and may try
    key, links    the web shop's key, and what signs each of the people in, once
    """

    directory: Path
    page: Path
    decision: str
    matured: str
    bad_week: tuple[date, date]
    challenger: str
    people: dict[str, str]
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
        directory = out / PRODUCT
        made = make_product(data, directory)
    counted = ", ".join(f"{count:,} {name}" for name, count in made.items())
    say(f"{'init':>12}  {counted}; {directory}")
    workspace = open_workspace(directory)
    progress = Progress(lambda stage, sentence: say(f"{stage:>12}  {sentence}"))
    for stage in STAGES:
        with _timed(stage, steps):
            result = run_stages(workspace, [stage], progress=progress)
    week = BadWeek(portfolio.end)
    with open_bank(read_settings(directory.resolve(), {}), since) as bank:
        with _timed("go live", steps):
            key, links = let_people_in(bank.store, at_nine(since))
            officers = live_years(bank, workspace, portfolio, since, week)
        counts = ", ".join(f"{count:,} {answer}" for answer, count in officers.answers.items())
        decided = sum(officers.answers.values())
        say(f"{'go live':>12}  release 1 by two people on {since}; {decided:,} decided on their day ({counts})")
        say(f"{'outcomes':>12}  {officers.lending.told:,} events reported by {portfolio.end}")
        with _timed("learn again", steps):
            again = learn_again(out / CHALLENGER, portfolio, since, officers.lending.loans, workspace.policy)
            challenger = add_challenger(bank, again, portfolio.end, WHY)
        say(f"{'learn again':>12}  release {challenger} of {out / CHALLENGER}, approved, waits to be promoted")
        people = describe_people(bank.store, challenger)
        matured = _matured(bank, workspace, portfolio.end)
    one = _one_decline(result.decisions)
    bad_week = (week.first, week.last)
    return DemoResult(
        directory=directory,
        page=result.page,
        decision=one,
        matured=matured,
        bad_week=bad_week,
        challenger=challenger,
        people=people,
        key=key,
        links=links,
        steps=steps,
    )


@contextmanager
def _timed(name: str, steps: list[DemoStep]) -> Iterator[None]:
    began = time.monotonic()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps.append(DemoStep(name, time.monotonic() - began, peak / (1024**2 if sys.platform == "darwin" else 1024)))


def _matured(bank: Bank, workspace: Workspace, end: date) -> str:
    """How the PDs compare with what came, or why that cannot be said yet."""
    with bank.store.reading() as connection:
        judged = judge_outcomes(connection, workspace.product, at_nine(end, days=1))
    try:
        return repr(matured_gains(judged))
    except Refused as error:
        return str(error)


def _one_decline(decisions: Path) -> str:
    """The first decline by PD, as the API would reply."""
    for batch in pq.ParquetFile(decisions).iter_batches(columns=None):
        table = pa.Table.from_batches([batch])
        chosen = table.filter(pc.and_(pc.equal(table["answer"], "decline"), pc.is_valid(table["pd_at_reference"])))
        if chosen.num_rows:
            row = chosen.slice(0, 1).to_pylist()[0]
            return msgspec.json.format(msgspec.json.encode(row), indent=2).decode()
    return "nobody was declined by PD"
