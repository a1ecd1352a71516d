"""On whose authority a job works: whoever asked for it, with the rights they had then and still have now."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from roadworthy.access import Actor, Branches, find_account
from roadworthy.errors import NotAllowed

__all__ = ["read_standing", "stands_now", "write_standing"]


def write_standing(actor: Actor) -> str:
    """The actor as text."""
    return json.dumps(
        {
            "account": actor.account,
            "authority": actor.authority,
            "branches": actor.branches.spell(),
            "credential": actor.credential,
            "roles": sorted(actor.roles),
        }
    )


def read_standing(text: str) -> Actor:
    """The inverse of `write_standing`.

    >>> ana = Actor(account="ana", credential="key:1", roles=frozenset({"analyst"}), branches=Branches.of("north"))
    >>> read_standing(write_standing(ana)) == ana
    True
    """
    found = json.loads(text)
    return Actor(
        account=found["account"],
        credential=found["credential"],
        roles=frozenset(found["roles"]),
        branches=Branches.read(found["branches"]),
        authority=found["authority"],
    )


def stands_now(connection: Connection, actor: Actor) -> Actor:
    """The actor with what their account still gives them. NotAllowed once it is switched off.

    Whoever has no account (the console, where the store itself is at hand) stands as they did.
    """
    account = find_account(connection, actor.account)
    if account is None:
        return actor
    if not account.active:
        raise NotAllowed(f"the account of {actor.account}, who asked for this, is switched off")
    return Actor(
        account=actor.account,
        credential=actor.credential,
        roles=actor.roles & account.roles,
        branches=_shared(actor.branches, account.branches),
        authority=min(actor.authority, account.authority),
    )


def _shared(then: Branches, now: Branches) -> Branches:
    if then.every:
        return now
    return then if now.every else Branches(then.names & now.names)
