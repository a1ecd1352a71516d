"""`roadworthy user`: who may do what in this product's store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from roadworthy.cli.acting import As, BreakGlass, Directory, acting, change_access
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.access import Account, Act, Branches

NAME = "user"
command = App(
    help="People and programs, and what they may do. Roles: officer, analyst, validator, approver, operator, admin, "
    "service.\n\nExample: roadworthy user add ana --role analyst",
    version_flags=[],
)

_LINK_HOURS = 24.0
Roles = Annotated[list[str] | None, Parameter(name="--role", negative="")]
BranchNames = Annotated[list[str] | None, Parameter(name="--branch", negative="")]


@command.command
def add(
    name: str,
    /,
    *,
    role: Roles = None,
    branch: BranchNames = None,
    authority: float = 0.0,
    link_hours: float = _LINK_HOURS,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Add the account NAME, and print a link with which they sign in once.

    The first accounts are added by whoever sits at the store itself; once there is an admin, by an admin.

    Example: roadworthy user add ana --role analyst

    Parameters
    ----------
    name
        Small letters, digits and . _ @ + -; for ever.
    role
        A role; give it several times for several.
    branch
        A branch whose records they see, several times for several, or '*' for every one; none by default.
    authority
        The amount up to which they override alone, in the product's currency.
    link_hours
        How long the link waits; 72 at most.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine adds an account although there is an admin; kept on the record.
    json
        Print one JSON document, with the link.

    """
    from roadworthy.access import Branches, add_account, make_link

    def work(act: Act) -> tuple[Account, str | None]:
        branches = Branches.read(branch or ())
        account = add_account(act, name, roles=role or (), branches=branches, authority=authority)
        if account.roles == {"service"}:
            return account, None  # a program signs in by no link
        return account, make_link(act, name, random=token_bytes, life=timedelta(hours=link_hours))

    with acting(directory, as_name=as_, begin=True, break_glass=break_glass) as deed:
        account, link = change_access(deed, work, reason=break_glass)
    if json:
        show_json({**_describe(account), "link": link})
        return 0
    say(f"added {name}: {_say_what(account)}")
    if link is None:
        say(f"next: roadworthy key add {name}")
        return 0
    _say_link(name, link, link_hours)
    if not branch:
        say(f"{name} sees no branch's applications yet: roadworthy user change {name} --branch BRANCH, or --branch '*'")
    return 0


@command.command(name="list")
def show(*, directory: Directory = Path(), as_: As = None, break_glass: BreakGlass = None, json: Json = False) -> int:
    """List every account.

    Example: roadworthy user list

    Parameters
    ----------
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine asks although there is an admin.
    json
        Print one JSON document.

    """
    from roadworthy.access import list_accounts

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        deed.demand("account.read")
        with deed.store.reading() as connection:
            found = list_accounts(connection)
    if json:
        show_json({"accounts": [_describe(account) for account in found]})
        return 0
    for account in found:
        off = "" if account.active else "  (switched off)"
        say(f"{account.name:<20} {_say_what(account)}{off}")
    if not found:
        say("no account yet: roadworthy user add NAME --role ROLE")
    return 0


@command.command
def change(
    name: str,
    /,
    *,
    role: Roles = None,
    branch: BranchNames = None,
    authority: float | None = None,
    on: Annotated[bool, Parameter(negative="")] = False,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Change what is given of an account; it counts from the next request on.

    Example: roadworthy user change ana --role analyst --role operator

    Parameters
    ----------
    name
        The account: somebody else's than one's own.
    role
        The roles instead of those there were; give it several times for several.
    branch
        The branches instead of those there were; '*' is every one.
    authority
        The amount up to which they override alone.
    on
        Switch an account on again that was switched off.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine does it although there is an admin; kept on the record.
    json
        Print one JSON document.

    """
    from roadworthy.access import Branches

    branches: Branches | None = None if branch is None else Branches.read(branch)
    if role is None and branches is None and authority is None and not on:
        raise UsageError("nothing is to be changed", mend="--role, --branch, --authority or --on")
    changes = {"roles": role, "branches": branches, "authority": authority, "active": True if on else None}
    return _change(directory, name, changes, as_, break_glass, json=json)


@command.command
def off(
    name: str, /, *, directory: Directory = Path(), as_: As = None, break_glass: BreakGlass = None, json: Json = False
) -> int:
    """Switch an account off: its keys are revoked, its sessions and links end. Its name stays taken.

    Example: roadworthy user off ana

    Parameters
    ----------
    name
        The account.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine does it although there is an admin; kept on the record.
    json
        Print one JSON document.

    """
    return _change(directory, name, {"active": False}, as_, break_glass, json=json)


@command.command
def link(
    name: str,
    /,
    *,
    hours: float = _LINK_HOURS,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Print a new link with which NAME signs in once: for who lost the first, or the password.

    Example: roadworthy user link ana

    Parameters
    ----------
    name
        The account.
    hours
        How long the link waits; 72 at most.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Why the store's own machine does it although there is an admin; kept on the record.
    json
        Print one JSON document, with the link.

    """
    from roadworthy.access import make_link

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        made = change_access(
            deed,
            lambda act: make_link(act, name, random=token_bytes, life=timedelta(hours=hours)),
            reason=break_glass,
        )
    if json:
        show_json({"account": name, "link": made})
        return 0
    _say_link(name, made, hours)
    return 0


def _change(
    directory: Path, name: str, changes: dict[str, Any], as_name: str | None, break_glass: str | None, *, json: bool
) -> int:
    from roadworthy.access import change_account

    with acting(directory, as_name=as_name, break_glass=break_glass) as deed:
        account = change_access(deed, lambda act: change_account(act, name, **changes), reason=break_glass)
    if json:
        show_json(_describe(account))
        return 0
    say(
        f"{name}: {_say_what(account)}" if account.active else f"{name} is switched off; keys, sessions and links ended"
    )
    return 0


def _describe(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "roles": sorted(account.roles),
        "branches": account.branches.spell(),
        "authority": account.authority,
        "active": account.active,
        "has_password": account.has_password,
        "made_at": account.made_at,
    }


def _say_what(account: Account) -> str:
    names = account.branches.spell()
    branches = "every branch" if account.branches.every else f"branches {', '.join(names)}" if names else "no branch"
    authority = f", overrides up to {account.authority:,.0f}" if account.authority else ""
    return f"{', '.join(sorted(account.roles))}; {branches}{authority}"


def _say_link(name: str, link: str, hours: float) -> None:
    say(f"for {name} alone, once, within {hours:g} hours: roadworthy login {name} --link {link}")
