"""A request of somebody at a page, as the desk's handlers see it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote

from litestar import Request

from roadworthy.access import Actor, Deed, may
from roadworthy.door import Admitted, Problem, ProblemError, Sent, Services, admitted_of, read_fields
from roadworthy.lifecycle import ReleaseView, TableVersionView, list_releases, list_table_versions, list_tables
from roadworthy.live import Taken
from roadworthy.product import Product

__all__ = ["SAID", "SESSION_COOKIES", "Form", "Visit", "make_token", "read_cookies"]

SESSION_COOKIES = ("__Host-roadworthy", "roadworthy")
"""The session's cookie over TLS, and over plain HTTP on this machine."""
SAID = "roadworthy-said"
"""The cookie that carries what an act came to over to the next page."""


@dataclass(frozen=True)
class Form:
    """What was sent with a form. A field that was not sent is empty."""

    fields: Sequence[tuple[str, str]]
    files: dict[str, Sent]

    def __getitem__(self, name: str) -> str:
        return next((value.strip() for field, value in self.fields if field == name), "")

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)

    def list(self, name: str) -> list[str]:
        """Every value sent under this name."""
        return [value for field, value in self.fields if field == name]

    def file(self, name: str) -> Sent | None:
        """The file sent under this name; None where nobody chose one."""
        sent = self.files.get(name)
        return sent if sent is not None and sent.data else None

    def values(self) -> dict[str, str]:
        """Every field by name, to fill the form in again."""
        return {field: value for field, value in reversed(self.fields) if field != "token"}


class Visit(Request[Any, Any, Any]):
    """One request that was let in."""

    @property
    def services(self) -> Services:
        """What the door works with."""
        services: Services = self.app.state["services"]
        return services

    @property
    def admitted(self) -> Admitted:
        """Who it is, and what they sent."""
        return admitted_of(self.scope)

    @property
    def by(self) -> Actor:
        """Who it is; NotSignedIn on an open page where nobody is."""
        return self.admitted.by

    def may(self, permission: str) -> bool:
        """Whether they may do this somewhere."""
        return may(self.admitted.actor, permission)

    def deed(self) -> Deed:
        """Their deed, at the moment they came in."""
        return self.services.deed(self.by, self.admitted.at)

    def named(self, name: str) -> str:
        """A step of the path."""
        return str(self.path_params[name])

    @cached_property
    def asked(self) -> dict[str, str]:
        """The parameters of the URL; the last of each name."""
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    @cached_property
    def sent(self) -> Form:
        """The form that was sent, which carries the token of this very session; ProblemError 403 where it does not."""
        content_type = self.admitted.headers.get(b"content-type", b"").decode("latin-1")
        form = Form(*read_fields(self.admitted.body, content_type))
        if self.admitted.actor is not None and not hmac.compare_digest(form["token"].encode(), self.token.encode()):
            raise ProblemError(
                Problem.of("form", "The form is of another sign-in", 403, mend="open the page anew and send it again")
            )
        return form

    @cached_property
    def cookies_sent(self) -> dict[str, str]:
        """The cookies that came."""
        return read_cookies(self.admitted.headers)

    @property
    def session_secret(self) -> str:
        """The secret of the session; empty where there is none."""
        return next((self.cookies_sent[name] for name in SESSION_COOKIES if name in self.cookies_sent), "")

    @property
    def token(self) -> str:
        """What every form of this session carries, so that no other site can send one."""
        return make_token(self.session_secret)

    @property
    def said(self) -> str:
        """What the act before came to, once."""
        return unquote(self.cookies_sent.get(SAID, ""))[:500]

    @property
    def secure(self) -> bool:
        """Whether the page came over TLS: to here, or to the proxy before.

        Whoever says so falsely gets a cookie that their own browser keeps for TLS, and nothing else.
        """
        before = self.admitted.headers.get(b"x-forwarded-proto", b"").strip().lower()
        return self.scope["scheme"] == "https" or before == b"https"

    @cached_property
    def taken(self) -> Taken:
        """What is live now."""
        return self.services.current.refresh()

    @property
    def product(self) -> Product | None:
        """The product of what is live; None where nothing is."""
        champion = self.taken.champion
        return None if champion is None else champion.product

    @property
    def time_zone(self) -> str:
        """The zone in which days begin and moments are written: the product's, else UTC."""
        return "UTC" if self.product is None else self.product.time_zone

    @cached_property
    def releases(self) -> list[ReleaseView]:
        """Every release, read once for a page."""
        return list_releases(self.services.store)

    @cached_property
    def table_versions(self) -> list[TableVersionView]:
        """Every version of every table, read once for a page."""
        store = self.services.store
        return [version for name in list_tables(store) for version in list_table_versions(store, name)]


def make_token(session: str) -> str:
    """The token of a session's forms: it says nothing of the session's secret."""
    return hmac.digest(session.encode(), b"form", "sha256").hex()


def read_cookies(headers: dict[bytes, bytes]) -> dict[str, str]:
    """The cookies of a request; none where they cannot be read.

    >>> read_cookies({b"cookie": b"roadworthy=rws_x; other=1"})["roadworthy"]
    'rws_x'
    """
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
