"""The page can be circulated: whole, offline, honest about whose figures it shows, safe, readable (R16-R19, R21)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from roadworthy import measures
from roadworthy.errors import UsageError
from roadworthy.report import CutOffs, Meaning, render_page, write_page

MakeMeaning = Callable[..., Meaning]
VOID = {"meta", "input", "br", "link", "img"}


class Reading(HTMLParser):
    """The page as a reader gets it: elements in order with their attributes and their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[list[str]] = []
        self._open: list[int] = []
        self.feed(page)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])

    def handle_endtag(self, tag: str) -> None:
        opened = self._open.pop()
        assert self.elements[opened][0] == tag, f"</{tag}> closes <{self.elements[opened][0]}>"

    def handle_data(self, data: str) -> None:
        for opened in self._open:
            self.texts[opened].append(data)

    def all(self, tag: str) -> list[str]:
        """The text of every `tag`, runs of white space as one space."""
        found = zip(self.elements, self.texts, strict=True)
        return [" ".join("".join(text).split()) for (name, _), text in found if name == tag]

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def reading(page: str) -> Reading:
    return Reading(page)


@pytest.fixture(scope="session")
def hand_page(by_hand: MakeMeaning) -> str:
    return render_page(by_hand())


def plain(page: str) -> str:
    """The text of a page."""
    return " ".join("".join(Reading(page).all("body")).split())


