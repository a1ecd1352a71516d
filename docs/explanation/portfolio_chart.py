"""Draws docs/explanation/portfolio.svg: ten simulated years, the bad rate above and the people below.

python docs/explanation/portfolio_chart.py [FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from roadworthy.measures import psi
from roadworthy.portfolio import HORIZON_MONTHS, INPUTS, PERIODS, Portfolio, simulate


def by_quarter(portfolio: Portfolio) -> pl.DataFrame:
    """Quarter of application, bad rate of its booked loans (null while immature), largest PSI over the inputs."""
    outcomes = pl.DataFrame(pl.from_arrow(portfolio.outcomes(portfolio.end, HORIZON_MONTHS))).filter("window_closed")
    rows = (
        pl.DataFrame(pl.from_arrow(portfolio.applications))
        .unique("application_id", keep="first", maintain_order=True)
        .join(outcomes.select("application_id", "outcome"), on="application_id", how="left", maintain_order="left")
        .with_columns(quarter=pl.col("applied_at").dt.truncate("1q").dt.date())
    )
    first, last = PERIODS["quiet"].days(portfolio.start)
    quiet = rows.filter(pl.col("quarter").is_between(first, last))
    points = []
    for (quarter,), applied in rows.group_by("quarter", maintain_order=True):
        judged = applied["outcome"].drop_nulls()
        # The last quarter with closed windows has them for a month only.
        rate = float((judged == "bad").to_numpy().mean()) if len(judged) > 0.5 * len(applied) else None
        moved = max(psi(_values(quiet[name]), _values(applied[name])).value for name in INPUTS)
        points.append({"quarter": quarter, "bad_rate": rate, "psi": moved})
    return pl.DataFrame(points)


def _values(column: pl.Series) -> Any:
    return column.to_numpy() if column.dtype.is_numeric() else column.to_list()


def draw(portfolio: Portfolio) -> alt.VConcatChart:
    """Two panels over the same ten years, with the story's periods shaded."""
    periods = pl.DataFrame(
        [
            {"period": name, "from": first, "to": last}
            for name, period in PERIODS.items()
            for first, last in [period.days(portfolio.start)]
        ]
    )
    shade = (
        alt.Chart(periods)
        .mark_rect(opacity=0.18)
        .encode(
            x="from:T",
            x2="to:T",
            color=alt.Color("period:N", sort=list(PERIODS), scale=alt.Scale(scheme="tableau10"), title=None),
        )
    )
    lines = alt.Chart(by_quarter(portfolio)).mark_line(color="#222", point=alt.OverlayMarkDef(color="#222", size=18))
    when = alt.X("quarter:T", title=None)
    bad = lines.encode(x=when, y=alt.Y("bad_rate:Q", title="bad within 24 months", axis=alt.Axis(format="%")))
    people = lines.encode(x=when.title("quarter of application"), y=alt.Y("psi:Q", title="largest PSI of an input"))
    size = {"width": 640, "height": 150}
    title = f"Synthetic portfolio of {portfolio.truth.num_rows:,} applications"
    return alt.vconcat(
        (shade + bad).properties(**size), (shade + people).properties(**size), title=title, background="white"
    )


def main() -> None:
    """Draws what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", type=int, default=200_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("portfolio.svg"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    draw(simulate(asked.applications, seed=1)).save(str(asked.out))


if __name__ == "__main__":
    main()
