"""The page in a real browser: by keyboard, without a script, in the dark, on a tablet and on paper (R16-R19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from roadworthy import measures
from roadworthy.measures import Economics
from roadworthy.report import ColumnShare, CutOffs, Meaning, Population, write_page

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
WIDTHS = pytest.mark.parametrize("width", [1280, 820])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 3,000 simulated applications, with hostile texts."""
    generator = np.random.default_rng(7)
    pd = generator.beta(1.2, 8.0, 3000)
    bad = generator.random(3000) < pd
    population = Population(who="simulated applications", count=3000, unknown={"declined": 400})
    whose = population.caption
    economics = Economics(revenue=120, funding=20, ead=1000, lgd=0.6, currency="EUR")
    best = measures.best_cut_off(bad, pd, economics=economics, in_force=0.3, population=whose)
    cut_offs = np.unique([0.0, *np.quantile(pd, np.linspace(0.05, 0.95, 19)), 0.3, best.cut_off, 1.0])
    table = measures.cut_off_table(bad, pd, economics=economics, cut_offs=cut_offs, population=whose)
    meaning = Meaning(
        title="Is the model right?",
        product=HOSTILE,
        package="simulated 1",
        digest="ab" * 32,
        population=population,
        gains={n: measures.gains_table(bad, pd, buckets=n, population=whose) for n in (5, 10, 50)},
        calibration={n: measures.calibration(bad, pd, buckets=n, population=whose) for n in (5, 10)},
        confusion=measures.confusion(bad, pd, cut_off=0.3, population=whose),
        classification_report=measures.classification_report(bad, pd, cut_off=0.3, population=whose),
        answers=measures.answer_table(
            bad, np.where(pd < 0.2, 0, np.where(pd < 0.3, 1, 2)), priced=economics.price({}, 3000), population=whose
        ),
        cut_offs=CutOffs(table=table, policy=0.3, best=best),
        measures=(measures.auc(bad, pd), measures.ks(bad, pd)),
        columns=(ColumnShare(column=HOSTILE, share=0.6), ColumnShare(column="income", share=0.4)),
        synthetic=True,
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(meaning, path)
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page, opened; whatever it complains of, or asks the network for, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file://") else None)
    page.goto(file.as_uri())
    yield page
    assert wrong == []
    assert page.title() == f"Is the model right? – {HOSTILE}", "no hostile text has run"
    context.close()


def shown(page: Page, figure: str) -> str:
    return page.locator(f'[data-figure="{figure}"]').inner_text()


def test_the_bucket_count_is_switched_by_keyboard(page: Page) -> None:
    assert page.locator("#gains .pane:visible").count() == 1
    assert page.locator("#gains .pane-10").is_visible()
    page.locator("#gains-10").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#gains .pane-50").is_visible()
    assert not page.locator("#gains .pane-10").is_visible()
    page.keyboard.press("ArrowRight")
    assert page.locator("#gains .pane-5 tbody tr").count() == 5
    assert page.locator("#gains .pane-5").is_visible()
    assert page.locator("#calibration .pane-10").is_visible(), "the other switch stays where it was"


def test_the_slider_moves_every_figure_and_mark_at_once(page: Page) -> None:
    figures = page.locator("#cut-off-slider [data-figure]")
    marks = page.locator("#cut-off svg .live")
    assert marks.count() == 2
    before = figures.all_inner_texts(), [mark.get_attribute("transform") for mark in marks.all()]
    assert shown(page, "cut_off") == "30.0%"
    page.locator("#cut-off-range").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    after = figures.all_inner_texts(), [mark.get_attribute("transform") for mark in marks.all()]
    assert all(old != new for old, new in zip(before[0], after[0], strict=True))
    assert all(old != new for old, new in zip(before[1], after[1], strict=True))
    spoken = page.locator("#cut-off-range").get_attribute("aria-valuetext")
    assert spoken is not None
    assert spoken.startswith(f"decline from a PD of {shown(page, 'cut_off')}; approved {shown(page, 'approved')}; ")


def test_the_mark_stands_on_the_policy_point_until_the_slider_moves(page: Page) -> None:
    """The script's place for the mark is the drawing's own."""
    for mark in page.locator("#cut-off svg .live").all():
        drawn = mark.evaluate("mark => mark.getBoundingClientRect().x")
        mark.evaluate("mark => mark.removeAttribute('transform')")
        page.locator("button", has_text="policy").click()
        assert mark.evaluate("mark => mark.getBoundingClientRect().x") == pytest.approx(drawn, abs=0.1)


def test_the_buttons_jump_to_the_best_cut_off_and_back_to_the_policys(page: Page) -> None:
    page.locator("button", has_text="best").click()
    best = page.locator("#cut-off tr.marked", has_text="best").locator("th").inner_text()
    assert shown(page, "cut_off") == best != "30.0%"
    page.locator("button", has_text="policy").click()
    assert shown(page, "cut_off") == "30.0%"


def test_without_a_script_the_policys_figures_and_the_table_remain(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert not page.locator("#cut-off-range").is_visible()
    assert page.locator("#cut-off-slider .numbers").is_visible()
    assert page.locator("#cut-off details table").is_visible()
    page.locator("#gains-50").check()
    assert page.locator("#gains .pane-50").is_visible()
    context.close()


@WIDTHS
def test_nothing_runs_off_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for svg in page.locator("svg:visible").all():
        box = svg.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@WIDTHS
def test_the_words_in_the_charts_can_be_read(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    heights = page.eval_on_selector_all(
        "svg text", "texts => texts.filter(t => t.checkVisibility()).map(t => t.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 10


def test_the_charts_change_colour_with_the_page(page: Page) -> None:
    def colours() -> tuple[str, str]:
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        words = page.locator("#gains svg:visible text").first.evaluate("text => getComputedStyle(text).fill")
        return paper, words

    light = colours()
    page.emulate_media(color_scheme="dark")
    dark = colours()
    assert light[0] == "rgb(253, 253, 252)"
    assert dark[0] == "rgb(21, 25, 29)"
    assert light[1] != dark[1]


def test_paper_shows_the_chosen_buckets_the_tables_and_no_controls(page: Page) -> None:
    page.locator("#gains-5").check()
    page.locator("#gains .pane-5 summary").click()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#gains .pane-5 table").is_visible(), "folded tables are printed too"
    assert not page.locator("#gains .pane-10").is_visible()
    assert page.locator("#gains .choice span:visible").all_inner_texts() == ["5"]
    assert not page.locator("#cut-off-range").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
