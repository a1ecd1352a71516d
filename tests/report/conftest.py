"""A whole page from a seeded synthetic set, and a small one worked by hand, shared by the tests of the room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from roadworthy import measures
from roadworthy.measures import Economics, Referrals, Term
from roadworthy.report import ColumnShare, CutOffs, Finding, Meaning, Population, Weeks, render_page

ECONOMICS = Economics(revenue=900, funding=150, ead=7000, lgd=0.55, review=20, servicing=60, acquisition=70)
HOSTILE = "<script>document.title='owned'</script>\"'&"


def synthetic_meaning(rows: int = 20_000) -> Meaning:
    """A page's content: PD from a beta distribution, outcomes drawn a little worse than predicted."""
    generator = np.random.default_rng(20100)
    pd = generator.beta(1.1, 9.0, rows)
    bad = (generator.random(rows) < np.minimum(1.06 * pd, 1.0)).astype(np.int64)
    columns = {"amount": generator.lognormal(9.6, 0.5, rows), "rate": 0.03 + 0.12 * pd}
    population = Population(
        who="held-out applications, booked and matured",
        count=rows,
        of=100_000,
        first=date(2009, 1, 1),
        last=date(2010, 12, 31),
        unknown={"declined": 17_410, "not yet mature": 2_216},
    )
    whose = population.caption
    economics = Economics(
        revenue=Term("amount * rate * 2.2", "measured"),
        funding="amount * 0.018",
        ead=Term("amount * 0.7", "measured"),
        lgd=0.55,
        review=25.0,
        servicing=90.0,
        acquisition=Term(110.0, "measured"),
        currency="EUR",
    )
    policy = 0.2
    best = measures.best_cut_off(bad, pd, economics=economics, columns=columns, in_force=policy, population=whose)
    steps = np.quantile(pd, np.linspace(0.02, 0.99, 98)).round(4)
    table = measures.cut_off_table(
        bad,
        pd,
        economics=economics,
        columns=columns,
        cut_offs=np.unique([0.0, *steps, policy, best.cut_off, 1.0]),
        population=whose,
    )
    return Meaning(
        title="Is the model right, and what is it worth?",
        product="Small business loans",
        package="small-business 3",
        digest="9f2c41d07b6ae85544c0de1dbb1ab7d17ab5edb7ab40a23db6a7a3f0c6cb1d88",
        population=population,
        synthetic=True,
        gains={n: measures.gains_table(bad, pd, buckets=n, population=whose) for n in (5, 10, 20, 50)},
        calibration={n: measures.calibration(bad, pd, buckets=n, population=whose) for n in (5, 10, 20, 50)},
        confusion=measures.confusion(bad, pd, cut_off=policy, population=whose),
        classification_report=measures.classification_report(bad, pd, cut_off=policy, population=whose),
        answers=measures.answer_table(
            bad,
            np.where(pd < 0.1, 0, np.where(pd < policy, 1, 2)),
            priced=economics.price(columns, rows),
            population=whose,
        ),
        cut_offs=CutOffs(table=table, policy=policy, best=best),
        measures=(measures.auc(bad, pd), measures.gini(bad, pd), measures.ks(bad, pd), measures.brier(bad, pd)),
        columns=(
            ColumnShare(column="bureau_score", share=0.34, description="score of the credit bureau at application"),
            ColumnShare(column="debt_to_income", share=0.22, description="monthly debt over monthly income"),
            ColumnShare(column="months_in_business", share=0.17, description="months since registration"),
            ColumnShare(column="amount", share=0.11, description="amount asked for"),
            ColumnShare(column=HOSTILE, share=0.04, description="a column with a hostile name"),
        ),
        findings=(
            Finding(
                severity="stop",
                title="term almost decides the outcome by itself",
                detail="AUC 0.97 with it, 0.64 without: it is known only after the outcome. Left out of the model.",
            ),
            Finding(severity="warn", title="1,204 duplicate rows", detail="Kept once each."),
            Finding(severity="note", title="application_no is an identifier", detail="Not used by the model."),
        ),
        made={"data": "applications.parquet, sha256 41c9…", "made on": "21 Nov 2026", "Roadworthy": "0.1.0"},
    )


