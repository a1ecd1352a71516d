"""One's own account: password, sessions and keys."""

from __future__ import annotations

from datetime import timedelta

from roadworthy.access import (
    KEY_LIFE,
    add_key,
    ended_cookie,
    find_account,
    list_keys,
    revoke_key,
    rotate_key,
    session_cookie,
    set_password,
    sign_in,
    sign_out_everywhere,
)
from roadworthy.desk.access_changes import change_access, read_key_life, show_secret
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import NotSignedIn, RoadworthyError, UsageError

__all__ = ["HANDLERS"]


@page("/account", "self.change", "One's own account")
def get_account(visit: Visit) -> Shown:
    """What one may do, and the forms to change password, sessions and keys."""
    return _show(visit)


@act("/account/password", "self.change", "Set one's own password")
def post_password(visit: Visit) -> Shown:
    """A new password; every other session of the account ends, and this one is made anew."""
    services, form = visit.services, visit.sent
    name = visit.by.account
    try:
        if form["new"] != form["again"]:
            raise UsageError("the two passwords are not the same", mend="type the new one twice")
        if _has_password(visit):
            _sign_in(visit, form["old"])
        hashed = services.passwords.hash(form["new"], services.random)
        change_access(visit, lambda act: set_password(act, hashed))
    except NotSignedIn:
        return _show(visit, UsageError("the present password is another one", mend="type it again"))
    except RoadworthyError as problem:
        return _show(visit, problem)
    secret = _sign_in(visit, form["new"])
    cookie = session_cookie(secret, _life(visit), secure=visit.secure)
    return go("/account", f"The password of {name} is set; every other session has ended", cookies=(cookie,))


@act("/account/sign-out", "self.change", "Sign out everywhere")
def post_sign_out(visit: Visit) -> Shown:
    """Every session of one's own ends, this one too."""
    change_access(visit, lambda act: sign_out_everywhere(act, visit.by.account))
    return go("/sign-in", "Signed out everywhere", cookies=(ended_cookie(secure=visit.secure),))


@act("/account/keys", "self.change", "Make a key of one's own", shows=True)
def post_key(visit: Visit) -> Shown:
    """A new key, shown once."""
    form, name = visit.sent, visit.by.account
    try:
        life = read_key_life(form["days"])
        new = change_access(
            visit,
            lambda act: add_key(act, name, random=visit.services.random, roles=form.list("role") or None, life=life),
        )
    except RoadworthyError as problem:
        return _show(visit, problem)
    return show_secret(
        visit,
        title=f"Your key {new.key.key_id}",
        secret=new.secret,
        says=f"It opens as {name} ({', '.join(sorted(new.key.roles))}) until {new.key.expires_at:%Y-%m-%d}.",
        back="/account",
    )


@act("/account/keys/{id}/rotate", "self.change", "Replace a key of one's own", shows=True)
def post_rotate(visit: Visit) -> Shown:
    """A new key in the place of one, shown once; the old one ends now."""
    key_id = visit.named("id")
    new = change_access(visit, lambda act: rotate_key(act, key_id, random=visit.services.random))
    return show_secret(
        visit,
        title=f"Your key {new.key.key_id}",
        secret=new.secret,
        says=f"It takes the place of {key_id}, which opens nothing any more, until {new.key.expires_at:%Y-%m-%d}.",
        back="/account",
    )


@act("/account/keys/{id}/revoke", "self.change", "End a key of one's own")
def post_revoke(visit: Visit) -> Shown:
    """The key opens nothing any more."""
    key_id = visit.named("id")
    change_access(visit, lambda act: revoke_key(act, key_id))
    return go("/account", f"The key {key_id} opens nothing any more")


def _show(visit: Visit, problem: RoadworthyError | None = None) -> Shown:
    name = visit.by.account
    with visit.services.store.reading() as connection:
        account, keys = find_account(connection, name), list_keys(connection, name)
    if account is None:
        raise NotSignedIn("sign in first")
    return show(
        visit,
        "account.html",
        problem=problem,
        account=account,
        keys=[(key, key.opens(visit.admitted.at)) for key in reversed(keys)],
        longest=KEY_LIFE.days,
        currency=visit.product.currency if visit.product is not None else "",
    )


def _has_password(visit: Visit) -> bool:
    with visit.services.store.reading() as connection:
        account = find_account(connection, visit.by.account)
    return account is not None and account.has_password


def _sign_in(visit: Visit, password: str) -> str:
    """The secret of a new session in the place of this one; NotSignedIn for another password, or too many tries."""
    services = visit.services
    came = sign_in(
        services.store,
        visit.by.account,
        password,
        passwords=services.passwords,
        now=visit.admitted.at,
        life=_life(visit),
        random=services.random,
    )
    return came.secret


def _life(visit: Visit) -> timedelta:
    return timedelta(minutes=visit.services.settings.session_minutes)


HANDLERS = (get_account, post_password, post_sign_out, post_key, post_rotate, post_revoke)
