"""Who may do what: accounts, roles, keys, sessions, authority, four eyes, and the trial.

See docs/explanation/access.md.
"""

from __future__ import annotations

from roadworthy.access.accounts import Account, add_account, change_account, find_account, list_accounts
from roadworthy.access.act import ACCESS_EVENT, AccessEvent, Act, Recorder, record_in
from roadworthy.access.actor import CONSOLE, EVERY_BRANCH, NO_BRANCH, Actor, Branches
from roadworthy.access.deed import Deed
from roadworthy.access.four_eyes import are_two_people, demand_override, demand_two_people, within_authority
from roadworthy.access.keys import (
    KEY_LIFE,
    Key,
    KeyRing,
    NewKey,
    actor_by_key,
    add_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from roadworthy.access.links import LINK_LIFE, LONGEST_LINK_LIFE, make_link
from roadworthy.access.passwords import Passwords, check_strength
from roadworthy.access.permissions import ANYWHERE, PERMISSIONS, ROLE_MEANINGS, ROLES, Anywhere, Permission, demand, may
from roadworthy.access.secret import RandomBytes
from roadworthy.access.sessions import Cookie, actor_by_session, end_session, ended_cookie, session_cookie
from roadworthy.access.sign_in import (
    TRIES,
    TRY_WINDOW,
    SignedIn,
    set_password,
    sign_in,
    sign_in_by_link,
    sign_out_everywhere,
)
from roadworthy.access.trial import act_as, begin_trial, console_actor

__all__ = [
    "ACCESS_EVENT",
    "ANYWHERE",
    "CONSOLE",
    "EVERY_BRANCH",
    "KEY_LIFE",
    "LINK_LIFE",
    "LONGEST_LINK_LIFE",
    "NO_BRANCH",
    "PERMISSIONS",
    "ROLES",
    "ROLE_MEANINGS",
    "TRIES",
    "TRY_WINDOW",
    "AccessEvent",
    "Account",
    "Act",
    "Actor",
    "Anywhere",
    "Branches",
    "Cookie",
    "Deed",
    "Key",
    "KeyRing",
    "NewKey",
    "Passwords",
    "Permission",
    "RandomBytes",
    "Recorder",
    "SignedIn",
    "act_as",
    "actor_by_key",
    "actor_by_session",
    "add_account",
    "add_key",
    "are_two_people",
    "begin_trial",
    "change_account",
    "check_strength",
    "console_actor",
    "demand",
    "demand_override",
    "demand_two_people",
    "end_session",
    "ended_cookie",
    "find_account",
    "list_accounts",
    "list_keys",
    "make_link",
    "may",
    "record_in",
    "revoke_key",
    "rotate_key",
    "session_cookie",
    "set_password",
    "sign_in",
    "sign_in_by_link",
    "sign_out_everywhere",
    "within_authority",
]
