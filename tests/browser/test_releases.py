"""Releases and tables in a real browser: without a script, by keyboard, on a tablet, in the dark (R6, R10, R13)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import serving
from tests.desk.lender import LOOSE, Lender, lender, ready

__all__ = ["lender", "ready"]

MONTH = b"region,limit\nN,9500\nS,8000\nE,7100\nW,many\n"


@pytest.fixture
def served(lender: Lender) -> Iterator[str]:
    """The address at which the lender's door answers."""
    with serving(lender.desk.house.door) as url:
        yield url


def sit(browser: Browser, lender: Lender, who: str, url: str, *, width: int = 1280, dark: bool = False) -> Page:
    """A browser of somebody who is signed in, without scripts."""
    context = browser.new_context(
        base_url=url,
        java_script_enabled=False,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
    )
    context.add_cookies([{"name": "roadworthy", "value": lender.desk.people[who].cookies["roadworthy"], "url": url}])
    return context.new_page()


def test_a_table_is_uploaded_and_put_in_force_in_the_browser(browser: Browser, lender: Lender, served: str) -> None:
    ana = sit(browser, lender, "analyst", served)
    ana.goto("/tables")
    ana.get_by_role("link", name="regions", exact=True).click()
    name = "regions_2026-10.csv"
    ana.get_by_label("File").set_input_files(FilePayload(name=name, mimeType="text/csv", buffer=MONTH))
    ana.get_by_label("Takes effect on").fill("2026-11-01")
    ana.get_by_role("button", name="Upload").press("Enter")
    expect(ana.get_by_role("status")).to_contain_text("waits for another person")
    expect(ana.get_by_text("the file's name says October 2026")).to_be_visible()
    ben = sit(browser, lender, "approver", served, width=820, dark=True)
    ben.goto(ana.url)
    ben.get_by_role("button", name="Put it in force").click()
    expect(ben.get_by_role("alert")).to_contain_text("nobody has said that they were read")
    ben.get_by_label("I have read").check()
    ben.get_by_role("button", name="Put it in force").click()
    expect(ben.get_by_role("status")).to_contain_text("It is in force")
    ben.get_by_label("Why?").fill("it was October's")
    ben.get_by_role("button", name="Undo version 2").click()
    expect(ben.get_by_role("status")).to_contain_text("version 1 is in force again")
    assert lender.in_force == "1"


def test_a_wrong_cut_off_is_seen_promoted_and_rolled_back_in_the_browser(
    browser: Browser, lender: Lender, served: str
) -> None:
    number = lender.approved(LOOSE)
    omar = sit(browser, lender, "operator", served, width=820)
    omar.goto("/releases")
    omar.get_by_role("link", name="Release 2").click()
    omar.get_by_role("link", name="Make it live …").click()
    expect(omar.get_by_text("the share approved would go from")).to_be_visible()
    omar.get_by_label("Why").fill("as agreed")
    omar.get_by_role("button", name="Make release 2 live").click()
    assert omar.url.endswith(f"/releases/{number}/promote")  # the browser itself asks for the tick
    omar.get_by_label("I have read").press("Space")
    omar.get_by_role("button", name="Make release 2 live").press("Enter")
    expect(omar.get_by_role("status")).to_contain_text("Release 2 is live")
    omar.goto("/releases")
    omar.get_by_role("link", name="Roll back to release 1").click()
    omar.get_by_label("Why").fill("the cut-off was wrong")
    if omar.get_by_label("I have read").count():
        omar.get_by_label("I have read").check()
    omar.get_by_role("button", name="Roll back to release 1").click()
    expect(omar.get_by_role("status")).to_contain_text("Rolled back: release 1 is live again")
    assert lender.champion == "1"


@pytest.mark.parametrize("width", [1280, 820])
def test_no_page_is_wider_than_its_window(browser: Browser, lender: Lender, served: str, width: int) -> None:
    lender.upload()
    lender.approved(LOOSE)
    ana = sit(browser, lender, "analyst", served, width=width)
    paths = ("/releases", "/releases/1", "/releases/2/promote", "/purpose", "/tables", "/tables/regions", "/stop")
    for path in (*paths, "/tables/regions/2"):
        ana.goto(path)
        box = ana.locator("main").bounding_box()
        assert box is not None, path
        assert box["width"] <= width, path
        for field in ana.locator("main input:visible, main select, main textarea, main button").all():
            found = field.bounding_box()
            assert found is not None, path
            assert found["x"] + found["width"] <= width, f"{path}: {field.evaluate('field => field.outerHTML')}"
