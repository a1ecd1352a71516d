"""Sessions: a random secret in a cookie, kept as a hash, new at every sign-in, ended by time or by leaving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from roadworthy.access.accounts import read_account
from roadworthy.access.actor import Actor
from roadworthy.access.schema import accounts, sessions
from roadworthy.access.secret import RandomBytes, digest_secret, make_secret, refuse_entry, same_digest
from roadworthy.records import to_us

__all__ = ["Cookie", "actor_by_session", "end_session", "ended_cookie", "session_cookie", "start_session"]


@dataclass(frozen=True)
class Cookie:
    """A cookie with every attribute that it must be set with."""

    name: str
    value: str
    max_age: int
    secure: bool
    http_only: bool = True
    same_site: str = "lax"
    path: str = "/"

    def header(self) -> str:
        """The value of `Set-Cookie`.

        >>> Cookie("roadworthy", "x", 60, secure=True).header()
        'roadworthy=x; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure'
        """
        flags = ["HttpOnly"] * self.http_only + [f"SameSite={self.same_site.title()}"] + ["Secure"] * self.secure
        return "; ".join([f"{self.name}={self.value}", f"Max-Age={self.max_age}", f"Path={self.path}", *flags])

    def __repr__(self) -> str:
        return f"Cookie(name={self.name!r}, max_age={self.max_age})"


def session_cookie(secret: str, life: timedelta, *, secure: bool) -> Cookie:
    """The cookie that carries a session: out of reach of scripts and of other sites' forms.

    `secure` is False only where the page itself came over plain HTTP from this machine. Over TLS the prefix of the name
    keeps other hosts of the domain from setting it. Lax, not Strict: a link in a mail should find its reader signed in.
    """
    return Cookie("__Host-roadworthy" if secure else "roadworthy", secret, int(life.total_seconds()), secure)


def ended_cookie(*, secure: bool) -> Cookie:
    """The cookie that makes a browser forget the session."""
    return session_cookie("", timedelta(), secure=secure)


def start_session(
    connection: Connection,
    account: str,
    credential: str,
    *,
    now: datetime,
    life: timedelta,
    random: RandomBytes,
    previous: str | None = None,
) -> str:
    """The secret of a new session of an account that was let in by `credential`; the browser's `previous` one ends.

    Sessions of this account whose time is over are swept away.
    """
    secret = make_secret("rws", random)
    mine = sessions.c.account == account
    connection.execute(delete(sessions).where(mine, sessions.c.expires_us <= to_us(now)))
    if previous is not None:
        end_session(connection, previous)
    connection.execute(
        insert(sessions).values(
            digest=digest_secret(secret),
            account=account,
            credential=credential,
            started_us=to_us(now),
            expires_us=to_us(now + life),
        )
    )
    return secret


def end_session(connection: Connection, secret: str) -> None:
    """The session ends; nothing where there is none."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest_secret(secret)))


def actor_by_session(connection: Connection, secret: str, now: datetime) -> Actor:
    """Who comes with this session. NotSignedIn, always in the same words, where it lets nobody in."""
    digest = digest_secret(secret)
    wanted = select(sessions.c.digest, sessions.c.credential, sessions.c.expires_us, accounts).join_from(
        sessions, accounts
    )
    row = connection.execute(wanted.where(sessions.c.digest == digest)).one_or_none()
    if row is None or not same_digest(row.digest, digest) or not row.active or to_us(now) >= row.expires_us:
        raise refuse_entry()
    return read_account(row).actor(row.credential)
