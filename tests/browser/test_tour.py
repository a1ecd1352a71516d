"""The tour of a trial, walked in a real browser without a script: every step opens, and is what it says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serving
from tests.desk.lender import Lender
from tests.desk.trial import open_trial


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    with open_trial(tmp_path_factory.mktemp("trial")) as lender:
        yield lender


@pytest.fixture(scope="module")
def served(trial: Lender) -> Iterator[str]:
    with serving(trial.desk.house.door) as url:
        yield url


def sit(browser: Browser, trial: Lender, served: str, who: str, width: int) -> Page:
    viewport = {"width": width, "height": 900}
    context = browser.new_context(base_url=served, java_script_enabled=False, viewport=viewport)  # type: ignore[arg-type]  # it is a ViewportSize
    context.add_cookies([{"name": "roadworthy", "value": trial.desk.come(who).cookies["roadworthy"], "url": served}])
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto("/")
    return page


def step(page: Page, number: int) -> None:
    """From the first page by a step of the tour."""
    page.goto("/")
    page.locator(".tour li a").nth(number - 1).click()


def count_referrals(page: Page) -> int:
    """How many the first page says wait."""
    return int(page.locator("ul.waits li a").first.inner_text().split()[0].replace(",", ""))


def test_an_officer_walks_the_tour_to_a_final_answer(browser: Browser, trial: Lender, served: str) -> None:
    page = sit(browser, trial, served, "officer", 820)
    expect(page.get_by_role("heading", name="A short tour")).to_be_visible()
    assert page.locator("header.bar").bounding_box()["height"] < 90, "the bar is in two lines at most"  # type: ignore[index]  # it is visible
    step(page, 2)
    page.locator("[name='in.income']").fill("90000")
    page.get_by_role("button", name="See the answer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("What if")
    step(page, 3)
    expect(page.locator(".answer").first).to_contain_text("decline")
    page.goto("/")
    waited = count_referrals(page)
    step(page, 1)
    page.get_by_label("approval", exact=True).check()
    page.get_by_role("button", name="Record the final answer").click()
    page.goto("/")
    assert count_referrals(page) == waited - 1
    page.get_by_role("button", name="Put the tour away").click()
    expect(page.get_by_role("heading", name="A short tour")).to_have_count(0)
    page.get_by_role("button", name="Show the guided tour").click()
    expect(page.get_by_role("heading", name="A short tour")).to_be_visible()


def test_an_analyst_walks_from_the_odd_week_to_the_challenger(browser: Browser, trial: Lender, served: str) -> None:
    page = sit(browser, trial, served, "analyst", 1280)
    while not page.get_by_text("One week looks odd in the latest 26 weeks").count():
        page.goto("/")  # the weeks are being counted
    assert page.locator("header.bar").bounding_box()["height"] < 60, "the bar is in one line"  # type: ignore[index]  # it is visible
    step(page, 1)
    page.get_by_role("link", name="Look at these applications").click()
    expect(page.get_by_role("heading", name="30 applications fit")).to_be_visible()
    page.locator("table.found tbody a").first.click()
    assert page.locator("h1").count() == 1
    step(page, 3)
    expect(page.get_by_text("regions_2026-10.csv").first).to_be_visible()
    expect(page.locator(".warning").first).to_be_visible()
    step(page, 5)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 2")
    page.goto("/weeks")
    headings = page.locator("h1, h2, h3").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
