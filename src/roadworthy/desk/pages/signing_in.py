"""Coming in and leaving: by name and password, by a link, and out again."""

from __future__ import annotations

from datetime import timedelta

from roadworthy.access import (
    end_session,
    ended_cookie,
    find_account,
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

_SPENT = NotSignedIn(
    "this link was used before, is too old, or is not whole",
    mend="ask whoever made it for a new one, or sign in with your password",
)
"""The one answer to every link that lets nobody in."""


@page("/sign-in", OPEN, "Sign in")
def get_sign_in(visit: Visit) -> Shown:
    """The form; with a link's secret, the button that uses it: programs that look at mail open links too."""
    asked = visit.asked
    return _show(visit, link=asked.get("link", ""), following=asked.get("next", "/"), lost=asked.get("lost", ""))


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
    except NotSignedIn as refused:
        problem = _SPENT if form["link"] else refused
        return _show(visit, problem, following=form["next"], lost=form["lost"], name=form["name"])
    cookie = session_cookie(came.secret, life, secure=visit.secure)
    said = f"Signed in as {came.actor.account}"
    if not _has_password(visit, came.actor.account):
        said += (
            ". The link is used up, and you have no password yet: set one under your name, above on the right, or you "
            "need another link next time"
        )
    if form["lost"]:
        said += ". Fill in the form again: nothing of it was taken"
    return go(_within(form["next"]), said, cookies=(cookie,))


@act("/sign-out", "self.change", "Sign out")
def post_sign_out(visit: Visit) -> Shown:
    """The session ends here and in the store."""
    visit.services.store.transact(lambda connection: end_session(connection, visit.session_secret))
    return go("/sign-in", "Signed out", cookies=(ended_cookie(secure=visit.secure),))


def _show(
    visit: Visit, problem: NotSignedIn | None = None, *, link: str = "", following: str, lost: str, name: str = ""
) -> Shown:
    """The form; `lost`: another form was sent after the session had ended, and none of it was taken."""
    here = _within(following)
    return show(visit, "sign_in.html", problem=problem, link=link, next=here, lost=bool(lost), name=name)


def _has_password(visit: Visit, name: str) -> bool:
    with visit.services.store.reading() as connection:
        account = find_account(connection, name)
    return account is not None and account.has_password


def _within(path: str) -> str:
    """A path of this site, written as an address; the first page for anything else.

    >>> _within("/search?name=x"), _within("//elsewhere.example"), _within("https://elsewhere.example")
    ('/search?name=x', '/', '/')
    """
    plain = path.isascii() and path.isprintable()
    return path if plain and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


HANDLERS = (get_sign_in, post_sign_in, post_sign_out)
