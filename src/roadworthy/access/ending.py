"""The end of what lets an account in: its keys, sessions and links."""

from __future__ import annotations

from sqlalchemy import delete, update

from roadworthy.access.act import Act
from roadworthy.access.schema import api_keys, sessions, sign_in_links

__all__ = ["end_credentials", "end_sessions"]


def end_credentials(act: Act, account: str) -> None:
    """Revoke the account's keys, end its sessions and spend its links. The caller records why."""
    unrevoked = (api_keys.c.account == account) & api_keys.c.revoked_us.is_(None)
    act.connection.execute(update(api_keys).where(unrevoked).values(revoked_us=act.now_us))
    end_sessions(act, account)


def end_sessions(act: Act, account: str) -> None:
    """End the account's sessions and spend its links: whoever was signed in signs in again."""
    act.connection.execute(delete(sessions).where(sessions.c.account == account))
    unused = (sign_in_links.c.account == account) & sign_in_links.c.used_us.is_(None)
    act.connection.execute(update(sign_in_links).where(unused).values(used_us=act.now_us))
