"""Coming in and leaving: by name and password, by a link, and out again."""

from __future__ import annotations

from datetime import timedelta

from roadworthy.access import (
    end_session,
    ended_cookie,
    record_in,
    session_cookie,
    sign_in,
    sign_in_by_link,
)
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.door import OPEN
from roadworthy.errors import NotSignedIn

__all__ = ["HANDLERS"]


@page("/sign-in", OPEN, "Sign in")
def get_sign_in(visit: Visit) -> Shown:
    """The form; with a link's secret, the button that uses it: programs that look at mail open links too."""
    return show(
        visit, "sign_in.html", link=visit.asked.get("link", ""), next=_within(visit.asked.get("next", "/")), name=""
    )


@act("/sign-in", OPEN, "Sign in with name and password, or a link")
def post_sign_in(visit: Visit) -> Shown:
    """A new session, and on to where they wanted to go."""
    services, form = visit.services, visit.sent
    life = timedelta(minutes=services.settings.session_minutes)
    previous = visit.session_secret or None
    try:
        if form["link"]:
            came = sign_in_by_link(
                services.store,
                form["link"],
                now=visit.admitted.at,
                life=life,
                random=services.random,
                recorder=record_in(services.store.ledger, services.new_id),
                previous=previous,
            )
        else:
            came = sign_in(
                services.store,
                form["name"],
                form["password"],
                passwords=services.passwords,
                now=visit.admitted.at,
                life=life,
                random=services.random,
                previous=previous,
            )
    except NotSignedIn as problem:
        return show(visit, "sign_in.html", problem=problem, link="", next=_within(form["next"]), name=form["name"])
    cookie = session_cookie(came.secret, life, secure=visit.secure)
    return go(_within(form["next"]), f"Signed in as {came.actor.account}", cookies=(cookie,))


@act("/sign-out", "self.change", "Sign out")
def post_sign_out(visit: Visit) -> Shown:
    """The session ends here and in the store."""
    visit.services.store.transact(lambda connection: end_session(connection, visit.session_secret))
    return go("/sign-in", "Signed out", cookies=(ended_cookie(secure=visit.secure),))


def _within(path: str) -> str:
    """A path of this site, written as an address; the first page for anything else.

    >>> _within("/search?name=x"), _within("//elsewhere.example"), _within("https://elsewhere.example")
    ('/search?name=x', '/', '/')
    """
    plain = path.isascii() and path.isprintable()
    return path if plain and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


HANDLERS = (get_sign_in, post_sign_in, post_sign_out)
