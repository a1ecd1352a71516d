"""Every page, for every eye and hand: an automatic checker, the keyboard, the tablet, the dark, and no script (R20).

Axe runs over each page as those see it who may. Its code is brought to the page by the browser itself, past the page's
own policy; what the page loads and runs of its own is held to that policy, and to this host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

from roadworthy.desk import list_pages
from tests.browser.conftest import serving
from tests.browser.store_of_all import Everything, open_store_of_all
from tests.desk.lender import ready

__all__ = ["ready"]

NO_PAGE = {"/static/desk.css", "/files/{id}/{name}"}
"""What is downloaded, not looked at."""
WEIGHT = 150_000
AXE = Axe().axe_script
CHANGING = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
"""The rules whose findings may differ with the window's width and colours."""

LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => window.refused.push(event.violatedDirective));
"""
"""Collects what the page's own policy refuses."""

REACHABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter(each => each.checkVisibility() && !each.disabled && each.type !== "hidden")
    .filter(each => each.type !== "radio" || each.checked || !document.querySelector(
        `input[type=radio][name="${each.name}"]:checked`) && each === each.form.elements[each.name][0])"""
"""What a person must come to by Tab: of radio buttons, the chosen one or the first."""

WATCH = f"""() => {{
    const all = ({REACHABLE})();
    window.reached = new Set(); window.unseen = [];
    document.addEventListener("focusin", event => {{
        const style = getComputedStyle(event.target);
        window.reached.add(event.target);
        if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)
            window.unseen.push(event.target.outerHTML);
    }});
    document.activeElement.blur();
    return all.length + 8 * document.querySelectorAll("input[type=date], input[type=datetime-local]").length;
}}"""
TURNED = """([width, scheme]) => innerWidth === width && matchMedia(`(prefers-color-scheme: ${scheme})`).matches
    && new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""
"""Whether the page is drawn as it was turned: what is judged sooner is judged half-way."""
BUTTONLESS = "forms => forms.filter(form => !form.querySelector('button:not([type=button])')).map(f => f.outerHTML)"
MISSED = f"() => ({REACHABLE})().filter(each => !window.reached.has(each)).map(each => each.outerHTML)"


