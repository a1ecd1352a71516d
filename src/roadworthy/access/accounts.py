"""Accounts: a name for ever, with roles, branches, authority, and a switch. Every change is recorded."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from roadworthy.access.act import Act
from roadworthy.access.actor import CONSOLE, NO_BRANCH, Actor, Branches
from roadworthy.access.ending import end_credentials
from roadworthy.access.permissions import ROLES, demand
from roadworthy.access.schema import accounts
from roadworthy.access.secret import refuse_entry
from roadworthy.errors import NotAllowed, NotFound, Refused, UsageError
from roadworthy.records import metadata, moment

__all__ = [
    "Account",
    "add_account",
    "authorise",
    "change_account",
    "check_roles",
    "find_account",
    "is_name",
    "list_accounts",
    "read_account",
    "read_roles",
    "take_account",
    "write_roles",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody, or some program, that may be let in.

    roles, branches and authority as in `Actor`; `active`: the switch; `has_password`: whether one was set.
    """

    name: str
    roles: frozenset[str]
    branches: Branches
    authority: float
    active: bool
    has_password: bool
    made_at: datetime

    def actor(self, credential: str, roles: frozenset[str] | None = None) -> Actor:
        """Whoever was let in by `credential`, with those of the account's roles that it gives; None is all."""
        return Actor(
            account=self.name,
            credential=credential,
            roles=self.roles if roles is None else self.roles & roles,
            branches=self.branches,
            authority=self.authority,
        )


def add_account(
    act: Act, name: str, *, roles: Collection[str], branches: Branches = NO_BRANCH, authority: float = 0.0
) -> Account:
    """A new account that nothing opens yet: give it a key, a password or a link.

    NotAllowed unless the act's author keeps accounts; Refused where the name is taken, also by an account that is
    switched off; UsageError for a name, role, branch or authority that is none.
    """
    authorise(act, "account.change")
    account = Account(
        name=_check_name(name),
        roles=check_roles(roles),
        branches=branches,
        authority=_check_authority(authority),
        active=True,
        has_password=False,
        made_at=act.now,
    )
    if find_account(act.connection, name) is not None:
        raise Refused(f"there is an account {name} already", mend="names are for ever; take another")
    act.connection.execute(insert(accounts).values(name=name, made_us=act.now_us, **_columns(account)))
    act.record("account_added", f"account:{name}", **_facts(account))
    return account


def change_account(
    act: Act,
    name: str,
    *,
    roles: Collection[str] | None = None,
    branches: Branches | None = None,
    authority: float | None = None,
    active: bool | None = None,
) -> Account:
    """Change what is given of an account that is somebody else's; None leaves it.

    Roles, branches and authority count from the next request, also for those signed in. Switching off ends sessions
    and links and revokes keys. Nobody changes their own account, and the last admin stays: NotAllowed, Refused.
    """
    authorise(act, "account.change")
    if name == act.by.account:
        raise NotAllowed("nobody changes their own account", mend="ask another admin")
    known = {account.name: account for account in list_accounts(act.connection)}
    before = known.get(name)
    if before is None:
        raise _unknown(name, known)
    after = replace(
        before,
        roles=before.roles if roles is None else check_roles(roles),
        branches=before.branches if branches is None else branches,
        authority=before.authority if authority is None else _check_authority(authority),
        active=before.active if active is None else active,
    )
    if after == before:
        return before
    if _is_admin(before) and not any(_is_admin(other) for other in (known | {name: after}).values()):
        raise Refused(f"{name} is the last admin", mend="make somebody else admin first")
    act.connection.execute(update(accounts).where(accounts.c.name == name).values(**_columns(after)))
    if before.active and not after.active:
        end_credentials(act, name)
    was, became = _facts(before), _facts(after)
    changed = [fact for fact in became if was[fact] != became[fact]]
    act.record(
        "account_changed",
        f"account:{name}",
        before={fact: was[fact] for fact in changed},
        after={fact: became[fact] for fact in changed},
    )
    return after


