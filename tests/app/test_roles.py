"""Deny by default: every page, act and route, asked of the outermost application by every role and by nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar, Response, get, websocket_listener

from roadworthy.access import PERMISSIONS, ROLES
from roadworthy.api import list_routes
from roadworthy.desk import list_pages
from roadworthy.door import OPEN, TOLD, RouteRow, Told, read_rows
from roadworthy.errors import UsageError
from tests.desk.conftest import Desk, Person, open_desk, read_words

ROUTES = {
    "GET /docs": OPEN,
    "GET /healthz": OPEN,
    "GET /metrics": "metrics.read",
    "GET /openapi.json": OPEN,
    "GET /readyz": OPEN,
    "POST /v1/batches": "batch.score",
    "POST /v1/decisions": "decision.make",
    "POST /v1/decisions/search": "decision.read",
    "GET /v1/decisions/{id}": "decision.read",
    "POST /v1/decisions/{id}/correct": "decision.correct",
    "POST /v1/decisions/{id}/explanation": "decision.read",
    "POST /v1/decisions/{id}/final-answer": "final_answer.give",
    "POST /v1/decisions/{id}/human-review": "review.ask",
    "POST /v1/decisions/{id}/human-review/answer": "review.answer",
    "POST /v1/decisions/{id}/override": "override.make",
    "POST /v1/decisions/{id}/override/proposal": "override.make",
    "POST /v1/decisions/{id}/replay": "decision.replay",
    "POST /v1/erasures": "applicant.erase",
    "GET /v1/holds": "applicant.hold",
    "POST /v1/holds": "applicant.hold",
    "POST /v1/holds/{id}/release": "applicant.hold",
    "POST /v1/exports": "decision.export",
    "GET /v1/jobs": "job.read",
    "GET /v1/jobs/{id}": "job.read",
    "POST /v1/jobs/{id}/cancel": "job.read",
    "GET /v1/jobs/{id}/result": "job.read",
    "POST /v1/outcomes": "outcome.add",
    "GET /v1/outcomes/set-aside": "set_aside.read",
    "GET /v1/overrides": "override.approve",
    "POST /v1/overrides/{id}/confirm": "override.approve",
    "POST /v1/overrides/{id}/reject": "override.approve",
    "GET /v1/packages": "release.read",
    "POST /v1/packages": "package.push",
    "GET /v1/packages/{digest}": "release.read",
    "GET /v1/performance": "performance.read",
    "GET /v1/releases": "release.read",
    "POST /v1/releases": "release.create",
    "POST /v1/releases/rollback": "release.rollback",
    "GET /v1/releases/who-was-live": "release.read",
    "GET /v1/releases/{id}": "release.read",
    "POST /v1/releases/{id}/approve": "release.approve",
    "POST /v1/releases/{id}/promote": "release.promote",
    "POST /v1/releases/{id}/reject": "release.approve",
    "POST /v1/releases/{id}/submit": "release.submit",
    "POST /v1/resume": "route.resume",
    "POST /v1/stop": "route.stop",
    "GET /v1/tables/{name}": "table.read",
    "PUT /v1/tables/{name}": "table.upload",
    "POST /v1/tables/{name}/undo": "table.undo",
    "GET /v1/tables/{name}/versions/{version}": "table.read",
    "POST /v1/tables/{name}/versions/{version}/approve": "table.approve",
    "POST /v1/tables/{name}/versions/{version}/reject": "table.approve",
}
"""Every way in of programs, with who may."""
PAGES = {
    "GET /": "self.change",
    "GET /account": "self.change",
    "POST /account/keys": "self.change",
    "POST /account/keys/{id}/revoke": "self.change",
    "POST /account/keys/{id}/rotate": "self.change",
    "POST /account/password": "self.change",
    "POST /account/sign-out": "self.change",
    "GET /accuracy": "performance.read",
    "GET /applications/{id}": "decision.read",
    "GET /applications/{id}/correct": "decision.correct",
    "POST /applications/{id}/correct": "decision.correct",
    "GET /applications/{id}/final-answer": "final_answer.give",
    "POST /applications/{id}/final-answer": "final_answer.give",
    "GET /applications/{id}/override": "override.make",
    "POST /applications/{id}/override": "override.make",
    "POST /applications/{id}/replay": "decision.replay",
    "GET /applications/{id}/review": "decision.read",
    "POST /applications/{id}/review": "review.ask",
    "POST /applications/{id}/review/answer": "review.answer",
    "GET /applications/{id}/what-if": "decision.read",
    "POST /applications/{id}/what-if": "decision.read",
    "GET /files": "job.read",
    "POST /files": "batch.score",
    "GET /files/{id}": "job.read",
    "POST /files/{id}/cancel": "job.read",
    "GET /files/{id}/{name}": "job.read",
    "GET /overrides": "override.approve",
    "POST /overrides/{id}/confirm": "override.approve",
    "POST /overrides/{id}/reject": "override.approve",
    "GET /erasure": "applicant.erase",
    "POST /erasure": "applicant.erase",
    "POST /holds": "applicant.hold",
    "POST /holds/{id}/release": "applicant.hold",
    "GET /people": "account.read",
    "POST /people": "account.change",
    "GET /people/{name}": "account.read",
    "POST /people/{name}": "account.change",
    "POST /people/{name}/keys": "key.change",
    "POST /people/{name}/keys/{id}/revoke": "key.change",
    "POST /people/{name}/keys/{id}/rotate": "key.change",
    "POST /people/{name}/link": "account.change",
    "POST /people/{name}/sign-out": "account.change",
    "POST /people/{name}/switch": "account.change",
    "GET /purpose": "policy.propose",
    "POST /purpose": "policy.propose",
    "GET /releases": "release.read",
    "GET /releases/rollback": "release.rollback",
    "POST /releases/rollback": "release.rollback",
    "GET /releases/{id}": "release.read",
    "POST /releases/{id}/approve": "release.approve",
    "GET /releases/{id}/promote": "release.read",
    "POST /releases/{id}/promote": "release.promote",
    "POST /releases/{id}/reject": "release.approve",
    "POST /releases/{id}/submit": "release.submit",
    "POST /resume": "route.resume",
    "GET /search": "decision.read",
    "POST /search": "decision.read",
    "POST /search/export": "decision.export",
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "POST /sign-out": "self.change",
    "POST /tour": "self.change",
    "GET /weeks": "decision.read",
    "GET /static/desk.css": OPEN,
    "GET /stop": "route.stop",
    "POST /stop": "route.stop",
    "GET /tables": "table.read",
    "GET /tables/{name}": "table.read",
    "POST /tables/{name}": "table.upload",
    "GET /tables/{name}/{version}": "table.read",
    "POST /tables/{name}/{version}/approve": "table.approve",
    "POST /tables/{name}/{version}/reject": "table.approve",
    "POST /tables/{name}/{version}/undo": "table.undo",
}
"""Every page and every form, with who may."""
FORMS = {f"{row.method} {row.path}": row.told.form for row in list_pages()}
SHOWN_AGAIN = {"POST /applications/{id}/replay": "decision.read"}
"""Forms answered by a page that needs this permission as well: an operator may replay, and sees no applicant's data."""
LEAVING = {"POST /sign-out", "POST /account/sign-out", "POST /account/password"}
"""Forms that end the very session that they are asked with."""


