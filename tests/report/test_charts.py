"""Every chart of the folder is found, valid, named by its finding, and safe to put into a page (R16, R18)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest

from roadworthy import measures
from roadworthy.report import Meaning, Weeks
from roadworthy.report import charts as folder
from roadworthy.report.charts import Chart, charts
from roadworthy.report.drawing import LIVE, draw
from tests.report.conftest import weeks_of

GOLDEN = Path(__file__).parent / "golden"
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
_NAMED_ROWS = ("adverse_impact", "confusion", "swap_set")
"""Charts that write over each row what it is, and so have no vertical axis."""
each_chart = pytest.mark.parametrize("chart", charts(), ids=lambda chart: chart.name)


on_the_page = [chart for chart in charts() if hasattr(Meaning, chart.shows) or chart.shows in Meaning.__annotations__]
each_on_the_page = pytest.mark.parametrize("chart", on_the_page, ids=lambda chart: chart.name)


def result_for(chart: Chart, meaning: Meaning, beyond: dict[str, Any] | None = None) -> Any:
    """What `chart` draws: one result, that of ten buckets, or one that is not on the page."""
    shown = getattr(meaning, chart.shows) if chart in on_the_page else (beyond or {})[chart.shows]
    return shown[10] if isinstance(shown, dict) else shown


def test_every_file_of_the_folder_is_a_chart() -> None:
    files = {path.stem for path in Path(folder.__path__[0]).glob("*.py")} - {"__init__"}
    assert {chart.name for chart in charts()} == files


@each_chart
def test_a_chart_is_whole_by_itself(chart: Chart, meaning: Meaning, shown_beyond: dict[str, Any]) -> None:
    spec = chart.spec(result_for(chart, meaning, shown_beyond)).to_dict(validate=True)
    assert len(spec["title"]["text"].split()) >= 5, "the title says the finding in words"
    assert spec["title"]["subtitle"] == meaning.population.caption, "the population is named"
    assert re.fullmatch(r"[A-Z].{80,}\.", spec["description"]), "there is a text alternative"
    titled = {name for layer in spec["layer"] for name in "xy" if _axis_title(layer, name)}
    assert titled >= ({"x"} if chart.name in _NAMED_ROWS else {"x", "y"}), "axes say what they measure"


def _axis_title(layer: dict[str, Any], name: str) -> str | None:
    axis = layer.get("encoding", {}).get(name, {}).get("axis")
    return axis.get("title") if axis else None


@each_chart
def test_a_drawing_follows_the_page_it_stands_in(chart: Chart, meaning: Meaning, shown_beyond: dict[str, Any]) -> None:
    drawing = draw(chart.name, chart.spec(result_for(chart, meaning, shown_beyond)))
    assert re.match(r'<svg [^>]*role="img" aria-label="[^"]{80,}"', drawing.svg)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawing.svg))
    assert all(colour in {"none", "transparent"} or colour.startswith("var(--") for colour in colours), colours
    assert re.findall(r"https?://[^\"]*", drawing.svg) == [SVG_NAMESPACE]
    for unwanted in ("<script", "href", "NaN", "undefined", "font-family"):
        assert unwanted not in drawing.svg


@each_on_the_page
def test_a_chart_of_few_applications_is_as_it_was(chart: Chart, by_hand: Callable[..., Meaning]) -> None:
    """Golden specs, without their data: a review shows the line that moved. Written anew with ROADWORTHY_GOLDEN=1."""
    spec = chart.spec(result_for(chart, by_hand())).to_dict()
    for layer in [spec, *spec["layer"]]:
        layer.pop("data", None)
    for libraries_own in ("$schema", "config", "datasets"):
        spec.pop(libraries_own, None)
    written = json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{chart.name}.json"
    if os.environ.get("ROADWORTHY_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(written, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written


def test_the_titles_of_the_hand_worked_set_say_its_findings(by_hand: Callable[..., Meaning]) -> None:
    meaning = by_hand()
    titles = {chart.name: chart.spec(result_for(chart, meaning)).title.text for chart in on_the_page}
    assert titles == {
        "calibration": "Predicted and observed agree in all 2 buckets",
        "calibration_gap": "Widest gap in bucket 2: predicted 95.0%, observed 88.0%",
        "confusion": "Of the declines 88% were right, 12% turned good applicants away",
        "cut_off_money": "Profit is highest with 75% approved: EUR\u00a04,200, as at the policy's cut-off",
        "gains": "The riskiest quarter holds 88% of all bads",
        "lift": "The riskiest quarter goes bad 3.5 times as often as the average",
        "profit_revenue": "Beyond a profit of EUR\u00a04,200, EUR\u00a0300 more revenue loses EUR\u00a011,200",
        "score_distribution": "A cut-off at a PD of 90.0% stops 88% of the bads and 4% of the goods",
        "trade_off": "The policy's cut-off approves 75%, and 4.0% of them go bad",
    }


def test_the_curves_drawn_are_the_results_themselves(by_hand: Callable[..., Meaning]) -> None:
    meaning = by_hand()
    drawn = {chart.name: chart.spec(result_for(chart, meaning)).to_dict() for chart in on_the_page}
    gains = _values(drawn["gains"], "capture")
    assert [(row["share"], row["capture"]) for row in gains[2]] == [(0.0, 0.0), (0.25, 0.88), (1.0, 1.0)]
    lift = _values(drawn["lift"], "lift")[0]
    assert [row["lift"] for row in lift] == pytest.approx([3.52, 0.16])
    profit = [row["amount"] for row in _values(drawn["cut_off_money"], "amount")[4]]
    assert profit == [0.0, 4200.0, 4200.0, -7000.0]


def _values(spec: dict[str, Any], column: str) -> list[list[dict[str, Any]]]:
    """The inline data of each layer that has `column`."""
    data = [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"]]
    return [values for values in data if values and column in values[0]]


@pytest.mark.parametrize(("cut_off", "title"), [(1.0, "nobody is declined"), (0.05, "25% were right, 75% turned")])
def test_the_confusion_chart_stands_at_either_end(cut_off: float, title: str, by_hand: Callable[..., Meaning]) -> None:
    pd, bad = np.repeat([0.9, 0.1], 4), np.array([1, 0, 1, 0, 0, 0, 0, 0])
    at_end = measures.confusion(bad, pd, cut_off=cut_off, population="eight applications")
    chart = next(chart for chart in charts() if chart.name == "confusion")
    drawing = draw(chart.name, chart.spec(at_end))
    assert title in drawing.title
    assert "nan" not in drawing.svg.lower()


def test_the_mark_that_the_slider_moves_is_in_the_drawing_once(by_hand: Callable[..., Meaning]) -> None:
    for name in ("cut_off_money", "trade_off"):
        chart = next(chart for chart in charts() if chart.name == name)
        drawing = draw(name, chart.spec(result_for(chart, by_hand())))
        assert drawing.svg.count('class="live"') == 1
        assert LIVE not in drawing.svg
        # 75% are approved, and the page's script places the mark by the plot's width.
        assert f'transform="translate({drawing.width * 0.75:g},0)"' in drawing.svg


def test_a_hostile_text_in_a_chart_stays_text(hostile: str) -> None:
    gains = measures.gains_table([1, 0, 0, 1], [0.9, 0.8, 0.2, 0.1], buckets=2, population=hostile)
    chart = next(chart for chart in charts() if chart.name == "gains")
    spec = chart.spec(gains)
    spec.description = hostile
    spec.layer[0].encoding.x.axis = alt.Axis(title=hostile)
    svg = draw(chart.name, spec).svg
    assert "<script" not in svg
    assert svg.count("&lt;script&gt;") >= 1


def test_the_titles_of_what_is_beyond_the_page_say_its_findings(shown_beyond: dict[str, Any]) -> None:
    titles = {
        chart.shows: " ".join(chart.spec(shown_beyond[chart.shows]).title.text.split())
        for chart in charts()
        if chart not in on_the_page
    }
    psi, swaps = shown_beyond["psi"], shown_beyond["swap_set"]
    assert titles["psi"].startswith(
        f"PSI {psi.value:.3f}, chance alone reaches {psi.by_chance:.3f}: most moved in bin "
    )
    assert titles["csi"] == f"1 of 3 columns moved by more than chance, pd the most: PSI {psi.value:.3f}"
    let_in, kept_out = (f"{number:,.0f}" for number in swaps.applications[1:3])
    bad = f"{swaps.bad_rate_known[2]:.0%} bad as far as known"
    said = f"The challenger lets in {let_in}, all of unknown outcome, and keeps out {kept_out}, {bad}"
    assert titles["swap_set"] == said
    assert titles["vintages"].startswith("Of mature vintages ")
    assert titles["weeks"] == "1 of 20 weeks differs from those before by far"
    bounded, bands = shown_beyond["bounded"], shown_beyond["bands"]
    assert titles["bounded"].endswith(f": outcome unknown for {bounded.unknown:,} of 6,000")
    assert (
        f"approved earns EUR {bounded.profit_worst.max() / 1e6:.2f}m at least; all approved, EUR −" in titles["bounded"]
    )
    more = (bands.profit - bands.trade.profit[0]) / 1000
    earned = f"With {bands.referred_share:.0%} referred EUR {bands.profit / 1e6:.2f}m is earned"
    assert titles["bands"] == f"{earned}, EUR {more:.0f}k more than by one cut-off"
    south = list(shown_beyond["adverse_impact"].group).index("south")
    ratio, low, high = (shown_beyond["adverse_impact"].columns[f"ratio{end}"][south] for end in ("", "_low", "_high"))
    assert titles["adverse_impact"] == (
        f"Group south is below four fifths of north: {ratio:.2f} ({low:.2f} to {high:.2f})"
    )
    kept, beaten = len(shown_beyond["frontier"]), shown_beyond["frontier"].beaten
    assert titles["frontier"].startswith(f"{kept} of {kept + beaten} cut-offs are worth a choice")


def test_what_is_not_known_is_not_drawn() -> None:
    """Vintages without days, without a mature one, and a swap set without unknowns draw what there is, and say so."""
    by_name = {chart.name: chart for chart in charts()}
    for curves, said in (
        (
            measures.vintages(["2022-01-05", "2022-05-01"], bad=[1, 0], known_until="2024-01-01", population="two"),
            "Of mature vintages 2022 Q1 is the worst, 100.0% bad within 12 months; 2022 Q2 the best, 0.0%",
        ),
        (
            measures.vintages(["2023-10-05"], [None], known_until="2024-01-01", population="one"),
            "No vintage has been watched for 12 months yet",
        ),
        (
            measures.vintages(["2022-10-05"], [None], known_until="2024-01-01", population="one"),
            "Of 2022 Q4, the one mature vintage, 0.0% went bad within 12 months",
        ),
    ):
        drawing = draw("vintages", by_name["vintages"].spec(curves))
        assert drawing.title == said
        assert "NaN" not in drawing.svg
        for warning in curves.warnings:
            assert warning in drawing.alternative
    same = measures.psi([1, 2, 3, 4], [1, 2, 3, 4], buckets=2, population="the same")
    assert draw("stability", by_name["stability"].spec(same)).title.startswith("No shift beyond chance: PSI 0.000")
    still = measures.csi({"a": [1, 2]}, {"a": [1, 2]}, population="the same")
    assert by_name["column_stability"].spec(still).title.text == "None of 1 columns moved by more than chance"
    known = measures.swap_set([0, 1, 0], [0.1, 0.3, 0.1], [0.3, 0.1, 0.1], cut_offs=(0.2, 0.2), population="three")
    assert by_name["swap_set"].spec(known).title.text == (
        "The challenger lets in 1, and keeps out 1, 0% bad as far as known"
    )
    bare = measures.efficient_frontier(measures.cut_off_table([0, 1, 0], [0.1, 0.9, 0.2], population="three"))
    assert "cut-offs are worth a choice" in by_name["frontier"].spec(bare).title.text


def test_an_odd_week_is_marked_with_its_share(meaning: Meaning) -> None:
    chart = next(chart for chart in charts() if chart.name == "weeks")
    drawing = draw(chart.name, chart.spec(weeks_of("all")))
    assert "30.9% declined in the week of 5 Oct 2026" in drawing.alternative
    assert ">31%<" in drawing.svg
    calm = weeks_of("all")
    quiet = Weeks(mondays=calm.mondays, declined=calm.referred, referred=calm.referred, population="all")
    assert "None of them is odd" in chart.spec(quiet).description


def test_bounds_are_drawn_as_a_band_and_say_what_is_unknown() -> None:
    chart = next(chart for chart in charts() if chart.name == "cut_off_bounds")
    economics = measures.Economics(revenue=100, funding=0, ead=500, lgd=1)
    bad, pd = np.array([0, np.nan, 1]), [0.1, 0.3, 0.6]
    spec = chart.spec(
        measures.bounded_cut_off_table(bad, pd, economics=economics, cut_offs=[0.2, 0.5, 1.0], population="three")
    )
    assert spec.title.text == (
        "33% approved earns EUR\u00a0100 at least; all approved, EUR\u00a0−900 to EUR\u00a0−300: outcome unknown "
        "for 1 of 3"
    )
    band = [(row["low"], row["amount"]) for row in _values(spec.to_dict(), "low")[1]]
    assert band == [(100.0, 100.0), (-400.0, 200.0), (-900.0, -300.0)]
    rates = chart.spec(measures.bounded_cut_off_table(bad, pd, cut_offs=[0.5, 1.0], population="three"))
    assert rates.title.text == "All approved, 33.3% to 66.7% go bad: outcome unknown for 1 of 3"
    drawn = _values(rates.to_dict(), "low")[0]
    assert [row["low"] for row in drawn] == pytest.approx([0.0, 1 / 3])
    assert [row["amount"] for row in drawn] == pytest.approx([0.5, 2 / 3])
    never = measures.bounded_cut_off_table(np.array([1, np.nan]), [0.1, 0.6], economics=economics, population="two")
    assert chart.spec(never).title.text.startswith("No cut-off is sure to earn; all approved, EUR\u00a0−1,000 to ")
    known = measures.bounded_cut_off_table([1, 0], [0.6, 0.1], economics=economics, population="two")
    assert chart.spec(known).title.text == "The outcome of all 2 is known: the bounds are one line"


def test_referring_that_does_not_pay_is_said_and_the_pair_in_force_is_marked() -> None:
    chart = next(chart for chart in charts() if chart.name == "referral_trade")
    dear = measures.Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=1000)
    case: dict[str, Any] = {"economics": dear, "referrals": measures.Referrals(approved=0.5), "population": "four"}
    alone = chart.spec(measures.best_bands([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], **case))
    assert alone.title.text == "Referring does not pay: one cut-off earns most, EUR\u00a0200"
    held = measures.best_bands([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], in_force=(0.15, 0.5), **case)
    marks = [rows[0]["text"] for rows in _values(chart.spec(held).to_dict(), "text")]
    assert set(marks) == {"best: decline from 45.0%", "in force: refer from 15.0%, decline from 50.0%"}
    assert (held.profit_in_force, held.referred_share_in_force) == (100 + 50 - 1000, 0.25)


@pytest.mark.parametrize(
    ("approved", "said"),
    [
        ([[0] * 10, [0] * 10], "Nobody of the reference group is approved: there is no ratio to compare"),
        ([[1] * 10], "There is no group to compare a with"),
        ([[1] * 700 + [0] * 300, [1] * 690 + [0] * 310], "The other group is not shown to be below four fifths of a"),
        (
            [[1] * 700 + [0] * 300, [1] * 570 + [0] * 430, [1, 0]],
            "None of 2 groups is shown to be below four fifths of a; 1 without enough evidence yet, 1 too small to say",
        ),
        (
            [[1] * 700 + [0] * 300, [1] * 100 + [0] * 900, [1] * 200 + [0] * 800],
            "2 of 2 groups are below four fifths of a: b lowest, 0.14 (0.12 to 0.17)",
        ),
    ],
)
def test_the_chart_of_groups_says_what_is_shown_and_what_is_not(approved: list[list[int]], said: str) -> None:
    chart = next(chart for chart in charts() if chart.name == "adverse_impact")
    names = "abc"[: len(approved)]
    group = np.repeat(list(names), [len(each) for each in approved])
    found = measures.adverse_impact_ratio(group, approved=np.concatenate(approved), population="by hand")
    spec = chart.spec(found)
    assert spec.title.text == said
    drawn = spec.to_dict(validate=True)
    assert [row["ratio"] for row in drawn["datasets"][drawn["layer"][0]["data"]["name"]]] == [0.8]
