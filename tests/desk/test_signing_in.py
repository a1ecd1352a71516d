"""Coming in at the people's door, and what every form is checked for."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlsplit

import pytest

from roadworthy.access import make_link
from tests.desk.conftest import Desk, Person, read_words


def test_somebody_comes_in_by_a_link_and_is_told_so(desk: Desk) -> None:
    page = desk.come("officer").get("/")
    assert page.status_code == 200
    assert "Welcome, officer" in read_words(page.text)


def test_a_form_without_the_sessions_token_is_refused(desk: Desk) -> None:
    forged = {"token": "another"}
    answer = desk.come("analyst").send("/sign-out", **forged)
    assert answer.status_code == 403
    assert "another sign-in" in read_words(answer.text)


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(desk: Desk) -> None:
    desk.http.cookies.clear()
    answer = desk.http.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", ["/applications/%E6%90%9C%20%3F1", "/files"])
def test_whoever_signs_in_comes_to_the_page_they_asked_for(desk: Desk, path: str) -> None:
    stranger = Person(desk, "stranger")
    led = stranger.get(path).headers["Location"]
    wanted = dict(parse_qsl(urlsplit(led).query))["next"]
    assert wanted == path
    assert stranger.get(led).status_code == 200
    signed_in = stranger._ask("POST", "/sign-in", data={"link": make_one(desk), "next": wanted})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, path)


@pytest.mark.parametrize("where", ["//else.example", "/\\else.example", "https://else.example", "/\u641c", "/a\nb", ""])
def test_nobody_is_led_elsewhere_by_signing_in(desk: Desk, where: str) -> None:
    signed_in = Person(desk, "stranger")._ask("POST", "/sign-in", data={"link": make_one(desk), "next": where})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/")


def test_behind_a_proxy_that_speaks_tls_the_session_is_kept_for_tls(desk: Desk) -> None:
    for spoken, starts in (("https", "__Host-roadworthy="), ("http", "roadworthy=")):
        desk.http.cookies.clear()
        answer = desk.http.post(
            "/sign-in", data={"link": make_one(desk), "next": "/"}, headers={"X-Forwarded-Proto": spoken},
            follow_redirects=False,
        )  # fmt: skip
        (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(starts)]
        assert ("secure" in cookie.lower()) == (spoken == "https")


def test_a_refusal_before_it_is_known_who_asks_says_nothing_of_what_is_live(desk: Desk) -> None:
    page = Person(desk, "stranger").get("/no-such-page")
    assert page.status_code == 404
    assert "is live" not in read_words(page.text)


def make_one(desk: Desk) -> str:
    """A link for the officer."""
    link: str = desk._keep_accounts(lambda act: make_link(act, "officer", random=secrets.token_bytes))
    return link
