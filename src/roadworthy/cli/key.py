"""`roadworthy key`: API keys, each shown once."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from roadworthy.cli.acting import As, BreakGlass, Directory, acting, change_access, tell_time
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.access import Act, Key, NewKey

NAME = "key"
command = App(
    help="API keys: shown once, kept as a hash, with some of their account's roles.\n\n"
    "Example: roadworthy key add webshop --role service",
    version_flags=[],
)

_DAYS = 365


@command.command
def add(
    account: str,
    /,
    *,
    role: Annotated[list[str] | None, Parameter(name="--role", negative="")] = None,
    branch: Annotated[list[str] | None, Parameter(name="--branch", negative="")] = None,
    days: int = _DAYS,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Make a key of ACCOUNT and print it, alone, on stdout: it is shown now and never again.

    Where there is no such account, `--role service` makes one: a program, which sees every branch unless told
    otherwise.

    Example: KEY=$(roadworthy key add webshop --role service)

    Parameters
    ----------
    account
        Whose key it is.
    role
        A role out of the account's; give it several times for several. All of them by default.
    branch
        For a program that is new: a branch whose records it sees, several times for several.
    days
        How long it lasts; 365 at most.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine makes a key although there is an admin; kept on the record.
    json
        Print one JSON document, with the key.

    """
    from roadworthy.access import EVERY_BRANCH, Branches, add_account, add_key, find_account

    made = False

    def work(act: Act) -> NewKey:
        nonlocal made
        absent = find_account(act.connection, account) is None
        made = absent and role == ["service"]
        if absent and not made:
            raise UsageError(
                f"there is no account {account!r}",
                where=f"--role {' '.join(role)}" if role else None,
                mend=f"for a program: roadworthy key add {account} --role service; for a person: "
                f"roadworthy user add {account} --role ROLE",
            )
        if made:
            branches = EVERY_BRANCH if branch is None else Branches.read(branch)
            add_account(act, account, roles=role or (), branches=branches)
        elif branch is not None:
            raise UsageError(
                "branches are the account's, and it is there already",
                where="--branch",
                mend=f"roadworthy user change {account} --branch {branch[0]}",
            )
        return add_key(act, account, random=token_bytes, roles=role, life=timedelta(days=days))

    with acting(directory, as_name=as_, begin=True, break_glass=break_glass) as deed:
        new = change_access(deed, work, reason=break_glass)
    if made:
        _tell(f"added the program {account}: service")
    return _show_new(new, json=json)


@command.command(name="list")
def show(
    account: str | None = None,
    /,
    *,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """List keys by their ids: of everybody, or of ACCOUNT. Who keeps no accounts sees their own.

    Example: roadworthy key list webshop

    Parameters
    ----------
    account
        Whose keys; everybody's by default.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine asks although there is an admin.
    json
        Print one JSON document.

    """
    from roadworthy.access import list_keys, may

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        if account is None and not may(deed.by, "account.read"):
            account = deed.by.account
        deed.demand("self.change" if account == deed.by.account else "account.read")
        with deed.store.reading() as connection:
            keys = list_keys(connection, account)
    now = tell_time()
    if json:
        show_json({"keys": [_describe(key, now) for key in keys]})
        return 0
    for key in keys:
        say(f"{key.key_id}  {key.account:<20} {', '.join(sorted(key.roles)):<24} {_say_state(key, now)}")
    if not keys:
        say("no key yet: roadworthy key add ACCOUNT")
    return 0


@command.command
def rotate(
    key_id: str,
    /,
    *,
    overlap_hours: float = 0.0,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Make a key in the place of KEY-ID and print it, alone, on stdout.

    Example: KEY=$(roadworthy key rotate 3f9c21b07a44 --overlap-hours 24)

    Parameters
    ----------
    key_id
        The key's id, as `roadworthy key list` shows it.
    overlap_hours
        How long the old key opens beside the new one.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine does it although there is an admin; kept on the record.
    json
        Print one JSON document, with the key.

    """
    from roadworthy.access import rotate_key

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        new = change_access(
            deed,
            lambda act: rotate_key(act, key_id, random=token_bytes, overlap=timedelta(hours=overlap_hours)),
            reason=break_glass,
        )
    return _show_new(new, json=json)


@command.command
def revoke(
    key_id: str,
    /,
    *,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Let a key open nothing any more, within a second.

    Example: roadworthy key revoke 3f9c21b07a44

    Parameters
    ----------
    key_id
        The key's id, as `roadworthy key list` shows it.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine does it although there is an admin; kept on the record.
    json
        Print one JSON document.

    """
    from roadworthy.access import revoke_key

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        change_access(deed, lambda act: revoke_key(act, key_id), reason=break_glass)
    if json:
        show_json({"key_id": key_id, "state": "revoked"})
        return 0
    say(f"the key {key_id} opens nothing any more")
    return 0


def _show_new(new: NewKey, *, json: bool) -> int:
    """The key on stdout, and what is to be known of it on stderr, so that a script may take the one alone."""
    key = new.key
    if json:
        show_json({**_describe(key, key.made_at), "key": new.secret})
        return 0
    _tell(f"key {key.key_id} of {key.account} ({', '.join(sorted(key.roles))}), until {key.expires_at:%Y-%m-%d}:")
    print(new.secret, flush=True)
    return 0


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _describe(key: Key, now: datetime) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "account": key.account,
        "roles": sorted(key.roles),
        "made_by": key.made_by,
        "made_at": key.made_at,
        "expires_at": key.expires_at,
        "state": "open" if key.opens(now) else "expired" if key.revoked_at is None else "revoked",
    }


def _say_state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return f"{'until' if key.opens(now) else 'expired'} {key.expires_at:%Y-%m-%d}"
