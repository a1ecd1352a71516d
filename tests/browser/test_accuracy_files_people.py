"""Accuracy, files and people in a real browser: no script, light and dark, at a desk and on a tablet (R16-R20)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from roadworthy.batch import job_handlers
from roadworthy.jobs import Runner
from roadworthy.records import new_id
from tests.browser.conftest import serving
from tests.desk.conftest import Desk, open_desk
from tests.desk.test_accuracy import MONEY, season
from tests.desk.test_files import applications


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as made:
        made.house.go_live(policy=MONEY)
        season(made)
        for who in ("analyst", "officer", "admin"):
            made.come(who)
        yield made


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[str]:
    """The door, with somebody who works on the jobs behind it."""
    house, stop = desk.house, threading.Event()
    runner = Runner(house.store, job_handlers(house.current, house.clock), worker="one", clock=house.clock,
                    new_id=lambda: new_id(house.clock()))  # fmt: skip
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    with serving(house.door) as url:
        yield url
    stop.set()
    thread.join(60)


def sit(browser: Browser, desk: Desk, url: str, who: str) -> Page:
    """A browser of somebody who is signed in, without scripts."""
    context = browser.new_context(base_url=url, java_script_enabled=False, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "roadworthy", "value": desk.come(who).cookies["roadworthy"], "url": url}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def fits(page: Page) -> bool:
    """Whether nothing runs off the page on a tablet, in the dark."""
    page.set_viewport_size({"width": 820, "height": 1100})
    page.emulate_media(color_scheme="dark")
    inside = all(
        (box := shown.bounding_box()) is not None and box["x"] + box["width"] <= 820
        for shown in page.locator("main > *, main .scroll, main img, main button").all()
        if shown.is_visible()
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    return inside


def test_how_accurate_we_were_is_asked_for_by_keyboard(browser: Browser, desk: Desk, served: str) -> None:
    page = sit(browser, desk, served, "analyst")
    page.goto("/accuracy")
    expect(page.get_by_role("heading", name="What the cut-off is worth")).to_be_visible(timeout=60_000)
    charts = page.locator("main img")
    assert charts.count() == 5
    assert all((chart.get_attribute("alt") or "").endswith(".") for chart in charts.all())
    assert fits(page)
    page.get_by_label("Buckets").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Table of the 2 buckets").first).to_be_visible(timeout=60_000)
    assert "buckets=2" in page.url


def test_a_file_goes_in_and_its_page_comes_back_by_itself(browser: Browser, desk: Desk, served: str) -> None:
    page = sit(browser, desk, served, "officer")
    page.goto("/files")
    data = applications(30, "seen", broken=True)
    page.locator("input[type=file]").set_input_files(FilePayload(name="loans.csv", mimeType="text/csv", buffer=data))
    page.get_by_label("Record the decisions").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible(timeout=60_000)
    assert fits(page)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="The rows set aside").click()
    assert downloading.value.suggested_filename == "set_aside.csv"
    page.goto("/search")
    page.get_by_label("Export what fits").select_option("xlsx")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("link", name="The decisions")).to_be_visible(timeout=60_000)


def test_somebody_is_added_comes_by_the_link_and_sets_a_password(browser: Browser, desk: Desk, served: str) -> None:
    page = sit(browser, desk, served, "admin")
    page.goto("/people")
    assert fits(page)
    page.get_by_label("Name").fill("nina")
    page.get_by_label("officer").check()
    page.get_by_label("Branches").fill("*")
    page.get_by_role("button", name="Add").click()
    link = page.locator(".secret").inner_text()
    context = browser.new_context(java_script_enabled=False)
    other = context.new_page()
    other.goto(link)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("link", name="nina").click()
    assert fits(other)
    other.get_by_label("New password").fill("correct horse battery staple")
    other.get_by_label("The same again").fill("correct horse battery staple")
    other.get_by_role("button", name="Set it").click()
    expect(other.get_by_role("status")).to_contain_text("The password of nina is set")
    other.get_by_role("button", name="Make a key").click()
    assert other.locator(".secret").inner_text().startswith("rwk_")
