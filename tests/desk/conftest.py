"""A lender's desk: a store with a release live, and people of each role who sit at it with a browser of their own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from roadworthy.access import EVERY_BRANCH, Act, Actor, Branches, add_account, make_link, record_in
from roadworthy.app import make_door
from roadworthy.desk.visit import make_token
from roadworthy.records import create_store, new_id
from tests.api.house import INPUTS, House
from tests.stores import MADE, another_store_url, postgres

__all__ = ["Desk", "Person", "desk", "open_desk", "postgres", "read_words"]

_ADMIN = Actor(account="admin", credential="password:admin", roles=frozenset({"admin"}))


@dataclass
class Person:
    """Somebody at the desk. Their pages are asked for without following redirects; `act` follows the one of an act."""

    desk: Desk
    name: str
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """What their forms carry."""
        return make_token(self.cookies["roadworthy"])

    def get(self, path: str, **asked: Any) -> httpx.Response:
        """A page; `asked` are the parameters of its URL."""
        return self._ask("GET", path, params=asked or None)

    def send(self, path: str, *, files: Any = None, **fields: Any) -> httpx.Response:
        """A form, with the token of their session; a field with several values is a list."""
        return self._ask("POST", path, data={"token": self.token} | fields, files=files)

    def act(self, path: str, *, files: Any = None, **fields: Any) -> httpx.Response:
        """A form that is taken, and the page it leads to."""
        sent = self.send(path, files=files, **fields)
        assert sent.status_code == 303, read_words(sent.text)
        return self.get(sent.headers["Location"])

    def _ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        crumbs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Accept": "text/html", "Cookie": crumbs} | how.pop("headers", {})
        self.desk.http.cookies.clear()
        answer: httpx.Response = self.desk.http.request(method, path, headers=headers, follow_redirects=False, **how)
        for name in {cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")}:
            self.cookies.pop(name, None)
        self.cookies |= dict(answer.cookies)
        return answer


@dataclass
class Desk:
    """The people's door of a house, with the programs' door beside it."""

    house: House
    http: Any
    people: dict[str, Person] = field(default_factory=dict)

    def hire(self, name: str, *roles: str, branches: Branches = EVERY_BRANCH, authority: float = 1_000_000.0) -> Person:
        """A new account, and the person, signed in."""
        self._keep_accounts(lambda act: add_account(act, name, roles=roles, branches=branches, authority=authority))
        return self.come(name)

    def come(self, name: str) -> Person:
        """The person of this account, signed in by a link; the same browser each time."""
        if name not in self.people:
            link = self._keep_accounts(lambda act: make_link(act, name, random=secrets.token_bytes))
            person = Person(self, name)
            signed_in = person._ask("POST", "/sign-in", data={"link": link, "next": "/"})
            assert signed_in.status_code == 303, read_words(signed_in.text)
            person.cookies.pop("roadworthy-said")  # nobody reads that they were signed in
            self.people[name] = person
        return self.people[name]

    def decide(self, application_id: str, who: str = "service", **inputs: Any) -> dict[str, Any]:
        """The reply to an application that a program sends; `inputs` on top of an ordinary one's."""
        body = {"application_id": application_id, "applicant_id": f"C-{application_id}", "inputs": INPUTS | inputs}
        key = {"Authorization": f"Bearer {self.house.keys[who]}"}
        self.http.cookies.clear()
        answer: httpx.Response = self.http.request("POST", "/v1/decisions", headers=key, json=body)
        assert answer.status_code == 201, answer.text
        decided: dict[str, Any] = answer.json()
        return decided

    def count_records(self) -> int:
        """How many records there are."""
        return sum(head.seq for head in self.house.store.ledger.heads())

    def _keep_accounts(self, work: Any) -> Any:
        house = self.house
        recorder = record_in(house.store.ledger, lambda: new_id(house.clock()))
        return house.store.transact(lambda connection: work(Act(connection, _ADMIN, house.clock(), recorder)))


def read_words(html: str) -> str:
    """A page's words as somebody reads them: no tags, one space, and none before a full stop."""
    words = " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
    return re.sub(r" (?=[.,;:)])", "", words)


@contextmanager
def open_desk(url: str) -> Iterator[Desk]:
    """A desk on a new store at `url`, with a release live and somebody of each role, named like it."""
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire_everybody()
        house.go_live()
        house.door = make_door(house.services)
        with TestClient(app=house.door, raise_server_exceptions=True) as http:
            yield Desk(house, http)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on each store: made once, for it takes longer than a test."""
    with open_desk(another_store_url(request.param, request, tmp_path_factory.mktemp("store"))) as made:
        yield made
