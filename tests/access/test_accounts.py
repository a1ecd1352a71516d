"""Accounts on both stores: kept by admins, never by oneself, every change on the record (promises.md)."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from roadworthy.access import (
    EVERY_BRANCH,
    AccessEvent,
    Account,
    Act,
    Branches,
    add_account,
    change_account,
    find_account,
    list_accounts,
    make_link,
)
from roadworthy.errors import NotAllowed, NotFound, NotSignedIn, Refused, UsageError
from roadworthy.records import metadata
from tests.access.conftest import Office


def test_an_account_is_what_it_was_made_as(office: Office) -> None:
    made = office.do(
        lambda act: add_account(act, "ana", roles=["officer"], branches=Branches.of("north"), authority=5_000)
    )
    found = office.read(find_account, "ana")
    assert found == made
    assert found is not None
    assert found.roles == frozenset({"officer"})
    assert found.branches == Branches.of("north")
    assert found.authority == 5_000.0
    assert found.active
    assert not found.has_password
    assert found.made_at == office.now


def test_accounts_are_listed_by_name_and_an_impossible_name_is_nobody(office: Office) -> None:
    for name in ("zoe", "ana"):
        office.do(lambda act, name=name: add_account(act, name, roles=["analyst"]))  # type: ignore[misc]  # bound now
    assert [account.name for account in office.read(list_accounts)] == ["ana", "zoe"]
    for name in ("", "Ana", "a\0b", "ana ", "x" * 300, "\ud800"):
        assert office.read(find_account, name) is None


def test_every_change_is_a_record_with_its_actor_and_what_changed(office: Office) -> None:
    boss = office.hire("boss", "admin")
    office.hire("ana", "officer", branches=Branches.of("north"))
    office.do(lambda act: change_account(act, "ana", roles=["officer", "analyst"], authority=7.5), by=boss)
    office.do(lambda act: change_account(act, "ana", active=False), by=boss)
    (first, added), (_, _), (second, changed), (_, ended) = office.events("account:ana")
    assert (first, added.step, added.credential) == ("console", "account_added", "console")
    assert added.details == {"roles": ["officer"], "branches": ["north"], "authority": 0.0, "active": True}
    assert (second, changed.step, changed.credential) == ("boss", "account_changed", boss.credential)
    assert changed.details == {
        "before": {"roles": ["officer"], "authority": 0.0},
        "after": {"roles": ["analyst", "officer"], "authority": 7.5},
    }
    assert ended.details == {"before": {"active": True}, "after": {"active": False}}


def test_a_change_that_changes_nothing_leaves_no_record(office: Office) -> None:
    office.hire("ana", "officer")
    office.do(lambda act: change_account(act, "ana", roles=["officer"], active=True))
    assert office.steps("account:ana") == ["account_added", "key_added"]


def test_what_cannot_be_recorded_is_not_done(office: Office) -> None:
    def fail(act: Act, subject: str, event: AccessEvent) -> None:
        raise RuntimeError("the ledger is full")

    with pytest.raises(RuntimeError, match="the ledger is full"):
        office.store.transact(
            lambda connection: add_account(Act(connection, office.console, office.now, fail), "ana", roles=["officer"])
        )
    assert office.read(find_account, "ana") is None


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"name": "Ana"}, "'Ana' is no name of an account"),
        ({"name": ""}, "is no name of an account"),
        ({"name": "a b"}, "is no name of an account"),
        ({"name": "a" * 65}, "is no name of an account"),
        ({"name": "console"}, "console is whoever sits at the store itself"),
        ({"roles": []}, "no role is given"),
        ({"roles": ["oficer"]}, "there is no role 'oficer'"),
        ({"authority": -1.0}, "an authority of -1.0 is no amount"),
        ({"authority": math.nan}, "an authority of nan is no amount"),
        ({"authority": math.inf}, "an authority of inf is no amount"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(office: Office, terms: dict[str, object], message: str) -> None:
    given = {"name": "ana", "roles": ["officer"], **terms}
    with pytest.raises(UsageError, match=message):
        office.do(lambda act: add_account(act, **given))  # type: ignore[arg-type]  # wrong on purpose
    assert office.read(list_accounts) == []


def test_a_wrong_role_gets_the_nearest(office: Office) -> None:
    with pytest.raises(UsageError) as refused:
        office.do(lambda act: add_account(act, "ana", roles=["oficer"]))
    assert refused.value.mend == "did you mean 'officer'?"


def test_a_name_is_given_once_for_ever(office: Office) -> None:
    office.hire("ana", "officer")
    office.do(lambda act: change_account(act, "ana", active=False))
    with pytest.raises(Refused, match="there is an account ana already"):
        office.do(lambda act: add_account(act, "ana", roles=["analyst"]))


@pytest.mark.parametrize("role", ["officer", "analyst", "validator", "approver", "operator", "service"])
def test_only_admins_keep_accounts_and_others_do_not_learn_who_exists(office: Office, role: str) -> None:
    office.hire("boss", "admin")
    eva = office.hire("eva", role)
    refusals = set()
    for name in ("boss", "nobody", "eva"):
        with pytest.raises(NotAllowed) as refused:
            office.do(lambda act, name=name: change_account(act, name, roles=["admin"]), by=eva)  # type: ignore[misc]  # bound now
        refusals.add(str(refused.value))
        with pytest.raises(NotAllowed) as refused:
            office.do(lambda act, name=name: add_account(act, name, roles=["admin"]), by=eva)  # type: ignore[misc]  # bound now
        refusals.add(str(refused.value))
    words = (
        "eva may not add and change the accounts of others\n  available: role admin\n"
        "  mend: ask somebody who has one of these roles; an admin gives them"
    )
    assert refusals == {words}


def test_nobody_changes_their_own_account(office: Office) -> None:
    boss = office.hire("boss", "admin")
    for terms in ({"roles": ["admin", "approver"]}, {"authority": 1e9}, {"branches": EVERY_BRANCH}, {"active": False}):
        with pytest.raises(NotAllowed, match="nobody changes their own account"):
            office.do(lambda act, terms=terms: change_account(act, "boss", **terms), by=boss)  # type: ignore[misc]  # bound now


def test_the_last_admin_stays(office: Office) -> None:
    office.hire("boss", "admin")
    for terms in ({"active": False}, {"roles": ["analyst"]}):
        with pytest.raises(Refused, match="boss is the last admin"):
            office.do(lambda act, terms=terms: change_account(act, "boss", **terms))  # type: ignore[misc]  # bound now
    office.hire("eva", "admin")
    office.do(lambda act: change_account(act, "boss", active=False))
    with pytest.raises(Refused, match="eva is the last admin"):
        office.do(lambda act: change_account(act, "eva", active=False))


def test_two_admins_who_switch_each_other_off_at_once_leave_one(office: Office) -> None:
    eva, boss = office.hire("eva", "admin"), office.hire("boss", "admin")
    with ThreadPoolExecutor(1) as threads:

        def switch_off_boss(act: Act) -> Future[Account]:
            change_account(act, "boss", active=False)
            late = threads.submit(lambda: office.do(lambda act: change_account(act, "eva", active=False), by=boss))
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)  # it waits until this act is over
            return late

        late = office.do(switch_off_boss, by=eva)
        with pytest.raises(NotSignedIn):
            late.result()
    assert [(account.name, account.active) for account in office.read(list_accounts)] == [
        ("boss", False),
        ("eva", True),
    ]


def test_an_admin_who_is_one_no_more_changes_nothing_more(office: Office) -> None:
    boss, eva = office.hire("boss", "admin"), office.hire("eva", "admin")
    office.do(lambda act: change_account(act, "boss", roles=["analyst"]), by=eva)
    with pytest.raises(NotAllowed):
        office.do(lambda act: add_account(act, "mallory", roles=["approver"]), by=boss)


def test_an_account_switched_off_by_whatever_hand_lets_nobody_in(office: Office) -> None:
    office.hire("ana", "officer")
    key, session = office.give_key("ana").secret, office.visit_session("ana")
    link = office.do(lambda act: make_link(act, "ana", random=office.random))
    office.enter(key)
    office.enter_session(session)
    accounts = metadata.tables["accounts"]
    office.store.transact(lambda connection: connection.execute(update(accounts).values(active=False)))
    with pytest.raises(NotSignedIn):
        office.enter(key)
    with pytest.raises(NotSignedIn):
        office.enter_session(session)
    with pytest.raises(NotSignedIn):
        office.follow(link)


def test_an_admin_who_was_switched_off_meanwhile_changes_nothing_more(office: Office) -> None:
    boss, eva = office.hire("boss", "admin"), office.hire("eva", "admin")
    office.do(lambda act: change_account(act, "boss", active=False), by=eva)
    with pytest.raises(NotSignedIn):
        office.do(lambda act: add_account(act, "mallory", roles=["approver"]), by=boss)
    assert office.read(find_account, "mallory") is None


def test_roles_and_branches_count_from_the_next_request_of_who_is_already_in(office: Office) -> None:
    office.hire("ana", "officer", branches=Branches.of("north"))
    secret = office.give_key("ana").secret
    office.do(lambda act: change_account(act, "ana", branches=Branches.of("south"), authority=3.0))
    assert office.enter(secret).branches == Branches.of("south")
    office.do(lambda act: change_account(act, "ana", roles=["analyst"]))
    assert office.enter(secret).roles == frozenset()


def test_switching_off_ends_everything_and_switching_on_brings_nothing_back(office: Office) -> None:
    office.hire("ana", "officer")
    secret = office.give_key("ana").secret
    office.set_password(office.visit("ana"))
    session = office.sign_in("ana").secret
    office.do(lambda act: change_account(act, "ana", active=False))
    office.wait(timedelta(seconds=1))
    office.do(lambda act: change_account(act, "ana", active=True))
    with pytest.raises(NotSignedIn):
        office.enter(secret)
    with pytest.raises(NotSignedIn):
        office.enter_session(session)
    assert office.sign_in("ana").actor.account == "ana"


def test_an_account_nobody_has_gets_the_nearest_name(office: Office) -> None:
    office.hire("anna", "officer")
    with pytest.raises(NotFound, match="there is no account 'ana' in use") as refused:
        office.do(lambda act: change_account(act, "ana", active=False))
    assert refused.value.mend == "anna"