@dataclass
class Street:
    """The outermost application, and how it is asked for a route by somebody."""

    desk: Desk

    def ask(self, route: str, who: str | None, *, key: bool = False, **how: Any) -> httpx.Response:
        """A route as its kind of asker would ask for it: with a session's cookie and token, or with a key."""
        method, path = route.split()
        headers = {"Accept": "text/html" if route in PAGES else "application/json"} | how.pop("headers", {})
        if who is not None and key:
            headers["Authorization"] = f"Bearer {self.desk.house.keys[who]}"
        elif who is not None:
            person = self.desk.come(who)
            headers["Cookie"] = f"roadworthy={person.cookies['roadworthy']}"
            if method == "POST" and route in PAGES:
                self._fill(route, person, how)
        elif method == "POST" and route in PAGES:
            self._fill(route, None, how)
        self.desk.http.cookies.clear()
        answer: httpx.Response = self.desk.http.request(
            method, re.sub(r"{\w+}", "no-such-thing", path), headers=headers, follow_redirects=False, **how
        )
        assert answer.status_code < 500, (route, who, answer.text)
        return answer

    def _fill(self, route: str, person: Person | None, how: dict[str, Any]) -> None:
        how.setdefault("data", {"token": "" if person is None else person.token})
        if FORMS[route] == "files":
            how["files"] = {"file": ("none.csv", b"")}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Everybody, and a release that is live: who may is settled before what is done, and nothing that is named is."""
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('street') / 'store.db'}") as desk:
        yield Street(desk)


def check_page(answer: httpx.Response) -> None:
    """A refusal that people can read: a page, with one heading, words, and what to do."""
    assert answer.headers["Content-Type"].startswith("text/html"), answer.headers
    assert answer.text.count("<h1") == 1, answer.text
    assert 'role="alert"' in answer.text
    assert '<p class="mend">' in answer.text, read_words(answer.text)


def test_every_way_in_is_listed_with_who_may(street: Street) -> None:
    """A new page or route is nobody's until it stands above, with who may."""
    found = {f"{row.method} {row.path}": row.permission for row in street.desk.house.door.routes}
    assert found == ROUTES | PAGES
    assert {f"{row.method} {row.path}": row.permission for row in list_routes()} == ROUTES
    assert {f"{row.method} {row.path}": row.permission for row in list_pages()} == PAGES