@pytest.fixture(scope="module")
def everything(ready: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with open_store_of_all(ready, tmp_path_factory.mktemp("all")) as made:
        yield made


@pytest.fixture(scope="module")
def served(everything: Everything) -> Iterator[str]:
    with serving(everything.lender.desk.house.door) as url:
        yield url


def addresses(everything: Everything) -> dict[str, tuple[tuple[str, str], ...]]:
    """Every page: who looks at it, and where, in each state that looks otherwise."""
    loose = everything.loose_release
    return {
        "/": (("officer", "/"), ("analyst", "/"), ("admin", "/")),
        "/account": (("officer", "/account"),),
        "/accuracy": (("analyst", "/accuracy"), ("analyst", "/accuracy?as_of=2020-01-01")),
        "/applications/{id}": tuple(("officer", f"/applications/{one}") for one in ("A1", "A4", "A5", "A9")),
        "/applications/{id}/correct": (("officer", "/applications/A4/correct"),),
        "/applications/{id}/final-answer": (("officer", "/applications/A7/final-answer"),),
        "/applications/{id}/override": (
            ("junior", "/applications/A4/override"),
            ("officer", "/applications/A1/override"),
        ),
        "/applications/{id}/review": (("officer", "/applications/A4/review"), ("approver", "/applications/A5/review")),
        "/applications/{id}/what-if": (("officer", "/applications/A1/what-if"),),
        "/files": (("officer", "/files"),),
        "/files/{id}": (("officer", everything.done_file), ("officer", f"{everything.queued_file}?still=yes")),
        "/overrides": (("approver", "/overrides"),),
        "/erasure": (("admin", "/erasure"),),
        "/people": (("admin", "/people"),),
        "/people/{name}": (("admin", "/people/officer"),),
        "/purpose": (("analyst", "/purpose"),),
        "/releases": (("operator", "/releases?at=2099-01-01T00:00"),),
        "/releases/rollback": (("operator", "/releases/rollback"),),
        "/releases/{id}": (("approver", "/releases/1"), ("approver", f"/releases/{int(loose) + 1}")),
        "/releases/{id}/promote": (("operator", f"/releases/{loose}/promote"),),
        "/search": (("officer", "/search?answer=approve&branch=N&release=1"),),
        "/sign-in": (("nobody", "/sign-in"), ("nobody", "/sign-in?link=rwl_x")),
        "/stop": (("operator", "/stop"),),
        "/tables": (("analyst", "/tables"),),
        "/tables/{name}": (("analyst", "/tables/regions"),),
        "/tables/{name}/{version}": (("approver", everything.waiting_table), ("analyst", "/tables/regions/1")),
        "/weeks": (("analyst", "/weeks"),),
        "refused": (("officer", "/applications/none"), ("nobody", "/nowhere")),
    }


def test_a_new_page_is_not_forgotten_here(everything: Everything) -> None:
    pages = {row.path for row in list_pages() if row.method == "GET"} - NO_PAGE
    assert addresses(everything).keys() - {"refused"} == pages


@pytest.fixture
def sit(browser: Browser, everything: Everything, served: str) -> Iterator[Any]:
    """A browser of somebody; what the pages ask of another host, complain of or have refused fails the test."""
    wrong: list[str] = []
    contexts = []

    def note(asked: Request) -> None:
        if not asked.url.startswith((served, "data:")):
            wrong.append(asked.url)

    def sit_down(who: str, **how: Any) -> Page:
        context = browser.new_context(base_url=served, reduced_motion="reduce", **how)
        contexts.append(context)
        if who != "nobody":
            cookie = everything.lender.desk.come(who).cookies["roadworthy"]
            context.add_cookies([{"name": "roadworthy", "value": cookie, "url": served}])
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", note)
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield sit_down
    for context in contexts:
        context.close()
    assert wrong == []


def test_every_page_is_without_a_finding_and_all_of_it_is_reached_by_keyboard(sit: Any, everything: Everything) -> None:
    pages: dict[str, Page] = {}
    found: list[str] = []
    for who, where in (each for several in addresses(everything).values() for each in several):
        page = pages.get(who) or pages.setdefault(who, sit(who, viewport={"width": 1280, "height": 900}))
        found += [f"{who} at {where}: {finding}" for finding in look(page, where)]
    assert not found, "\n".join(found)


def test_what_comes_back_by_itself_can_be_held_still(sit: Any, everything: Everything) -> None:
    page = sit("officer", java_script_enabled=False)
    page.goto(everything.queued_file)
    back = page.locator("meta[http-equiv=refresh]")
    expect(back).to_have_count(1)
    page.get_by_role("link", name="hold it still").press("Enter")
    expect(page.get_by_text("This page is held still")).to_be_visible()
    expect(back).to_have_count(0)
    page.get_by_role("link", name="let it come back").press("Enter")
    expect(back).to_have_count(1)


def test_on_paper_there_is_nothing_to_press_and_what_is_folded_is_open(sit: Any) -> None:
    page = sit("officer", viewport={"width": 794, "height": 1123}, color_scheme="dark")
    page.goto("/applications/A1")
    inputs = page.get_by_role("table").filter(has_text="late_payments")
    expect(inputs).not_to_be_visible()
    page.emulate_media(media="print")
    expect(inputs).to_be_visible()
    for what in ("nav", "button", "input", "textarea", "aside .todo"):
        assert page.locator(what).locator("visible=true").count() == 0, what
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 794


def look(page: Page, where: str) -> Iterator[str]:
    """What is wrong with a page."""
    turn(page, scheme="light", width=1280)
    weight = open_at(page, where)
    if weight > WEIGHT:
        yield f"weighs {weight} bytes"
    yield from (f"refused: {each}" for each in page.evaluate("window.refused"))
    for _ in range(page.evaluate(WATCH) + 3):
        page.keyboard.press("Tab")
    yield from (f"not reached by keyboard: {each[:200]}" for each in page.evaluate(MISSED))
    yield from (f"focus is not seen: {each[:200]}" for each in page.evaluate("window.unseen"))
    yield from (f"needs a script: {each[:200]}" for each in page.locator("form").evaluate_all(BUTTONLESS))
    yield from check(page, scheme="light", width=1280)
    turn(page, scheme="dark", width=820)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > 820:
        yield f"runs off the side: {wide} pixels"
    yield from check(page, scheme="dark", width=820, only=CHANGING)


def turn(page: Page, *, scheme: Literal["light", "dark"], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(TURNED, arg=[width, scheme])


def check(page: Page, *, scheme: str, width: int, only: tuple[str, ...] = ()) -> Iterator[str]:
    """The checker's findings, by these rules or by all."""
    if not only:
        page.evaluate(AXE)
    asked = {"resultTypes": ["violations"]} | ({"runOnly": {"type": "rule", "values": only}} if only else {})
    for finding in page.evaluate("asked => axe.run(asked)", asked)["violations"]:
        for node in finding["nodes"]:
            said = " ".join(node["failureSummary"].split())
            yield f"{finding['impact']} {finding['id']} ({scheme}, {width}): {node['html'][:200]}: {said}"


def open_at(page: Page, where: str) -> int:
    """Open a page, waiting for what is worked out; its weight in bytes, with its styles."""
    answer = page.goto(where)
    assert answer is not None
    assert answer.status in (200, 403, 404), answer.text()
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0, timeout=60_000)
    style = page.request.get(page.locator("link[rel=stylesheet]").get_attribute("href") or "")
    return len(page.content().encode()) + len(style.body())
