"""Links to sign in with: one use, a short life. They let a new person in, and the demo's visitors."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from roadworthy.access.accounts import Account, authorise, read_account, take_account
from roadworthy.access.act import Act
from roadworthy.access.schema import accounts, sign_in_links
from roadworthy.access.secret import RandomBytes, digest_secret, make_secret, name_secret, refuse_entry
from roadworthy.errors import UsageError
from roadworthy.records import to_us

__all__ = ["LINK_LIFE", "LONGEST_LINK_LIFE", "make_link", "spend_link"]

LINK_LIFE = timedelta(minutes=15)
"""How long a link waits to be used where nobody says otherwise."""
LONGEST_LINK_LIFE = timedelta(days=3)


def make_link(act: Act, account: str, *, random: RandomBytes, life: timedelta = LINK_LIFE) -> str:
    """The secret of a link that signs `account` in once, within `life` (3 days at most).

    For whoever keeps accounts. Whoever makes a link could use it first: then its owner finds it spent, and the record
    says who made it. NotAllowed, or UsageError where there is no such account in use.
    """
    authorise(act, "account.change")
    owner = take_account(act, account)
    if not timedelta() < life <= LONGEST_LINK_LIFE:
        raise UsageError(f"a link lasts up to {LONGEST_LINK_LIFE.days} days, not {life}")
    secret = make_secret("rwl", random)
    digest, expires_at = digest_secret(secret), act.now + life
    act.connection.execute(
        insert(sign_in_links).values(
            digest=digest,
            account=owner.name,
            made_by=act.by.account,
            made_us=act.now_us,
            expires_us=to_us(expires_at),
        )
    )
    act.record("link_made", f"account:{owner.name}", link=name_secret(digest), expires=expires_at)
    return secret


def spend_link(connection: Connection, secret: str, now: datetime) -> tuple[Account, str]:
    """The account that a link lets in, and the credential that this is; the link is spent.

    NotSignedIn, always in the same words, for one that is unknown, spent or too old, or whose account is switched off.
    """
    digest = digest_secret(secret)
    unspent = (sign_in_links.c.digest == digest) & sign_in_links.c.used_us.is_(None)
    fresh = sign_in_links.c.expires_us > to_us(now)
    # One statement, so that of two who come at once only one finds it unspent.
    spent = update(sign_in_links).where(unspent, fresh).values(used_us=to_us(now)).returning(sign_in_links.c.account)
    name = connection.execute(spent).scalar_one_or_none()
    in_use = select(accounts).where(accounts.c.name == name, accounts.c.active).with_for_update()
    row = connection.execute(in_use).one_or_none()
    if row is None:
        raise refuse_entry()
    return read_account(row), f"link:{name_secret(digest)}"