def hand_meaning(**changes: Any) -> Meaning:
    """One hundred applications, worked by hand: of 25 with a PD of 0.95, 22 went bad; of 75 with 0.1, 3 did.

    At a cut-off of 0.9 it is right in 88% of the declines and turns a good applicant away in 12%. A good earns
    100 - 20 = 80, a bad loses 20 + 1000 x 0.5 = 520; so the cut-off leaves 72 x 80 - 3 x 520 = 4200 and approving all
    75 x 80 - 25 x 520 = -7000.
    """
    pd = np.repeat([0.95, 0.1], [25, 75])
    bad = np.concatenate([np.repeat([1, 0], [22, 3]), np.repeat([1, 0], [3, 72])])
    population = Population(who="one hundred applications", count=100)
    whose = population.caption
    economics = Economics(
        revenue=100, funding=20, ead=Term(1000, "measured"), lgd=Term(0.5, "measured"), currency="EUR"
    )
    best = measures.best_cut_off(bad, pd, economics=economics, in_force=0.9, population=whose)
    cut_offs = [0.05, best.cut_off, 0.9, 1.0]
    table = measures.cut_off_table(bad, pd, economics=economics, cut_offs=cut_offs, population=whose)
    content: dict[str, Any] = {
        "title": "By hand",
        "product": "Hand-worked loans",
        "package": "hand 1",
        "digest": "0" * 64,
        "population": population,
        "gains": {10: measures.gains_table(bad, pd, population=whose)},
        "calibration": {10: measures.calibration(bad, pd, population=whose)},
        "confusion": measures.confusion(bad, pd, cut_off=0.9, population=whose),
        "classification_report": measures.classification_report(bad, pd, cut_off=0.9, population=whose),
        "answers": measures.answer_table(bad, 2 * (pd >= 0.9), priced=economics.price({}, 100), population=whose),
        "cut_offs": CutOffs(table=table, policy=0.9, best=best),
    }
    return Meaning(**{**content, **changes})


def weeks_of(population: str) -> Weeks:
    """Twenty weeks of 640 decisions, the last but one of which declines 31% and not 12%."""
    declined, referred = np.full(20, 77), np.full(20, 128)
    declined[18] = 198
    return Weeks(
        mondays=tuple(date(2026, 6, 1) + timedelta(weeks=week) for week in range(20)),
        declined=measures.odd_shares(declined, np.full(20, 640)),
        referred=measures.odd_shares(referred, np.full(20, 640)),
        population=population,
    )


def beyond_the_page(meaning: Meaning) -> dict[str, Any]:
    """What charts draw that is not on the page, by what they show: of a portfolio that turned worse and riskier."""
    whose = meaning.population.caption
    generator = np.random.default_rng(3)
    rows = 6000
    booked = np.datetime64("2022-01-01") + generator.integers(0, 365 * 3, rows)
    mean_days = np.where(booked > np.datetime64("2023-04-01"), 2500, 4500)
    event = booked + np.ceil(generator.exponential(mean_days)).astype(np.int64)
    before, now = generator.beta(1.1, 9.0, rows), generator.beta(1.3, 8.0, rows)
    columns = {"pd": before, "age": generator.normal(40, 9, rows), "region": generator.choice(["N", "S"], rows)}
    later = {"pd": now, "age": generator.normal(40, 9, rows), "region": generator.choice(["N", "S"], rows)}
    challenger = np.clip(before * generator.lognormal(0.0, 0.3, rows), 0.0, 1.0)
    bad = np.where(before < 0.2, generator.random(rows) < before, np.nan)
    shares = {"north": 0.5, "south": 0.25, "east": 0.23, "islands": 0.01, "": 0.01}
    region = generator.choice(list(shares), rows, p=list(shares.values()))
    return {
        "vintages": measures.vintages(booked, event, known_until="2025-03-31", population=whose),
        "psi": measures.psi(before, now, population=whose),
        "csi": measures.csi(columns, later, population=whose),
        "frontier": measures.efficient_frontier(meaning.cut_offs.table),
        "swap_set": measures.swap_set(bad, before, challenger, cut_offs=(0.2, 0.2), population=whose),
        "weeks": weeks_of(whose),
        "bounded": measures.bounded_cut_off_table(
            bad,
            before,
            economics=ECONOMICS,
            cut_offs=measures.spread_cut_offs(before),
            resamples=200,
            population=whose,
        ),
        "bands": measures.best_bands(
            generator.random(rows) < before,
            before,
            economics=ECONOMICS,
            referrals=Referrals(approved=0.6, bad_rate_ratio=0.6, minutes=20),
            in_force=(0.1, 0.15),
            population=whose,
        ),
        "adverse_impact": measures.adverse_impact_ratio(
            region,
            before ** np.where(region == "south", 0.6, np.where(region == "east", 0.85, 1.0)),
            cut_off=0.15,
            population=whose,
        ),
    }


@pytest.fixture(scope="session")
def shown_beyond(meaning: Meaning) -> dict[str, Any]:
    """The same, of the page's population."""
    return beyond_the_page(meaning)


@pytest.fixture(scope="session")
def meaning() -> Meaning:
    """The content of a whole page."""
    return synthetic_meaning()


@pytest.fixture(scope="session")
def page(meaning: Meaning) -> str:
    """The whole page."""
    return render_page(meaning)


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., Meaning]:
    """Makes the hand-worked content, with whatever is changed in it."""
    return hand_meaning


@pytest.fixture(scope="session")
def hostile() -> str:
    """A text that would run if it were not escaped."""
    return HOSTILE
