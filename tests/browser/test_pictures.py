"""The pictures in README.md and the docs: pages as they are, or the words around them would be old.

Each is taken and looked at in every run. `SCREENSHOTS=demo`, where `demo` is what `make demo SERVE=0` made, takes them
of a copy of that and writes them to docs/images.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from roadworthy.access import Act, Actor, list_accounts, make_link, record_in
from roadworthy.app import make_door
from roadworthy.erasure import open_kept_store
from roadworthy.records import new_id
from roadworthy.settings import read_settings
from tests.api.house import House
from tests.browser.conftest import serving
from tests.browser.small_png import shrink
from tests.browser.store_of_all import open_store_of_all
from tests.conftest import ROOT
from tests.desk.lender import ready

__all__ = ["ready"]

IMAGES = ROOT / "docs" / "images"
DEMO = os.environ.get("SCREENSHOTS")
BLANK, HEAVY = 10_000, 150_000


@dataclass(frozen=True)
class Studio:
    """The house, its address, and a browser."""

    house: House
    url: str
    browser: Browser

    def sit(self, role: str) -> Page:
        """At the desk, by a link, as the first by name who has this role."""
        page = self.browser.new_context(base_url=self.url, viewport={"width": 1280, "height": 960}).new_page()
        page.set_default_timeout(60_000)
        page.goto(f"/sign-in?link={self._make_link(role)}")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    def _make_link(self, role: str) -> str:
        house = self.house
        with house.store.reading() as connection:
            first = {role: one.name for one in reversed(list_accounts(connection)) for role in one.roles}
        admin = Actor(account=first["admin"], credential="password:", roles=frozenset({"admin"}))
        recorder = record_in(house.store.ledger, lambda: new_id(house.clock()))

        def make(connection: Any) -> str:
            return make_link(Act(connection, admin, house.clock(), recorder), first[role], random=secrets.token_bytes)

        return house.store.transact(make)


@pytest.fixture(scope="module")
def studio(ready: Any, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    if DEMO is None:
        with open_store_of_all(ready, folder) as made, serving(made.lender.desk.house.door) as url:
            yield Studio(made.lender.desk.house, url, browser)
        return
    for name in ("roadworthy.db", "wrapping.key"):
        shutil.copy(ROOT / DEMO / "loans" / name, folder)
    with open_kept_store(read_settings(folder, {}), now=datetime.now(UTC)) as store:
        house = House(store)
        house.door = make_door(house.services)
        with serving(house.door) as url:
            yield Studio(house, url, browser)


def take(page: Page, name: str, height: int = 960) -> None:
    """A picture of what is seen, written where that is wanted."""
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0, timeout=60_000)
    page.set_viewport_size({"width": 1280, "height": height})
    taken = page.screenshot()
    page.goto("about:blank")
    picture = shrink(page, taken)
    page.context.close()
    assert BLANK < len(picture) < HEAVY, f"{name}: {len(picture)} bytes"
    if DEMO is not None:
        (IMAGES / f"{name}.png").write_bytes(picture)


def test_the_first_page_says_what_waits(studio: Studio) -> None:
    page = studio.sit("officer")
    page.goto("/")
    expect(page.get_by_role("status")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("a person").first).to_be_visible()
    take(page, "first")


def test_an_application_that_waits_shows_its_pd_and_how_those_like_it_did(studio: Studio) -> None:
    page = studio.sit("officer")
    page.goto("/search?answer=refer&status=open")
    kept = ""
    for where in [link.get_attribute("href") or "" for link in page.locator("table.found th a").all()]:
        page.goto(where)
        if page.get_by_text("Of applicants like this").count():
            kept = where
            if page.get_by_text("No rule fired").count():
                break
    page.goto(kept)
    expect(page.get_by_text("Of applicants like this")).to_be_visible()
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    expect(page.get_by_role("button", name="Record the final answer")).to_be_visible()
    take(page, "application", 1250)


def test_how_accurate_we_were_is_drawn_and_counted(studio: Studio) -> None:
    page = studio.sit("analyst")
    page.goto("/accuracy")
    expect(page.get_by_role("heading", name="Did it rank the right ones as risky?")).to_be_visible(timeout=60_000)
    take(page, "accuracy", 1100)


def test_a_release_shows_what_it_would_have_answered_otherwise(studio: Studio) -> None:
    page = studio.sit("approver")
    page.goto("/releases")
    approved = page.locator("tr", has=page.locator(".mark", has_text=re.compile("^approved$")))
    approved.get_by_role("link").first.click()
    page.get_by_role("link", name=re.compile("Make it live|What would change")).click()
    expect(page.get_by_text("would be answered otherwise")).to_be_visible()
    take(page, "release")


def test_an_uploaded_table_shows_what_looks_wrong_about_it(studio: Studio) -> None:
    page = studio.sit("approver")
    page.goto("/tables")
    page.locator("tr", has_text="waits for approval").get_by_role("link").last.click()
    expect(page.get_by_role("heading", name="Look at this first")).to_be_visible()
    take(page, "table", 1200)


def test_the_weeks_are_drawn_and_counted(studio: Studio) -> None:
    page = studio.sit("analyst")
    page.goto("/weeks")
    expect(page.get_by_role("heading", name="The weeks")).to_be_visible(timeout=60_000)
    expect(page.locator("figure img")).to_be_visible(timeout=60_000)
    take(page, "weeks", 1200)
