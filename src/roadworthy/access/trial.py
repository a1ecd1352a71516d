"""Who acts from the command line without a key: whoever sits at the store itself, and in a trial anybody as anybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from roadworthy.access.accounts import find_account, list_accounts
from roadworthy.access.act import Act, Recorder
from roadworthy.access.actor import BREAK_GLASS, CONSOLE, EVERY_BRANCH, Actor
from roadworthy.access.permissions import ROLES
from roadworthy.errors import NotFound, NotSignedIn, Refused
from roadworthy.records import Store

__all__ = ["act_as", "begin_trial", "console_actor"]


def console_actor(connection: Connection, *, trial: bool, break_glass: bool = False) -> Actor:
    """Whoever sits at the store itself, without a key.

    In a trial they have every role. Otherwise they found the house: they are admin as long as no account in use is,
    and after that only by breaking the glass, for a reason that stands in the record (`Act.reason`). They could change
    the store anyway; this way it is on the record. NotSignedIn where they are nobody.
    """
    if trial:
        return Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset(ROLES), branches=EVERY_BRANCH)
    founded = any(account.active and "admin" in account.roles for account in list_accounts(connection))
    if founded and not break_glass:
        raise NotSignedIn(
            "this store has an admin, so nobody acts without a key", mend="set ROADWORTHY_KEY, or `roadworthy login`"
        )
    return Actor(account=CONSOLE, credential=BREAK_GLASS if founded else CONSOLE, roles=frozenset({"admin"}))


def act_as(connection: Connection, name: str, *, trial: bool) -> Actor:
    """The account `name`, without any credential of its own (`--as NAME`): in a trial only.

    The credential stays the console's, so two people whom one person plays can be told from two people.
    """
    if not trial:
        raise Refused("--as works only in a trial", mend="act with that person's own key (ROADWORTHY_KEY)")
    account = find_account(connection, name)
    if account is None or not account.active:
        raise NotFound(
            f"there is no account {name!r} in use",
            available=[known.name for known in list_accounts(connection) if known.active],
            mend="`roadworthy user add`",
        )
    return account.actor(CONSOLE)


def begin_trial(store: Store, *, now: datetime, recorder: Recorder) -> None:
    """Make an empty store a trial, for good: one person may author and approve in it, and it never becomes live.

    Whoever sits at the store itself does it: an empty store has nobody else. Refused where anything is recorded, an
    account counting as something: what two people decided and what one tried do not share a store.
    """
    if store.facts().trial:
        raise Refused("this is a trial already")
    if store.ledger.heads():
        raise Refused("the store is not empty", mend="start a trial in an empty store")
    store.declare_trial()
    store.transact(
        lambda connection: Act(connection, Actor(account=CONSOLE, credential=CONSOLE), now, recorder).record(
            "trial_begun", "store"
        )
    )