def test_the_page_needs_nothing_but_itself(page: str, reading: Reading) -> None:
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|@font-face|url\(|\bsrc=|<link|<iframe", page)
    policy = next(each["content"] for each in reading.attributes("meta") if "http-equiv" in each)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_the_page_with_all_bucket_counts_stays_small(page: str) -> None:
    assert len(page.encode()) < 600_000


def test_every_figure_and_every_table_names_its_population(meaning: Meaning, reading: Reading) -> None:
    """R18: every figure names its population, with dates and count."""
    whose = " ".join(meaning.population.caption.split())
    figures = reading.all("figcaption")
    assert len(figures) == 4 * (2 + 2) + 1 + 4
    assert all(figure.endswith(whose) for figure in figures)
    own = {"The model in single numbers", "Per application, in EUR"}
    assert all(whose in caption for caption in reading.all("caption") if caption not in own)
    assert whose in next(text for text in reading.all("p") if text.startswith("All figures"))


def test_what_is_unknown_is_said_to_be_unknown(page: str) -> None:
    """R18: how declined applicants would have done is never shown as fact."""
    said = "Not in these figures, because their outcome is unknown: 17,410 declined, 2,216 not yet mature."
    assert plain(page).count(said) == 2, "at the top, and beside the cut-offs"


def test_a_result_that_does_not_name_its_population_is_refused(by_hand: MakeMeaning) -> None:
    nobody = measures.gains_table([0, 1], [0.1, 0.9], buckets=2)
    with pytest.raises(UsageError, match=r"gains\[2\] does not say whose figures") as caught:
        by_hand(gains={2: nobody})
    assert caught.value.mend is not None


def test_a_cut_off_that_the_table_lacks_is_refused(by_hand: MakeMeaning) -> None:
    table = by_hand().cut_offs.table
    with pytest.raises(UsageError, match=r"no row for the policy cut-off, 0\.31"):
        CutOffs(table=table, policy=0.31)


def test_at_a_cut_off_of_ninety_percent_88_of_100_declines_were_right_and_12_good_applicants_turned_away(
    hand_page: str,
) -> None:
    """R18, worked by hand: of 25 applications with a PD of 0.95, 22 went bad and 3 were good."""
    reading = Reading(hand_page)
    terms, values = reading.all("dt"), reading.all("dd")
    figures = dict(zip(terms, values, strict=True))
    assert figures["decline from PD"] == "90.0%"
    assert figures["approved"] == "75.0%75 of 100"
    assert figures["declines that were right"] == "88.0%22 of 25 declined"
    assert figures["declines of good applicants"] == "12.0%3, 4.0% of all goods"
    assert figures["bad rate of the approved"] == "4.0%3 went bad"
    assert figures["revenue"] == "EUR 7,200EUR 300 lost with good applicants"
    assert figures["credit losses"] == "EUR 1,500EUR 11,000 avoided by declining"
    assert figures["profit"].startswith("EUR 4,20095% interval EUR ")
    assert "Of the declines 88% were right, 12% turned good applicants away" in reading.all("h3")
    # The table says the same to those without the script.
    row = next(row for row in reading.all("tr") if row.startswith("90.0%"))
    assert row.startswith("90.0%policy75.0%4.0%88.0%12.0%37,2003001,50011,0004,200")


def test_the_confusion_matrix_is_the_hand_worked_one(hand_page: str) -> None:
    """R17."""
    rows = Reading(hand_page).all("tr")
    assert "would be declined22rightly declined3good, turned away25" in rows
    assert "would be approved3bad, approved72rightly approved75" in rows
    assert "good (approved as good)96.0%96.0%0.96075" in rows
    assert "bad (declined as bad)88.0%88.0%0.88025" in rows


def test_the_page_warns_where_accuracy_flatters_and_only_there(page: str, hand_page: str, meaning: Meaning) -> None:
    """R17: always saying good would be right most of the time."""
    assert meaning.confusion.flatters
    assert '<span class="mark warn">accuracy flatters</span>' in page
    assert meaning.confusion.sentence in plain(page)
    assert "accuracy flatters" not in hand_page.lower().replace("page.css", "")
    assert "Always saying good would be right 75.0% of the time" in plain(hand_page)


def test_the_bucket_counts_can_be_chosen_without_a_script(page: str, reading: Reading) -> None:
    """R16: bucket count adjustable."""
    for name in ("gains", "calibration"):
        choices = [each for each in reading.attributes("input") if each.get("name") == f"{name}-buckets"]
        assert [each["id"] for each in choices] == [f"{name}-{n}" for n in (5, 10, 20, 50)]
        assert [each["id"] for each in choices if "checked" in each] == [f"{name}-10"]
        for n in (5, 10, 20, 50):
            assert f"#{name}:has(#{name}-{n}:checked) .pane-{n}" in page


def test_every_bucket_of_every_count_is_in_a_table(page: str, meaning: Meaning) -> None:
    text = page.replace("\u00a0", " ")
    for table in meaning.gains.values():
        for bads in table.bads:
            assert f"<td>{bads:,.0f}</td>" in text
    for n in (5, 10, 20, 50):
        assert f"Table of the {n} buckets" in text


def test_every_assumed_term_is_marked_assumed(page: str) -> None:
    """R18: assumptions are visible."""
    rows = Reading(page).all("tr")
    assert "revenueamount * rate * 2.2measured" in rows
    assert "lgd0.55assumed" in rows
    assert "assumed funding, lgd, review, servicing, income received." in plain(page)


def test_without_economics_no_money_is_shown(by_hand: MakeMeaning) -> None:
    bad, pd = [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.3]
    table = measures.cut_off_table(bad, pd, cut_offs=[0.0, 0.25, 1.0], population="four applications")
    answers = measures.answer_table(bad, [0, 2, 0, 2], population="four applications")
    page = render_page(by_hand(cut_offs=CutOffs(table=table, policy=0.25), answers=answers))
    text = plain(page)
    assert "No economics are stated for this product, so no money is shown." in text
    for word in ("EUR", "profit", "revenue", "credit losses"):
        assert word not in text
    assert "declines that were right" in text


def test_realised_money_needs_no_terms(by_hand: MakeMeaning) -> None:
    bad, pd, value = [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.3], [10.0, -60.0, 12.0, -55.0]
    table = measures.cut_off_table(
        bad, pd, value=value, currency="SEK", cut_offs=[0.0, 0.25, 1.0], population="four applications"
    )
    text = plain(render_page(by_hand(cut_offs=CutOffs(table=table, policy=0.25)))).replace("\u00a0", " ")
    assert "The policy's cut-off has a profit of SEK 22" in text
    assert "What the money rests on" not in text
    assert "assumed" not in text


def test_an_unknown_share_is_a_dash_and_never_a_number(hand_page: str) -> None:
    rows = Reading(hand_page).all("tr")
    approve_all = next(row for row in rows if row.startswith("100.0%100.0%"))
    assert approve_all.startswith("100.0%100.0%25.0%––0")
    assert not re.search(r"\b(nan|None|inf)\b", plain(hand_page), re.IGNORECASE)


def test_referrals_and_weights_are_shown_where_there_are_any(by_hand: MakeMeaning) -> None:
    bad, pd, weights = [0, 1, 0, 1, 0], [0.1, 0.9, 0.2, 0.3, 0.15], [10.0, 1.0, 10.0, 1.0, 10.0]
    whose = "five applications"
    table = measures.cut_off_table(
        bad, pd, weights=weights, refer_from=0.12, cut_offs=[0.0, 0.25, 1.0], population=whose
    )
    page = render_page(
        by_hand(
            cut_offs=CutOffs(table=table, policy=0.25),
            gains={5: measures.gains_table(bad, pd, weights=weights, buckets=5, population=whose)},
        )
    )
    assert ("referred to a person", "2062.5% of all") in zip(
        Reading(page).all("dt"), Reading(page).all("dd"), strict=True
    )
    assert any(row.startswith("bucketapplicationsweightPD from") for row in Reading(page).all("tr"))


def test_synthetic_data_is_labelled_and_real_data_is_not(page: str, hand_page: str) -> None:
    assert "Synthetic data." in page
    assert "ynthetic data" not in hand_page


def test_hostile_names_stay_text(by_hand: MakeMeaning, hostile: str, page: str) -> None:
    """Column names, findings and file names come from other people's data."""
    meaning = by_hand(
        title=hostile, product=hostile, package=hostile, digest=hostile, made={hostile: hostile}, synthetic=True
    )
    for text in (page, render_page(meaning)):
        assert "<script>document" not in text
        assert text.count("<script") == 2, "the steps of the slider and our own script"
        assert hostile in Reading(text).all("body")[0]
    assert "<" not in json.dumps(json.loads(Reading(page).all("script")[0])), "nothing in the data can end it"


def test_headings_are_in_order_and_tables_have_scopes(reading: Reading) -> None:
    levels = [int(tag[1]) for tag, _ in reading.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all(each.get("scope") in {"col", "row"} for each in reading.attributes("th"))
    assert all(reading.all("caption"))
    assert len(reading.all("caption")) == len(reading.all("table"))


def test_every_link_leads_somewhere_and_no_id_is_used_twice(reading: Reading) -> None:
    ids = [attributes["id"] for _, attributes in reading.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in reading.attributes("a"):
        assert (link["href"] or "").removeprefix("#") in ids
    for _, attributes in reading.elements:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


def test_the_slider_holds_every_cut_off_from_strict_to_lenient(reading: Reading, meaning: Meaning) -> None:
    steps = json.loads(reading.all("script")[0])
    assert len(steps) == len(meaning.cut_offs.table)
    approved = [step["approval_rate"] for step in steps]
    assert approved == sorted(approved)
    figures = {each["data-figure"] for _, each in reading.elements if "data-figure" in each}
    assert all(set(step["texts"]) == figures for step in steps)


def test_the_same_content_is_written_as_the_same_page(by_hand: MakeMeaning, tmp_path: Path, hand_page: str) -> None:
    path = tmp_path / "page.html"
    write_page(by_hand(), path)
    assert path.read_text(encoding="utf-8") == hand_page
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"], "nothing half-written is left behind"


def palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_have_the_contrast_of_wcag_aa(theme: str) -> None:
    style = files("roadworthy.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    colours = palette(light) | (palette(dark) if theme == "dark" else {})
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for behind in ("paper", "panel"):
        for text in ("ink", "muted", "accent", "stop", "warn", "note"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    assert contrast(colours["ink"], colours["wash"]) >= 4.5
    assert contrast(colours["muted"], colours["wash"]) >= 4.5
    for mark in ("plain", "accent"):
        assert contrast(colours[mark], colours["paper"]) >= 3.0, mark


def test_the_palette_of_the_drawings_is_the_light_one_of_the_page() -> None:
    from roadworthy.report import drawing

    style = files("roadworthy.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    light = palette(re.findall(r":root \{(.*?)\}", style, re.DOTALL)[0])
    named = {"ink": drawing.INK, "muted": drawing.MUTED, "grid": drawing.FAINT, "plain": drawing.PLAIN}
    assert {name: light[name] for name in named} == named
    assert (light["accent"], light["paper"]) == (drawing.ACCENT, drawing.PAPER)


def test_the_policys_own_answers_are_shown_with_their_profit_bounded(by_hand: Callable[..., Meaning]) -> None:
    """R18: rules and referrals included; what people would answer to the referred is bounded, not assumed."""
    bad, answer = [0, 1, 0, 1, 1], [0, 0, 1, 1, 2]
    economics = measures.Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=10, currency="EUR")
    table = measures.answer_table(bad, answer, priced=economics.price({}, 5), population="five applications")
    text = plain(render_page(by_hand(answers=table))).replace("\u00a0", " ")
    assert "approves 40.0%, refers 40.0% and declines 20.0%" in text
    assert "between -EUR 920 and -EUR 320, by what people answer to the referred" in text
    assert "By PD alone: rules are not applied, and whoever would be referred counts as approved." in text
