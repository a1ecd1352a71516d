"""Four eyes: who made something does not approve it, and beyond one's authority a second person decides too.

Pure rules, for the doors to ask before they offer or do something. The database holds the first one as well: outside a
trial it takes no approval whose author and approver share an account or a credential.
"""

from __future__ import annotations

import math

from roadworthy.access.actor import Actor
from roadworthy.access.permissions import demand
from roadworthy.errors import Refused

__all__ = ["are_two_people", "demand_override", "demand_two_people", "within_authority"]


def are_two_people(author: Actor, approver: Actor) -> bool:
    """Whether they differ in account and in credential: one person with two names on one key is one person.

    >>> ana = Actor(account="ana", credential="key:1")
    >>> are_two_people(ana, Actor(account="ben", credential="key:2"))
    True
    >>> are_two_people(ana, Actor(account="ben", credential="key:1"))
    False
    """
    return author.account != approver.account and author.credential != approver.credential


def demand_two_people(author: Actor, approver: Actor, *, trial: bool) -> None:
    """Nothing where somebody else approves, or in a trial; else Refused, which says what is the same."""
    if trial or are_two_people(author, approver):
        return
    if author.account == approver.account:
        raise Refused(f"{author.account} made this, so somebody else approves it", mend="ask another approver")
    raise Refused(
        f"{approver.account} and {author.account} use one credential, so they count as one person",
        mend="approve with a credential of your own",
    )


def within_authority(actor: Actor, amount: float | None) -> bool:
    """Whether the actor alone may override at `amount`; where nobody knows the amount, nobody may.

    >>> within_authority(Actor(account="ana", credential="key:1", authority=10_000), 10_000.0)
    True
    >>> within_authority(Actor(account="ana", credential="key:1", authority=10_000), None)
    False
    """
    return amount is not None and math.isfinite(amount) and 0.0 <= amount <= actor.authority and actor.authority > 0.0


def demand_override(
    first: Actor, amount: float | None, *, branch: str | None, second: Actor | None = None, trial: bool
) -> None:
    """Nothing where `first` may override a decision on `amount` in `branch`; else Refused or NotAllowed.

    Beyond the first's authority a second person confirms: an approver, or an officer whose own authority is enough.
    In a trial one person does.
    """
    demand(first, "override.make", branch=branch)
    if trial or within_authority(first, amount):
        return
    if second is None:
        raise Refused(
            f"this is beyond the authority of {first.account}", mend="a second person with more confirms the override"
        )
    demand(second, "override.approve", branch=branch)
    demand_two_people(first, second, trial=trial)
    if "approver" not in second.roles and not within_authority(second, amount):
        raise Refused(f"this is beyond the authority of {second.account} too", mend="an approver confirms the override")