@pytest.mark.parametrize("route", ROUTES)
def test_a_program_is_let_in_where_its_role_may_and_nowhere_else(route: str, street: Street) -> None:
    permission = ROUTES[route]
    for who in (*ROLES, None):
        answer = street.ask(route, who, key=True)
        status = answer.status_code
        if permission == OPEN:
            assert status == 200
        elif who is None:
            assert status == 401
        elif who in PERMISSIONS[permission].roles:
            assert status not in (401, 403, 405), (who, answer.text)
        else:
            assert status == 403, who
        if status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["type"].startswith("/problems/")
            assert answer.json()["status"] == status
            assert answer.json()["title"]
    if permission != OPEN:
        assert street.ask(route, min(PERMISSIONS[permission].roles)).status_code == 401, "a session opens it for nobody"


@pytest.mark.parametrize("route", sorted(PAGES.keys() - LEAVING))
def test_a_person_is_let_in_where_their_role_may_and_nowhere_else(route: str, street: Street) -> None:
    permission = PAGES[route]
    welcome = PERMISSIONS[permission].roles if permission != OPEN else frozenset()
    if route in SHOWN_AGAIN:
        welcome &= PERMISSIONS[SHOWN_AGAIN[route]].roles
    for who in (*ROLES, None):
        answer = street.ask(route, who)
        status = answer.status_code
        if permission == OPEN:
            assert status in (200, 401)
        elif who is None:
            assert (status, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
        elif who in welcome:
            assert (status, answer.headers.get("Location", "")[:8]) not in ((303, "/sign-in"), (403, ""), (405, ""))
        else:
            assert status == 403, who
        if status >= 400:
            check_page(answer)
    if permission != OPEN:
        sent = street.ask(route, min(welcome), key=True)
        assert (sent.status_code, sent.headers["Location"].partition("?")[0]) == (303, "/sign-in"), "no key opens it"


@pytest.mark.parametrize("route", sorted(LEAVING))
def test_whoever_leaves_is_out(route: str, street: Street) -> None:
    name = f"leaver-{route.rpartition('/')[2]}-{len(route)}"
    person = street.desk.hire(name, "officer")
    street.desk.house.keys[name] = "none"
    assert street.ask(route, None).headers["Location"].startswith("/sign-in")
    word = "a long enough pass phrase"
    left = street.ask(route, name, data={"token": person.token, "new": word, "again": word})
    assert left.status_code == 303
    gone = street.ask("GET /account", name)
    assert gone.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("path", sorted({route.split()[1] for route in ROUTES | PAGES}))
def test_no_other_method_does_anything(path: str, street: Street) -> None:
    asked = re.sub(r"{\w+}", "no-such-thing", path)
    there = {
        method
        for method, known in (route.split() for route in ROUTES | PAGES)
        if known == path or ("{" in path and re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), asked))
    }
    for method in {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - there:
        answer = street.desk.http.request(method, asked, headers={"Accept": "text/html"})
        assert answer.status_code == 405, method
        assert set(answer.headers["Allow"].split(", ")) == there


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/decisions/", "//v1/decisions", "/V1/decisions", "/v1/decisions/a/b/c", "/v1/jobs/%00", "/schema"],
)
@pytest.mark.parametrize("accepts", ["text/html", "application/json"])
def test_what_is_not_listed_is_not_there(path: str, accepts: str, street: Street) -> None:
    key = {"Authorization": f"Bearer {street.desk.house.keys['admin']}", "Accept": accepts}
    answer = street.desk.http.request("GET", path, headers=key)
    assert answer.status_code == 404
    if accepts == "text/html" and not path.startswith("/v1/"):
        check_page(answer)
    else:
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_is_named_and_not_there_is_told_alike_on_pages_and_to_programs(street: Street) -> None:
    for route in ("GET /applications/{id}", "GET /releases/{id}", "GET /tables/{name}", "GET /files/{id}"):
        page = street.ask(route, "analyst")
        assert page.status_code == 404, route
        check_page(page)
    for route in ("GET /v1/decisions/{id}", "GET /v1/releases/{id}", "GET /v1/tables/{name}", "GET /v1/jobs/{id}"):
        told = street.ask(route, "analyst", key=True)
        assert (told.status_code, told.json()["type"]) == (404, "/problems/not-found"), route
        assert told.json()["mend"]


