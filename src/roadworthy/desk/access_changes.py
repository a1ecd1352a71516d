"""Changes of access as a page makes them: one transaction, on the record, by whoever is signed in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeVar

from roadworthy.access import KEY_LIFE, Act, Branches, record_in
from roadworthy.desk.branches import match_branches
from roadworthy.desk.page import Shown, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import UsageError

__all__ = ["change_access", "read_branches", "read_key_life", "show_secret"]

T = TypeVar("T")


def change_access(visit: Visit, work: Callable[[Act], T]) -> T:
    """What `work` gives, done and recorded, or not done at all."""
    services = visit.services
    recorder = record_in(services.store.ledger, services.new_id)
    return services.store.transact(lambda connection: work(Act(connection, visit.by, visit.admitted.at, recorder)))


def show_secret(visit: Visit, *, title: str, secret: str, says: str, back: str) -> Shown:
    """A secret, shown this once: it is kept nowhere, so no other page could show it."""
    return show(visit, "secret.html", title=title, secret=secret, says=says, back=back)


def read_branches(text: str, known: Collection[str] = ()) -> Branches:
    """Branches as people list them, with commas between; `*` is every one.

    Those `known` are meant whatever their capitals.

    >>> read_branches("North, South").spell(), read_branches("*").every, read_branches("").spell()
    (['North', 'South'], True, [])
    >>> read_branches("north, New", ["North"]).spell()
    ['New', 'North']
    """
    typed = (part.strip() for part in text.split(","))
    return Branches.read(name for part in typed if part for name in match_branches(part, known))


def read_key_life(text: str) -> timedelta:
    """How long a key is to last, told in days.

    >>> read_key_life("30").days, read_key_life("").days
    (30, 365)
    """
    if not text:
        return KEY_LIFE
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= KEY_LIFE.days):
        raise UsageError(f"{text!r} is no number of days", where="days", mend=f"1 to {KEY_LIFE.days}")
    return timedelta(days=int(text))
