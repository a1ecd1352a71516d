"""Coming in at the people's door, and what every form is checked for."""

from __future__ import annotations

from tests.desk.conftest import Desk, read_words


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