ACTS = sorted(route for route in PAGES if route.startswith("POST") and PAGES[route] != OPEN)


def allowed(permission: str) -> str:
    return min(PERMISSIONS[permission].roles)


@pytest.mark.parametrize("route", ACTS)
def test_no_form_does_anything_without_its_own_token(route: str, street: Street) -> None:
    """Forged by another site, or left over from another sign-in: nothing is recorded, and it says what to do."""
    who = allowed(PAGES[route])
    before = street.desk.count_records()
    stranger = next(role for role in ROLES if role != who)
    for token in ("", "wrong", "ÿ", street.desk.come(stranger).token):
        refused = street.ask(route, who, data={"token": token})
        assert refused.status_code == 403
        check_page(refused)
        assert "another sign-in" in read_words(refused.text)
    assert street.desk.count_records() == before


@pytest.mark.parametrize("route", ["POST /stop", "POST /releases/rollback", "POST /sign-in"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["another origin", "an origin that hides", "another site", "a neighbour"],
)
def test_no_form_of_another_site_is_taken(route: str, headers: dict[str, str], street: Street) -> None:
    before = street.desk.count_records()
    refused = street.ask(route, "operator", headers=headers)
    assert refused.status_code == 403
    check_page(refused)
    assert "another site" in read_words(refused.text)
    assert street.desk.count_records() == before


def test_a_session_ends_by_time_and_by_being_ended(street: Street) -> None:
    desk = street.desk
    late = desk.hire("late", "officer")
    assert late.get("/search").status_code == 200
    desk.house.late = timedelta(minutes=desk.house.settings.session_minutes)
    try:
        assert late.get("/search").headers["Location"].startswith("/sign-in")
    finally:
        desk.house.late = timedelta()
    assert late.get("/search").status_code == 200
    ended = desk.come("admin").send("/people/late/sign-out")
    assert ended.status_code == 303, read_words(ended.text)
    assert late.get("/search").headers["Location"].startswith("/sign-in")
    made_up = Person(desk, "nobody", {"roadworthy": "rws_" + "x" * 43})
    assert made_up.get("/search").headers["Location"].startswith("/sign-in")
    switched = desk.hire("switched", "officer")
    assert desk.come("admin").send("/people/switched/switch", active="no").status_code == 303
    assert switched.get("/search").headers["Location"].startswith("/sign-in")


def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_other_sites(street: Street) -> None:
    desk = street.desk
    admin = desk.come("admin")
    desk.hire("crumb", "officer")

    def sign_in(url: str) -> str:
        page = admin.send("/people/crumb/link")
        link = re.search(r"/sign-in\?link=([\w-]+)", page.text)
        assert link is not None
        answer = desk.http.request(
            "POST", f"{url}/sign-in", data={"link": link[1]}, headers={"Accept": "text/html"}, follow_redirects=False
        )
        cookies: list[str] = answer.headers.get_list("set-cookie")
        return next(cookie for cookie in cookies if cookie.split("=")[0].endswith("roadworthy"))

    plain, sealed = sign_in("http://testserver"), sign_in("https://testserver")
    for cookie in (plain, sealed):
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "path=/;" in cookie.lower() + ";"
        assert "domain" not in cookie.lower()
    assert sealed.startswith("__Host-roadworthy=")
    assert "secure" in sealed.lower()
    assert plain.startswith("roadworthy=")


def read_addresses(html: str) -> set[str]:
    return set(re.findall(r'(?:href|src|action|content)="([^"]*)"', html))


def test_pages_stay_in_no_cache_and_ask_nobody_else(street: Street) -> None:
    """What is on them is about people: no cache keeps it, and nothing is fetched from elsewhere."""
    desk = street.desk
    decided = desk.decide("A-open", "officer")
    for route in (route for route in PAGES if route.startswith("GET") and "static" not in route):
        for path in {re.sub(r"{\w+}", value, route.split()[1]) for value in ("no-such-thing", "1", "A-open")}:
            person = desk.come("admin" if PAGES[route].startswith("account") else allowed_reader(PAGES[route]))
            answer = person.get(path)
            assert answer.headers["Cache-Control"] == "no-store", path
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            for address in read_addresses(answer.text):
                assert not re.match(r"(https?:)?//", address), (path, address)
            assert "<script" not in answer.text.replace('<script src="/static/', "")
            assert not re.search(r"\son\w+=|\sstyle=", answer.text), path
    assert decided["decision_id"]


def allowed_reader(permission: str) -> str:
    return "officer" if permission == OPEN else allowed(permission)


def test_no_address_names_a_person(street: Street) -> None:
    """Addresses stand in histories and logs: what is looked for by a person's name or id is in none of them."""
    desk = street.desk
    desk.decide("A-hidden", "officer")
    officer = desk.come("officer")
    seen: set[str] = set()
    for fields in ({"applicant_id": "C-A-hidden"}, {"name": "C-A-hidden"}):
        sent = officer.send("/search", **fields)
        seen.add(sent.headers["Location"])
        seen |= read_addresses(officer.get(sent.headers["Location"]).text)
    for path in ("/search", "/applications/A-hidden", "/"):
        seen |= read_addresses(officer.get(path).text)
    assert any("A-hidden" in address for address in seen), "an application is called by its own id"
    assert not any("C-A-hidden" in address for address in seen), seen


def test_a_handler_that_does_not_tell_who_may_keeps_the_program_from_starting() -> None:
    @get("/secrets")
    async def tell_all() -> Response[str]:
        return Response("all")

    with pytest.raises(UsageError, match="GET /secrets does not tell who may use it"):
        read_rows(Litestar([tell_all], openapi_config=None))


def test_a_websocket_keeps_the_program_from_starting() -> None:
    @websocket_listener("/talk")
    async def talk(data: str) -> str:
        return data

    with pytest.raises(UsageError, match="no route of requests and answers"):
        read_rows(Litestar([talk], openapi_config=None))


def test_a_permission_that_is_not_in_the_table_keeps_the_program_from_starting() -> None:
    told = Told(permission="decision.mkae", summary="", answers={})

    @get("/typo", opt={TOLD: told})
    async def typo() -> Response[str]:
        return Response("all")

    with pytest.raises(UsageError, match=r"'decision\.mkae', which is no permission"):
        read_rows(Litestar([typo], openapi_config=None))
    with pytest.raises(UsageError):
        RouteRow("GET", "/typo", "", told)
