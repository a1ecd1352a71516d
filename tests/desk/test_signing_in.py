"""Coming in at the people's door, and what every form is checked for."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from roadworthy.access import make_link
from roadworthy.desk.visit import SAID
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


def test_whoever_sends_a_form_after_their_session_ended_is_told_that_it_was_not_taken_and_comes_back_to_it(
    desk: Desk,
) -> None:
    late = Person(desk, "late", {"roadworthy": "rws_over"})
    page = "http://testserver.local/applications/A-1/final-answer?step=2"
    led = late._ask("POST", "/applications/A-1/final-answer", data={"note": "typed"}, headers={"Referer": page})
    assert led.status_code == 303
    told = late.get(led.headers["Location"])
    words = read_words(told.text)
    assert "Nothing of the form that you sent was taken: your sign-in had ended" in words
    assert "typed" not in led.headers["Location"]
    sent = dict(parse_qsl(urlsplit(led.headers["Location"]).query))
    assert sent["next"] == "/applications/A-1/final-answer?step=2"
    assert all(f'name="{name}" value="{value}"' in told.text for name, value in sent.items())
    again = late._ask("POST", "/sign-in", data={"link": make_one(desk)} | sent)
    assert (again.status_code, again.headers["Location"]) == (303, sent["next"])
    assert "Fill in the form again" in unquote(late.cookies[SAID])


@pytest.mark.parametrize(
    "came_from", ["https://else.example/applications/A-1", "http://testserver.local/sign-in", "", "%%"]
)
def test_whose_form_came_from_nowhere_known_is_led_to_the_page_at_its_own_address(desk: Desk, came_from: str) -> None:
    late = Person(desk, "late")
    for path, page in (("/files", "/files"), ("/files/J-1/cancel", "/"), ("/stop", "/stop")):
        led = late._ask("POST", path, data={}, headers={"Referer": came_from}).headers["Location"]
        assert dict(parse_qsl(urlsplit(led).query)).get("next", "/") == page
    assert late._ask("POST", "/sign-out", data={}).headers["Location"] == "/sign-in", "nothing was typed there"


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
