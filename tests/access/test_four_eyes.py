"""Four eyes and authority, as rules without a store (promises.md: author and approver differ)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.access import (
    EVERY_BRANCH,
    Actor,
    Branches,
    are_two_people,
    demand_override,
    demand_two_people,
    within_authority,
)
from roadworthy.errors import NotAllowed, NotFound, NotSignedIn, Refused

NAMES = st.sampled_from(["ana", "ben"])
KEYS = st.sampled_from(["key:1", "key:2"])
PEOPLE = st.builds(Actor, account=NAMES, credential=KEYS)
NORTH = Branches.of("north")


def officer(name: str, authority: float = 0.0, *roles: str, branches: Branches = NORTH) -> Actor:
    return Actor(
        account=name,
        credential=f"key:{name}",
        roles=frozenset(roles or {"officer"}),
        branches=branches,
        authority=authority,
    )


@given(author=PEOPLE, approver=PEOPLE)
def test_two_people_differ_in_account_and_in_credential_whoever_is_asked_first(author: Actor, approver: Actor) -> None:
    expected = author.account != approver.account and author.credential != approver.credential
    assert are_two_people(author, approver) == are_two_people(approver, author) == expected
    demand_two_people(author, approver, trial=True)
    if expected:
        demand_two_people(author, approver, trial=False)
    else:
        with pytest.raises(Refused):
            demand_two_people(author, approver, trial=False)


def test_the_refusal_says_what_is_the_same() -> None:
    ana, ben = Actor(account="ana", credential="key:1"), Actor(account="ben", credential="key:1")
    with pytest.raises(Refused, match="ana made this, so somebody else approves it"):
        demand_two_people(ana, Actor(account="ana", credential="key:2"), trial=False)
    with pytest.raises(Refused, match="ben and ana use one credential"):
        demand_two_people(ana, ben, trial=False)


@pytest.mark.parametrize(
    ("authority", "amount", "within"),
    [
        (10_000.0, 10_000.0, True),
        (10_000.0, 10_000.01, False),
        (10_000.0, 0.0, True),
        (10_000.0, -1.0, False),
        (10_000.0, None, False),
        (10_000.0, math.nan, False),
        (10_000.0, math.inf, False),
        (0.0, 0.0, False),
    ],
)
def test_authority_reaches_to_its_amount_and_not_to_one_that_nobody_knows(
    authority: float, amount: float | None, within: bool
) -> None:
    assert within_authority(officer("ana", authority), amount) is within


@given(authority=st.floats(0, 1e9), more=st.floats(0, 1e9), amount=st.none() | st.floats())
def test_more_authority_never_reaches_less_far(authority: float, more: float, amount: float | None) -> None:
    assert within_authority(officer("ana", authority), amount) <= within_authority(
        officer("ana", authority + more), amount
    )


def test_an_override_within_authority_needs_nobody_else() -> None:
    demand_override(officer("ana", 5_000), 4_000, branch="north", trial=False)


def test_beyond_authority_a_second_person_confirms() -> None:
    ana = officer("ana", 5_000)
    with pytest.raises(Refused, match="this is beyond the authority of ana") as refused:
        demand_override(ana, 6_000, branch="north", trial=False)
    assert refused.value.mend == "a second person with more confirms the override"
    demand_override(ana, 6_000, branch="north", second=officer("ben", 6_000), trial=False)
    demand_override(
        ana, 6_000, branch="north", second=officer("eva", 0, "approver", branches=EVERY_BRANCH), trial=False
    )
    demand_override(ana, None, branch="north", second=officer("eva", 0, "approver", branches=EVERY_BRANCH), trial=False)


@pytest.mark.parametrize(
    ("second", "error", "message"),
    [
        (officer("ben", 5_500), Refused, "beyond the authority of ben too"),
        (officer("ana", 9_000), Refused, "ana made this"),
        (officer("ben", 9_000, branches=Branches.of("south")), NotFound, "no such record"),
        (officer("ben", 9_000, "analyst"), NotAllowed, "ben may not be the second person"),
        (
            Actor(account="ben", credential="key:ana", roles=frozenset({"approver"}), branches=NORTH),
            Refused,
            "one cred",
        ),
    ],
)
def test_a_second_person_is_another_with_the_right_and_the_authority(
    second: Actor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        demand_override(officer("ana", 5_000), 6_000, branch="north", second=second, trial=False)


def test_no_second_person_gives_a_right_that_the_first_lacks() -> None:
    approver = officer("eva", 0, "approver", branches=EVERY_BRANCH)
    with pytest.raises(NotAllowed):
        demand_override(officer("ana", 5_000, "analyst"), 1, branch="north", second=approver, trial=False)
    with pytest.raises(NotFound):
        demand_override(officer("ana", 5_000), 1, branch="south", second=approver, trial=True)


def test_in_a_trial_one_person_is_enough() -> None:
    demand_override(officer("ana"), 1e9, branch="north", trial=True)


def test_nobody_overrides_without_signing_in() -> None:
    with pytest.raises(NotSignedIn):
        demand_override(None, 1, branch="north", trial=False)  # type: ignore[arg-type]  # what a door might do
