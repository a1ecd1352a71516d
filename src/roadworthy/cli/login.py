"""`roadworthy login`: sign in to this product's store, for the commands that follow."""

from __future__ import annotations

import sys
from datetime import timedelta
from getpass import getpass
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from roadworthy.cli.acting import Directory, open_product_store, tell_time
from roadworthy.cli.kept_sign_in import KeptSignIn, forget_sign_in, keep_sign_in, read_sign_in
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import NotSignedIn, UsageError
from roadworthy.settings import read_settings

if TYPE_CHECKING:
    from roadworthy.access import SignedIn
    from roadworthy.records import Store

NAME = "login"


def command(
    name: str = "",
    /,
    *,
    link: str | None = None,
    password_stdin: Annotated[bool, Parameter(negative="")] = False,
    end: Annotated[bool, Parameter(negative="")] = False,
    directory: Directory = Path(),
    json: Json = False,
) -> int:
    """Sign in as NAME; commands on this store then act as NAME where ROADWORTHY_KEY is not set.

    The password is asked for, never taken as an option. A new person signs in once with the link from `roadworthy user
    add` or `roadworthy user link`, and sets a password.

    Example: roadworthy login ana, or: roadworthy login ana --link rwl_...

    Parameters
    ----------
    name
        The account.
    link
        A sign-in link, which is spent by it; a password is then set.
    password_stdin
        Read the password from stdin: one line.
    end
        End the sign-in that is kept for this store.
    directory
        The product's directory.
    json
        Print one JSON document.

    """
    settings = read_settings(directory)
    life = timedelta(minutes=settings.session_minutes)
    with open_product_store(settings) as store:
        store_id = store.facts().store_id
        if end:
            return _end(store, store_id, json=json)
        if not name:
            raise UsageError("who signs in?", mend="roadworthy login NAME")
        if link is not None:
            signed = _enter_by_link(store, name, link, life, password_stdin=password_stdin)
        else:
            signed = _enter(store, name, _read_password(name, password_stdin=password_stdin), life)
        keep_sign_in(store_id, KeptSignIn(name, signed.secret))
    roles = sorted(signed.actor.roles)
    if json:
        show_json({"account": name, "roles": roles, "minutes": settings.session_minutes})
        return 0
    say(f"signed in as {name} ({', '.join(roles)}) for {settings.session_minutes} minutes")
    return 0


def _end(store: Store, store_id: str, *, json: bool) -> int:
    from roadworthy.access import end_session

    try:
        kept = read_sign_in(store_id)
    except UsageError:  # it cannot be read, and goes all the same
        kept = None
    if kept is not None:
        session = kept.session
        store.transact(lambda connection: end_session(connection, session))
    forget_sign_in(store_id)
    if json:
        show_json({"account": None if kept is None else kept.account, "ended": kept is not None})
    else:
        say("nobody was signed in" if kept is None else f"{kept.account} is signed out")
    return 0


def _enter(store: Store, name: str, password: str, life: timedelta) -> SignedIn:
    from roadworthy.access import Passwords, sign_in

    return sign_in(store, name, password, passwords=Passwords(), now=tell_time(), life=life, random=token_bytes)


def _enter_by_link(store: Store, name: str, link: str, life: timedelta, *, password_stdin: bool) -> SignedIn:
    """Sign in by link, set a password where one can be asked for, and sign in with that."""
    from roadworthy.access import Act, Passwords, check_strength, end_session, record_in, set_password, sign_in_by_link
    from roadworthy.records import new_id

    password = None
    if password_stdin or sys.stdin.isatty():
        password = _read_password(name, password_stdin=password_stdin, new=True)
        check_strength(password)  # before the link is spent
    recorder = record_in(store.ledger, lambda: new_id(tell_time()))
    signed = sign_in_by_link(store, link, now=tell_time(), life=life, random=token_bytes, recorder=recorder)
    if signed.actor.account != name:
        store.transact(lambda connection: end_session(connection, signed.secret))
        raise NotSignedIn(
            f"this link was not for {name}, and is spent now", mend="ask for a new one: roadworthy user link"
        )
    if password is None:
        return signed
    hashed = Passwords().hash(password, token_bytes)
    store.transact(lambda connection: set_password(Act(connection, signed.actor, tell_time(), recorder), hashed))
    return _enter(store, name, password, life)


def _read_password(name: str, *, password_stdin: bool, new: bool = False) -> str:
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password", mend="--password-stdin")
    if not new:
        return getpass(f"password of {name}: ")
    first = getpass(f"a new password for {name}, 12 signs or more: ")
    if getpass("the same again: ") != first:
        raise UsageError("the two are not the same", mend="try again; the link is not spent yet")
    return first
