"""Who acts: how a command opens the product's store, and by which credential.

In this order: `--as NAME` (in a trial only), the key in ROADWORTHY_KEY, the sign-in that `roadworthy login` kept for
this store, and else whoever sits at the store itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import uuid4

from cyclopts import Parameter

from roadworthy.cli.kept_sign_in import read_sign_in
from roadworthy.errors import NotAllowed, NotSignedIn, Refused, StoreError
from roadworthy.settings import Settings, read_settings

if TYPE_CHECKING:
    from roadworthy.access import Act, Actor, Deed
    from roadworthy.live import CurrentRoute
    from roadworthy.records import Store

__all__ = [
    "As",
    "BreakGlass",
    "Directory",
    "acting",
    "begin_store",
    "change_access",
    "open_product_store",
    "take_route",
    "tell_time",
]

Directory = Annotated[Path, Parameter(name=["--directory", "-C"], help="The product's directory.")]
As = Annotated[
    str | None, Parameter(name="--as", help="Act as this account, without a credential of its own: in a trial only.")
]
BreakGlass = Annotated[
    str | None,
    Parameter(
        name="--break-glass",
        help="Act from the store's own machine although there is an admin, and why: the reason is kept.",
    ),
]
T = TypeVar("T")


def take_route(deed: Deed, directory: Path) -> CurrentRoute:
    """The route of the deed's store, whose models may hold the types that this deployment trusts."""
    from roadworthy.live import CurrentRoute

    return CurrentRoute(deed.store, trusted_types=read_settings(directory).trusted)


def tell_time() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@contextmanager
def acting(
    directory: Path, *, as_name: str | None = None, begin: bool = False, break_glass: str | None = None
) -> Iterator[Deed]:
    """A deed on the store of the product in `directory`, which is closed afterwards.

    `begin` makes the store where there is none; `break_glass` is the reason for which the console acts although there
    is an admin. What the console may not do is refused with the way to somebody who may.
    """
    from roadworthy.access import Deed
    from roadworthy.records import new_id

    settings = read_settings(directory)
    with begin_store(directory, settings) if begin else open_product_store(settings) as store:
        actor = _find_actor(store, settings, as_name, break_glass)
        try:
            yield Deed(store, actor, tell_time(), lambda: new_id(tell_time()))
        except NotAllowed as error:
            raise _say_who_may(error, actor) from None


def change_access(deed: Deed, work: Callable[[Act], T], *, reason: str | None = None) -> T:
    """Run `work` with an act that changes who may do what, in one transaction with its record."""
    from roadworthy.access import Act, record_in

    recorder = record_in(deed.store.ledger, deed.new_id)
    return deed.store.transact(
        lambda connection: work(Act(connection, deed.by, deed.now, recorder, reason=reason or ""))
    )


def open_product_store(settings: Settings) -> Store:
    """The store as it is. StoreError says how one is begun where there is none."""
    from roadworthy.erasure import open_kept_store

    try:
        return open_kept_store(settings, now=tell_time())
    except StoreError as error:
        if error.mend == "create it first":
            error.mend = (
                "`roadworthy trial on` to try everything alone, or `roadworthy user add` for real use, begins one"
            )
        raise


def begin_store(directory: Path, settings: Settings) -> Store:
    """The store, which is made where there is none yet."""
    from roadworthy.erasure import create_kept_store, open_kept_store

    try:
        return open_kept_store(settings, now=tell_time())
    except StoreError:
        _refuse_stray_store(directory, settings)
        try:
            return create_kept_store(settings, store_id=str(uuid4()), now=tell_time())
        except Refused:  # there is one: what is wrong with it, or nothing where another command has just made it
            return open_kept_store(settings, now=tell_time())


def _refuse_stray_store(directory: Path, settings: Settings) -> None:
    """UsageError where the store would be made by default in a folder that is no product's."""
    if settings.store == read_settings(directory, {}).store and not (directory / "roadworthy.toml").is_file():
        from roadworthy.pipeline import open_workspace

        open_workspace(directory)


def _find_actor(store: Store, settings: Settings, as_name: str | None, break_glass: str | None) -> Actor:
    from roadworthy.access import act_as, actor_by_key, actor_by_session, console_actor

    facts = store.facts()
    with store.reading() as connection:
        if as_name is not None:
            return act_as(connection, as_name, trial=facts.trial)
        if break_glass is not None:
            return console_actor(connection, trial=facts.trial, break_glass=True)
        if settings.key is not None:
            return actor_by_key(connection, settings.key, tell_time())
        kept = read_sign_in(facts.store_id)
        if kept is None:
            return console_actor(connection, trial=facts.trial)
        try:
            return actor_by_session(connection, kept.session, tell_time())
        except NotSignedIn:
            raise NotSignedIn(
                f"the sign-in of {kept.account} is over",
                mend=f"`roadworthy login {kept.account}`, or `roadworthy login --end` to act without it",
            ) from None


def _say_who_may(error: NotAllowed, actor: Actor) -> NotAllowed:
    """The refusal, with a mend where nobody signed in: an account that may, and its key."""
    from roadworthy.access import CONSOLE

    if actor.account != CONSOLE or not error.available:
        return error
    role = error.available[0].removeprefix("role ")
    return NotAllowed(
        error.message,
        where=error.where,
        available=error.available,
        mend=f"`roadworthy user add NAME --role {role}`, then their key (ROADWORTHY_KEY), or `roadworthy login NAME`",
    )
