"""Signing in, by password or by link: what is wrong is never said, guessing is slowed, the session is always new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, text, update

from roadworthy.access.accounts import authorise, is_name, read_account, take_account
from roadworthy.access.act import Act, Recorder
from roadworthy.access.actor import Actor
from roadworthy.access.ending import end_sessions
from roadworthy.access.links import spend_link
from roadworthy.access.passwords import Passwords
from roadworthy.access.schema import accounts, sign_in_tries
from roadworthy.access.secret import RandomBytes, digest_secret
from roadworthy.access.sessions import start_session
from roadworthy.errors import NotAllowed, NotSignedIn
from roadworthy.records import Store, to_us

__all__ = ["TRIES", "TRY_WINDOW", "SignedIn", "set_password", "sign_in", "sign_in_by_link", "sign_out_everywhere"]

TRIES = 10
TRY_WINDOW = timedelta(minutes=15)
"""A name can be tried so many times in so long, whether an account has it or not."""

# The same text for both stores. The window begins with the first try and is as long for every name.
_COUNT_TRY = text("""
    INSERT INTO sign_in_tries (name_digest, since_us, tries) VALUES (:name_digest, :now, 1)
    ON CONFLICT (name_digest) DO UPDATE SET
        tries = CASE WHEN sign_in_tries.since_us <= :old THEN 1 ELSE sign_in_tries.tries + 1 END,
        since_us = CASE WHEN sign_in_tries.since_us <= :old THEN :now ELSE sign_in_tries.since_us END
    RETURNING tries
""")


@dataclass(frozen=True)
class SignedIn:
    """Who signed in, and the secret of their session for the cookie; it is not in the representation."""

    actor: Actor
    secret: str

    def __repr__(self) -> str:
        return f"SignedIn(actor={self.actor!r})"


def sign_in(
    store: Store,
    name: str,
    password: str,
    *,
    passwords: Passwords,
    now: datetime,
    life: timedelta,
    random: RandomBytes,
    previous: str | None = None,
) -> SignedIn:
    """Sign in with name and password; the browser's `previous` session ends.

    NotSignedIn, always in the same words, and after the same work for every name: it is unknown or switched off, it has
    no password, the password is wrong, or the name was tried too often. Takes tens of milliseconds of CPU on purpose:
    not on an event loop.
    """
    name = name.strip().lower()
    name_digest = digest_secret(name)
    tries, kept = store.transact(lambda connection: _count_try(connection, name, name_digest, now))
    # Outside of any transaction: the check is slow, and a writer would wait for it.
    if tries > TRIES or not passwords.check(kept, password) or kept is None:
        raise _refuse()
    renewed = passwords.renew(kept, password, random)

    def enter(connection: Connection) -> SignedIn:
        still = (accounts.c.name == name) & accounts.c.active & (accounts.c.password == kept)
        row = connection.execute(select(accounts).where(still).with_for_update()).one_or_none()
        if row is None:
            raise _refuse()
        connection.execute(delete(sign_in_tries).where(sign_in_tries.c.name_digest == name_digest))
        connection.execute(update(accounts).where(accounts.c.name == name).values(password=renewed))
        credential = f"password:{name}"
        secret = start_session(connection, name, credential, now=now, life=life, random=random, previous=previous)
        return SignedIn(read_account(row).actor(credential), secret)

    return store.transact(enter)


def sign_in_by_link(
    store: Store,
    link: str,
    *,
    now: datetime,
    life: timedelta,
    random: RandomBytes,
    recorder: Recorder,
    previous: str | None = None,
) -> SignedIn:
    """Sign in with a link, which is spent by it, on the record; the browser's `previous` session ends.

    NotSignedIn where the link lets nobody in, or no more. Call it for a form that was sent, not for a page that was
    opened: programs that look at mail open links too.
    """

    def enter(connection: Connection) -> SignedIn:
        account, credential = spend_link(connection, link, now)
        secret = start_session(
            connection, account.name, credential, now=now, life=life, random=random, previous=previous
        )
        actor = account.actor(credential)
        Act(connection, actor, now, recorder).record("link_used", f"account:{account.name}")
        return SignedIn(actor, secret)

    return store.transact(enter)


def set_password(act: Act, hashed: str) -> None:
    """One's own password becomes the one that `hashed` (by `Passwords.hash`) was made from; one's sessions end.

    NotAllowed for who came by a key: it may have some of the account's roles, a password has them all.
    """
    authorise(act, "self.change")
    if act.by.came_by_key:
        raise NotAllowed("a key sets no password", mend="sign in by password or link")
    account = take_account(act, act.by.account)
    act.connection.execute(update(accounts).where(accounts.c.name == account.name).values(password=hashed))
    end_sessions(act, account.name)
    act.record("password_set", f"account:{account.name}")


def sign_out_everywhere(act: Act, account: str) -> None:
    """End every session of an account and spend its links: one's own, or anybody's for who keeps accounts."""
    authorise(act, "self.change" if account == act.by.account else "account.change")
    end_sessions(act, take_account(act, account).name)
    act.record("sessions_ended", f"account:{account}")


def _count_try(connection: Connection, name: str, name_digest: str, now: datetime) -> tuple[int, str | None]:
    """How often the name was tried within the window, this try among them; and the hash of its password, if any."""
    now_us, old = to_us(now), to_us(now - TRY_WINDOW)
    connection.execute(delete(sign_in_tries).where(sign_in_tries.c.since_us <= old))
    tries = connection.execute(_COUNT_TRY, {"name_digest": name_digest, "now": now_us, "old": old}).scalar_one()
    in_use = select(accounts.c.password).where(accounts.c.name == name, accounts.c.active)
    kept = connection.execute(in_use).scalar_one_or_none() if is_name(name) else None
    return tries, kept


def _refuse() -> NotSignedIn:
    return NotSignedIn(
        f"name and password do not go together, or this name was tried more than {TRIES} times",
        mend=f"try again; after {TRIES} tries wait {TRY_WINDOW.seconds // 60} minutes",
    )