def find_account(connection: Connection, name: str) -> Account | None:
    """The account of that name."""
    if not is_name(name):
        return None
    row = connection.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    return None if row is None else read_account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """Every account, by name."""
    return [read_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]


def authorise(act: Act, permission: str) -> None:
    """Nothing if whoever acts still may, now, inside the transaction; else NotSignedIn or NotAllowed.

    Until the act is over nobody else changes access, so what was looked up stays so.
    """
    one_at_a_time = metadata.tables["store"].select().with_for_update(key_share=True)
    act.connection.execute(one_at_a_time).one()
    actor = act.by
    if actor.account != CONSOLE:
        account = find_account(act.connection, actor.account)
        if account is None or not account.active:
            raise refuse_entry()
        actor = replace(actor, roles=actor.roles & account.roles)
    demand(actor, permission)


def take_account(act: Act, name: str) -> Account:
    """The account of that name; NotFound where there is none in use."""
    account = find_account(act.connection, name)
    if account is None or not account.active:
        raise _unknown(name, [known.name for known in list_accounts(act.connection) if known.active])
    return account


def is_name(name: str) -> bool:
    """Whether an account could have this name."""
    return _NAME.fullmatch(name) is not None


def read_account(row: Row[Any]) -> Account:
    """An account from its row."""
    return Account(
        name=row.name,
        roles=read_roles(row.roles),
        branches=Branches.read(msgspec.json.decode(row.branches)),
        authority=row.authority,
        active=row.active,
        has_password=row.password is not None,
        made_at=moment(row.made_us),
    )


def write_roles(roles: Collection[str]) -> str:
    """Roles as the store keeps them."""
    return msgspec.json.encode(sorted(roles)).decode()


def read_roles(text: str) -> frozenset[str]:
    """The inverse of `write_roles`."""
    return frozenset(msgspec.json.decode(text, type=list[str]))


def check_roles(roles: Collection[str]) -> frozenset[str]:
    """The roles, which exist; UsageError names the one that does not, and the nearest that does."""
    if not roles:
        raise UsageError("no role is given", available=ROLES, mend="give one role or more")
    for role in roles:
        if role not in ROLES:
            near = get_close_matches(role, ROLES, n=1)
            mend = f"did you mean {near[0]!r}?" if near else None
            raise UsageError(f"there is no role {role!r}", available=ROLES, mend=mend)
    return frozenset(roles)


def _columns(account: Account) -> dict[str, Any]:
    return {
        "roles": write_roles(account.roles),
        "branches": msgspec.json.encode(account.branches.spell()).decode(),
        "authority": account.authority,
        "active": account.active,
    }


def _facts(account: Account) -> dict[str, Any]:
    """What a record says of an account."""
    return {
        "roles": sorted(account.roles),
        "branches": account.branches.spell(),
        "authority": account.authority,
        "active": account.active,
    }


def _is_admin(account: Account) -> bool:
    return account.active and "admin" in account.roles


def _unknown(name: str, known: Collection[str]) -> NotFound:
    near = get_close_matches(name, known, n=1)
    return NotFound(
        f"there is no account {name!r} in use",
        available=sorted(known),
        mend=near[0] if near else "`roadworthy user add`",
    )


def _check_name(name: str) -> str:
    if not is_name(name):
        raise UsageError(
            f"{name!r} is no name of an account",
            mend="1 to 64 small letters, digits and . _ @ + -, a letter or digit first",
        )
    if name == CONSOLE:
        raise UsageError(f"{CONSOLE} is whoever sits at the store itself", mend="take another name")
    return name


def _check_authority(authority: float) -> float:
    if not math.isfinite(authority) or authority < 0:
        raise UsageError(
            f"an authority of {authority} is no amount", mend="an amount in the product's currency, 0 for none"
        )
    return float(authority)
