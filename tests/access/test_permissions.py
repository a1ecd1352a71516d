"""The one table of permissions: deny by default, officers in their branches (promises.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2
from sqlalchemy import Column, MetaData, Table, Text, create_engine, insert, select

from roadworthy.access import (
    EVERY_BRANCH,
    NO_BRANCH,
    PERMISSIONS,
    ROLES,
    Actor,
    Branches,
    demand,
    may,
)
from roadworthy.errors import NotAllowed, NotFound, NotSignedIn, UsageError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "access.md"
TABLE = Table("records_of_branches", MetaData(), Column("branch", Text))
PERMITTED = st.sampled_from(sorted(PERMISSIONS))
ROLE_SETS = st.frozensets(st.sampled_from([*ROLES, "root"]))
BRANCH_NAMES = st.sampled_from(["north", "south", "east"])
BRANCHES = st.builds(Branches, st.frozensets(BRANCH_NAMES), st.booleans())


def actor(*roles: str, branches: Branches = NO_BRANCH) -> Actor:
    return Actor(account="ana", credential="key:1", roles=frozenset(roles), branches=branches)


@given(roles=ROLE_SETS, branches=BRANCHES, permission=st.text(), branch=st.none() | BRANCH_NAMES)
def test_a_permission_that_is_not_in_the_table_is_denied_to_everyone(
    roles: frozenset[str], branches: Branches, permission: str, branch: str | None
) -> None:
    if permission not in PERMISSIONS:
        assert not may(actor(*roles, branches=branches), permission)
        assert not may(actor(*roles, branches=branches), permission, branch=branch)


@given(roles=ROLE_SETS, more=ROLE_SETS, branches=BRANCHES, permission=PERMITTED, branch=st.none() | BRANCH_NAMES)
def test_adding_a_role_never_removes_a_right(
    roles: frozenset[str], more: frozenset[str], branches: Branches, permission: str, branch: str | None
) -> None:
    before, after = actor(*roles, branches=branches), actor(*roles | more, branches=branches)
    assert may(before, permission) <= may(after, permission)
    assert may(before, permission, branch=branch) <= may(after, permission, branch=branch)


@given(roles=ROLE_SETS, branches=BRANCHES, more=BRANCHES, permission=PERMITTED, branch=st.none() | BRANCH_NAMES)
def test_adding_a_branch_never_removes_a_right(
    roles: frozenset[str], branches: Branches, more: Branches, permission: str, branch: str | None
) -> None:
    wider = Branches(branches.names | more.names, branches.every or more.every)
    before, after = actor(*roles, branches=branches), actor(*roles, branches=wider)
    assert may(before, permission, branch=branch) <= may(after, permission, branch=branch)


@given(roles=ROLE_SETS, branches=BRANCHES, permission=PERMITTED, branch=st.none() | BRANCH_NAMES)
def test_a_branch_only_ever_narrows(
    roles: frozenset[str], branches: Branches, permission: str, branch: str | None
) -> None:
    someone = actor(*roles, branches=branches)
    assert may(someone, permission, branch=branch) == (may(someone, permission) and branches.hold(branch))


@given(permission=PERMITTED | st.text())
def test_nobody_who_is_not_signed_in_and_nobody_without_a_known_role_may_anything(permission: str) -> None:
    assert not may(None, permission)
    assert not may(actor(), permission)
    assert not may(actor("root", "Officer", "", "*"), permission)


def test_every_row_names_known_roles_and_every_role_has_a_row() -> None:
    for name, row in PERMISSIONS.items():
        assert row.name == name
        assert row.roles
        assert row.roles <= set(ROLES)
        assert row.meaning
    assert {role for row in PERMISSIONS.values() for role in row.roles} == set(ROLES)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("decision.make", {"officer", "service"}),
        ("release.create", {"analyst"}),
        ("release.validate", {"validator"}),
        ("release.approve", {"approver"}),
        ("table.approve", {"approver"}),
        ("override.make", {"officer"}),
        ("account.change", {"admin"}),
        ("key.change", {"admin"}),
        ("route.break_glass", {"operator"}),
        ("self.change", set(ROLES)),
    ],
)
def test_what_matters_most_is_for_the_roles_it_is_meant_for(permission: str, roles: set[str]) -> None:
    assert {role for role in ROLES if may(actor(role), permission)} == roles


def test_no_role_both_makes_a_release_and_approves_it() -> None:
    for making in ("release.create", "release.submit", "table.upload", "policy.propose", "package.push"):
        for approving in ("release.approve", "table.approve"):
            assert PERMISSIONS[making].roles.isdisjoint(PERMISSIONS[approving].roles)


def test_an_admin_keeps_accounts_and_decides_nothing() -> None:
    rights = {name for name in PERMISSIONS if may(actor("admin"), name)}
    assert not any(name.startswith(("decision.", "release.", "table.", "override.", "route.")) for name in rights)


def test_an_officer_sees_their_branches_only_and_no_record_without_a_branch() -> None:
    officer = actor("officer", branches=Branches.of("north", "east"))
    assert may(officer, "decision.read", branch="north")
    assert not may(officer, "decision.read", branch="south")
    assert not may(officer, "decision.read", branch="North")
    assert not may(officer, "decision.read", branch=None)
    assert not may(actor("officer"), "decision.read", branch="north")
    assert may(actor("officer", branches=EVERY_BRANCH), "decision.read", branch=None)


@settings(max_examples=40)
@given(branches=BRANCHES, rows=st.lists(st.none() | BRANCH_NAMES, max_size=12))
def test_the_filter_of_a_query_keeps_what_the_predicate_keeps(branches: Branches, rows: list[str | None]) -> None:
    with create_engine("sqlite://", module=dbapi2).connect() as connection:
        TABLE.create(connection)
        if rows:
            connection.execute(insert(TABLE), [{"branch": row} for row in rows])
        kept = connection.execute(select(TABLE.c.branch).where(branches.filter(TABLE.c.branch))).scalars().all()
    assert sorted(kept, key=repr) == sorted((row for row in rows if branches.hold(row)), key=repr)


def test_demand_says_who_may_and_never_what_there_is() -> None:
    officer = actor("officer", branches=Branches.of("north"))
    assert demand(officer, "decision.read", branch="north") is officer
    with pytest.raises(NotSignedIn):
        demand(None, "decision.read")
    with pytest.raises(NotAllowed, match="ana may not approve or reject a release") as refused:
        demand(officer, "release.approve")
    assert refused.value.available == ["role approver"]
    with pytest.raises(NotFound, match="there is no such record among those you see"):
        demand(officer, "decision.read", branch="south")
    with pytest.raises(NotAllowed, match="nobody may do this"):
        demand(officer, "decision.raed")


@given(branches=BRANCHES)
def test_branches_are_read_as_they_were_spelt(branches: Branches) -> None:
    again = Branches.read(branches.spell())
    for branch in (None, "north", "south", "east"):
        assert again.hold(branch) == branches.hold(branch)


@pytest.mark.parametrize("name", ["*", "", " ", "a\x00"])
def test_a_branch_cannot_be_named_so_that_it_reads_as_every_branch(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a branch"):
        Branches.of("north", name)
    assert Branches.read(["north", "*"]) == EVERY_BRANCH


def test_the_page_shows_the_whole_table_as_it_is() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert rows == [
        (
            name,
            row.meaning,
            "all" if row.roles == set(ROLES) else ", ".join(role for role in ROLES if role in row.roles),
        )
        for name, row in PERMISSIONS.items()
    ]
