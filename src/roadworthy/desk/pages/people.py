"""People and programs: who may do what, and how they come in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from roadworthy.access import (
    KEY_LIFE,
    ROLE_MEANINGS,
    Account,
    Act,
    add_account,
    add_key,
    change_account,
    find_account,
    list_accounts,
    list_keys,
    make_link,
    revoke_key,
    rotate_key,
    sign_out_everywhere,
)
from roadworthy.desk.access_changes import change_access, read_branches, read_key_life, show_secret
from roadworthy.desk.amounts import read_amount
from roadworthy.desk.branches import BranchesLately
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Form, Visit
from roadworthy.errors import NotFound, RoadworthyError

__all__ = ["HANDLERS"]

_LINK_HOURS = 24
_LINK_LIFE = timedelta(hours=_LINK_HOURS)
_PROGRAM = frozenset({"service"})


@dataclass(frozen=True)
class _Given:
    """What a form gives of an account, as it was typed."""

    name: str = ""
    roles: frozenset[str] = frozenset()
    branches: str = ""
    authority: str = "0"

    @classmethod
    def sent(cls, form: Form, name: str) -> _Given:
        return cls(name, frozenset(form.list("role")), form["branches"], form["authority"] or "0")

    @classmethod
    def of(cls, account: Account) -> _Given:
        return cls(account.name, account.roles, ", ".join(account.branches.spell()), f"{account.authority:.15g}")

    def terms(self, known: Collection[str]) -> dict[str, Any]:
        return {
            "roles": self.roles,
            "branches": read_branches(self.branches, known),
            "authority": read_amount("what they may override alone", self.authority) or 0.0,
        }


@page("/people", "account.read", "People and programs")
def get_people(visit: Visit) -> Shown:
    """Every account, and the form to add one."""
    return _show_people(visit, _Given())


@act("/people", "account.change", "Add a person or a program")
def post_person(visit: Visit) -> Shown:
    """A new account, with a link to sign in; a program gets its keys on its own page."""
    given = _Given.sent(visit.sent, visit.sent["name"].lower())
    known = _list_branches(visit)

    def work(act: Act) -> tuple[Account, str | None]:
        account = add_account(act, given.name, **given.terms(known))
        if account.roles == _PROGRAM:
            return account, None
        return account, make_link(act, account.name, random=visit.services.random, life=_LINK_LIFE)

    try:
        account, link = change_access(visit, work)
    except RoadworthyError as problem:
        return _show_people(visit, given, problem)
    unnamed = _tell_unnamed(account, known)
    if link is None:
        return go(_where(account.name), f"{account.name} is added; now make its key{unnamed}")
    return _show_link(visit, account.name, link, unnamed)


@page("/people/{name}", "account.read", "One person or program")
def get_person(visit: Visit) -> Shown:
    """What it may do, its keys, and the forms to change them."""
    account = _find(visit)
    return _show_person(visit, account, _Given.of(account))


@act("/people/{name}", "account.change", "Change what a person may do")
def post_change(visit: Visit) -> Shown:
    """Roles, branches and authority; they count from the next request on."""
    account = _find(visit)
    given = _Given.sent(visit.sent, account.name)
    try:
        known = _list_branches(visit)
        changed = change_access(visit, lambda act: change_account(act, account.name, **given.terms(known)))
    except RoadworthyError as problem:
        return _show_person(visit, account, given, problem)
    said = f"{account.name} is changed, from the next request on"
    return go(_where(account.name), said + _tell_unnamed(changed, known))


@act("/people/{name}/switch", "account.change", "Switch an account on or off")
def post_switch(visit: Visit) -> Shown:
    """Off, its sessions and keys end; its name stays taken."""
    account = _find(visit)
    active = visit.sent["active"] == "on"
    try:
        change_access(visit, lambda act: change_account(act, account.name, active=active))
    except RoadworthyError as problem:
        return _show_person(visit, account, _Given.of(account), problem)
    ended = "" if active else "; keys, sessions and links ended"
    return go(_where(account.name), f"{account.name} is switched {'on' if active else 'off'}{ended}")


@act("/people/{name}/link", "account.change", "Make a link to sign in", shows=True)
def post_link(visit: Visit) -> Shown:
    """For who is new, or lost the password."""
    account = _find(visit)
    try:
        link = change_access(
            visit, lambda act: make_link(act, account.name, random=visit.services.random, life=_LINK_LIFE)
        )
    except RoadworthyError as problem:
        return _show_person(visit, account, _Given.of(account), problem)
    return _show_link(visit, account.name, link)


@act("/people/{name}/sign-out", "account.change", "End a person's sessions")
def post_sign_out(visit: Visit) -> Shown:
    """Wherever they are signed in, they sign in again."""
    account = _find(visit)
    change_access(visit, lambda act: sign_out_everywhere(act, account.name))
    return go(_where(account.name), f"Every session of {account.name} has ended")


@act("/people/{name}/keys", "key.change", "Make a program's key", shows=True)
def post_key(visit: Visit) -> Shown:
    """A new key, shown once."""
    account = _find(visit)
    try:
        life = read_key_life(visit.sent["days"])
        new = change_access(visit, lambda act: add_key(act, account.name, random=visit.services.random, life=life))
    except RoadworthyError as problem:
        return _show_person(visit, account, _Given.of(account), problem)
    until = f"{new.key.expires_at:%Y-%m-%d}"
    return _show_key(visit, account.name, new.key.key_id, new.secret, f"It opens as {account.name} until {until}.")


@act("/people/{name}/keys/{id}/rotate", "key.change", "Replace a program's key", shows=True)
def post_rotate(visit: Visit) -> Shown:
    """A new key in the place of one, shown once; the old one opens a day longer, so that the program need not stop."""
    name, key_id = visit.named("name"), visit.named("id")
    overlap = timedelta(days=1)
    new = change_access(visit, lambda act: rotate_key(act, key_id, random=visit.services.random, overlap=overlap))
    says = f"It takes the place of {key_id}, which opens for one more day, until {new.key.expires_at:%Y-%m-%d}."
    return _show_key(visit, name, new.key.key_id, new.secret, says)


@act("/people/{name}/keys/{id}/revoke", "key.change", "End a key")
def post_revoke(visit: Visit) -> Shown:
    """The key opens nothing any more."""
    key_id = visit.named("id")
    change_access(visit, lambda act: revoke_key(act, key_id))
    return go(_where(visit.named("name")), f"The key {key_id} opens nothing any more")


def _find(visit: Visit) -> Account:
    with visit.services.store.reading() as connection:
        account = find_account(connection, visit.named("name"))
    if account is None:
        raise NotFound("there is no account of that name", mend="choose one of those under People")
    return account


def _where(name: str) -> str:
    return f"/people/{quote(name)}"


def _show_people(visit: Visit, given: _Given, problem: RoadworthyError | None = None) -> Shown:
    with visit.services.store.reading() as connection:
        accounts = list_accounts(connection)
    return show(visit, "people.html", problem=problem, accounts=accounts, given=given, **_terms(visit))


def _show_person(visit: Visit, account: Account, given: _Given, problem: RoadworthyError | None = None) -> Shown:
    with visit.services.store.reading() as connection:
        keys = list_keys(connection, account.name)
    return show(
        visit,
        "person.html",
        problem=problem,
        account=account,
        given=given,
        keys=[(key, key.opens(visit.admitted.at)) for key in reversed(keys)],
        is_program=account.roles == _PROGRAM,
        oneself=account.name == visit.by.account,
        longest=KEY_LIFE.days,
        **_terms(visit),
    )


def _terms(visit: Visit) -> Mapping[str, Any]:
    currency = "the currency" if visit.product is None else visit.product.currency
    return {"roles": ROLE_MEANINGS, "branches": _list_branches(visit), "currency": currency}


def _list_branches(visit: Visit) -> tuple[str, ...]:
    """Those that applications name: whoever keeps the accounts has to know their names, and sees no more of them."""
    lately: BranchesLately = visit.app.state["branches"]
    return lately.look(visit, patience=0.5)


def _tell_unnamed(account: Account, known: Collection[str]) -> str:
    """A word of warning about branches that no application names."""
    unnamed = sorted(account.branches.names - set(known)) if known else []
    if not unnamed:
        return ""
    return f". No application names the branch {' or '.join(unnamed)} so far: is it written as there?"


def _show_link(visit: Visit, name: str, link: str, unnamed: str = "") -> Shown:
    return show_secret(
        visit,
        title=f"A link for {name}",
        secret=f"{'https' if visit.secure else 'http'}://{visit.base_url.netloc}/sign-in?link={link}",
        says=f"It signs {name} in once, within {_LINK_HOURS} hours. Give it to them alone{unnamed or '.'}",
        back=_where(name),
    )


def _show_key(visit: Visit, name: str, key_id: str, secret: str, says: str) -> Shown:
    return show_secret(visit, title=f"The key {key_id} of {name}", secret=secret, says=says, back=_where(name))


HANDLERS = (
    get_people, post_person, get_person, post_change, post_switch, post_link, post_sign_out, post_key, post_rotate,
    post_revoke,
)  # fmt: skip
