"""An officer's way in a real browser: found, understood, tried, corrected, answered; by keyboard, without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import serving
from tests.desk.conftest import Desk, open_desk

REFERRED: dict[str, Any] = {"late_payments": 2}
DECLINED: dict[str, Any] = {"late_payments": 5}
Sit = Callable[..., Page]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as made:
        made.hire("junior", "officer", authority=100.0)
        made.come("approver")
        made.decide("A-1", **DECLINED)
        made.decide("A-2", **REFERRED)
        made.decide("A-3", **DECLINED)
        made.decide("A-4")
        yield made


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[str]:
    with serving(desk.house.door) as url:
        yield url


@pytest.fixture
def sit(browser: Browser, desk: Desk, served: str) -> Iterator[Sit]:
    """A browser of somebody who is signed in, without scripts. What it asks of anybody else fails the test."""
    elsewhere: list[str] = []
    contexts = []

    def note(asked: Request) -> None:
        if not asked.url.startswith((served, "data:")):
            elsewhere.append(asked.url)

    def sit_down(who: str, width: int = 1280, scheme: Literal["dark", "light"] = "light") -> Page:
        context = browser.new_context(
            base_url=served,
            java_script_enabled=False,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
        )
        contexts.append(context)
        cookie = desk.come(who).cookies["roadworthy"]
        context.add_cookies([{"name": "roadworthy", "value": cookie, "url": served}])
        page = context.new_page()
        page.on("request", note)
        return page

    yield sit_down
    for context in contexts:
        context.close()
    assert elsewhere == []


def test_an_officer_finds_tries_corrects_and_answers_by_keyboard(sit: Sit) -> None:
    page = sit("officer")
    page.goto("/search")
    page.get_by_label("Applicant").fill("C-A-1")
    page.get_by_label("Applicant").press("Enter")
    assert "C-A-1" not in page.url
    expect(page.get_by_role("heading", name="1 application fits")).to_be_visible()
    page.get_by_role("link", name="A-1", exact=True).press("Enter")
    expect(page.locator(".answer")).to_contain_text("decline")
    page.get_by_role("link", name="What if the inputs were otherwise?").press("Enter")
    page.get_by_label("The number of late payments").fill("2")
    page.get_by_role("button", name="See the answer").press("Enter")
    expect(page.locator(".answer")).to_contain_text("refer")
    page.get_by_role("link", name="Back to the application").click()
    page.get_by_role("link", name="Correct and decide again").click()
    page.get_by_label("The number of late payments").fill("2")
    page.get_by_role("button", name="Correct and decide again").click()
    assert page.url.endswith("/correct"), "the browser itself asks for the evidence"
    page.get_by_label("Evidence").fill("bureau file of today")
    page.get_by_role("button", name="Correct and decide again").click()
    expect(page.get_by_role("status")).to_contain_text("Decided anew: refer")
    page.get_by_label("a counter-offer").press("Space")
    page.get_by_label("Amount, EUR").fill("3,000")
    page.get_by_label("Term, months").fill("18")
    page.get_by_role("button", name="Record the final answer").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The final answer is recorded: counter offer")
    expect(page.locator(".answer")).to_contain_text("counter offer 3,000 EUR, 18 months")


def test_an_override_beyond_authority_is_confirmed_by_somebody_else(sit: Sit) -> None:
    junior = sit("junior", 820)
    junior.goto("/applications/A-3/override")
    junior.get_by_label("Reason").select_option("security")
    junior.get_by_label("Why, in this case").fill("a house")
    junior.get_by_role("button", name="Propose: approve").click()
    expect(junior.get_by_role("status")).to_contain_text("nothing changes until a second person")
    approver = sit("approver", scheme="dark")
    approver.goto("/search")
    approver.get_by_role("link", name="1 override waits").click()
    approver.get_by_role("button", name="Confirm: approve").click()
    expect(approver.get_by_role("status")).to_contain_text("with both of you")
    junior.reload()
    expect(junior.locator(".answer")).to_contain_text("approve")


@pytest.mark.parametrize("width", [1280, 820])
def test_nothing_runs_off_the_pages_and_every_field_has_its_name(width: int, sit: Sit) -> None:
    page = sit("officer", width)
    for path in ("", "/final-answer", "/override", "/correct", "/review", "/what-if"):
        page.goto(f"/applications/A-4{path}")
        check_page(page, width)
    page.goto("/search")
    check_page(page, width)


def check_page(page: Page, width: int) -> None:
    """One first heading, none skipped, a name for every field, and nothing beyond the edge."""
    body = page.locator("body").bounding_box()
    assert body is not None
    assert body["width"] <= width
    for box in (each.bounding_box() for each in page.locator("main > *:visible").all()):
        assert box is None or box["x"] + box["width"] <= width
    assert page.locator("h1").count() == 1
    levels = [int(heading.evaluate("each => each.tagName[1]")) for heading in page.locator("h1, h2, h3").all()]
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    fields = page.locator("main input:visible, main select:visible, main textarea:visible")
    unnamed = [
        field.get_attribute("name") for field in fields.all() if field.evaluate("each => each.labels.length") == 0
    ]
    assert unnamed == []
