"""Trial stores, and who acts without a key (interface.md: --as and the trial; promises.md: break-glass is a record)."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from roadworthy.access import (
    ROLES,
    Act,
    Actor,
    act_as,
    add_account,
    are_two_people,
    begin_trial,
    change_account,
    console_actor,
    list_accounts,
    may,
)
from roadworthy.errors import NotFound, NotSignedIn, Refused, RoadworthyError, UsageError
from roadworthy.records import Store, metadata
from tests.access.conftest import Office


def begin(office: Office) -> None:
    begin_trial(office.store, now=office.now, recorder=office.recorder)


def test_a_trial_begins_in_an_empty_store_and_is_a_record(store: Store) -> None:
    office = Office(store)
    begin(office)
    assert store.facts().trial
    assert office.steps("store") == ["trial_begun"]
    assert all(record.trial for record in store.ledger.read().records)
    with pytest.raises(Refused, match="this is a trial already"):
        begin(office)


def test_a_trial_does_not_begin_once_there_is_anything_and_never_ends(store: Store) -> None:
    office = Office(store)
    office.do(lambda act: add_account(act, "ana", roles=["analyst"]))
    with pytest.raises(Refused, match="the store is not empty"):
        begin(office)
    with pytest.raises(Refused):
        store.declare_trial()
    assert not store.facts().trial


def test_the_database_itself_keeps_a_trial_a_trial(store: Store) -> None:
    begin(Office(store))
    table = metadata.tables["store"]
    with pytest.raises(Exception, match="a trial is declared in an empty store, and never undone"):
        store.transact(lambda connection: connection.execute(update(table).values(trial=False)))
    assert store.facts().trial


def test_in_a_trial_the_console_may_all_that_any_role_may(office: Office) -> None:
    console = office.read(console_actor, trial=True)
    assert console.roles == set(ROLES)
    assert may(console, "release.create")
    assert may(console, "release.approve")
    assert may(console, "decision.read", branch=None)


def test_outside_a_trial_the_console_founds_the_house_and_then_is_nobody(office: Office) -> None:
    console = office.read(console_actor, trial=False)
    assert console.roles == {"admin"}
    office.hire("ana", "analyst")
    assert office.read(console_actor, trial=False).roles == {"admin"}
    office.hire("boss", "admin")
    with pytest.raises(NotSignedIn, match="this store has an admin"):
        office.read(console_actor, trial=False)


def test_breaking_the_glass_takes_a_reason_that_stands_in_the_record(office: Office) -> None:
    office.hire("boss", "admin")
    console = office.read(console_actor, trial=False, break_glass=True)
    assert console.roles == {"admin"}
    for reason in ("", "  "):
        with pytest.raises(UsageError, match="whoever breaks the glass says why"):
            office.do(lambda act: add_account(act, "eva", roles=["admin"]), by=console, reason=reason)
    office.do(lambda act: add_account(act, "eva", roles=["admin"]), by=console, reason="boss lost every key")
    ((actor, event),) = office.events("account:eva")
    assert (actor, event.credential, event.reason) == ("console", "break-glass", "boss lost every key")


def test_as_name_works_in_a_trial_only_and_only_for_an_account_in_use(office: Office) -> None:
    office.hire("ana", "analyst")
    office.hire("ben", "approver")
    office.hire("gone", "approver")
    office.do(lambda act: change_account(act, "gone", active=False))
    ana, ben = (office.read(act_as, name, trial=True) for name in ("ana", "ben"))
    assert (ana.account, sorted(ana.roles), ana.credential) == ("ana", ["analyst"], "console")
    assert not are_two_people(ana, ben)
    for name in ("ana", "nobody"):
        with pytest.raises(Refused, match="--as works only in a trial"):
            office.read(act_as, name, trial=False)
    for name in ("gone", "nobody", "a\0b"):
        with pytest.raises(NotFound, match="there is no account") as refused:
            office.read(act_as, name, trial=True)
        assert refused.value.available == ["ana", "ben"]


def test_nobody_passes_for_the_console_by_an_accounts_name(office: Office) -> None:
    with pytest.raises(UsageError, match="console is whoever sits at the store itself"):
        office.do(lambda act: add_account(act, "console", roles=["admin"]))
    assert office.read(list_accounts) == []


def test_an_act_needs_a_moment_with_a_time_zone(office: Office) -> None:
    naive = office.now.replace(tzinfo=None)
    with pytest.raises(RoadworthyError, match="has no time zone"):
        office.store.transact(
            lambda connection: add_account(
                Act(connection, office.console, naive, office.recorder), "a", roles=["admin"]
            )
        )


def test_a_made_up_actor_of_no_account_changes_nothing(office: Office) -> None:
    ghost = Actor(account="ghost", credential="key:0", roles=frozenset(ROLES))
    with pytest.raises(NotSignedIn):
        office.do(lambda act: add_account(act, "eva", roles=["admin"]), by=ghost)
