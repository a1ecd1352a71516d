"""API keys on both stores: 256 random bits, hashed, scoped, expiring, rotating, revocable, of one account each."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from roadworthy.access import Branches, KeyRing, NewKey, actor_by_key, change_account, list_keys, revoke_key, rotate_key
from roadworthy.errors import NotAllowed, NotFound, NotSignedIn, Refused, UsageError
from roadworthy.records import metadata, to_us
from tests.access.conftest import Office, everything_in

DAY = timedelta(days=1)


def rotate(office: Office, key: NewKey, **terms: timedelta) -> NewKey:
    return office.do(lambda act: rotate_key(act, key.key.key_id, random=office.random, **terms))


def revoke(office: Office, key: NewKey) -> None:
    office.do(lambda act: revoke_key(act, key.key.key_id))


def is_let_in(office: Office, key: NewKey) -> bool:
    try:
        return office.enter(key.secret).account == key.key.account
    except NotSignedIn:
        return False


def test_a_key_lets_its_account_in_with_its_roles_and_branches(office: Office) -> None:
    office.hire("ana", "officer", "analyst", branches=Branches.of("north"), authority=9.0)
    key = office.give_key("ana", roles=["analyst"])
    actor = office.enter(key.secret)
    assert (actor.account, actor.credential) == ("ana", f"key:{key.key.key_id}")
    assert actor.roles == {"analyst"}
    assert actor.branches == Branches.of("north")
    assert actor.authority == 9.0


def test_a_key_is_256_random_bits_and_is_known_for_what_it_is(office: Office) -> None:
    asked = []

    def random(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    office.hire("shop", "service")
    office.random = random
    key = office.give_key("shop")
    assert asked == [32]
    assert re.fullmatch(r"rwk_[A-Za-z0-9_-]{43}", key.secret)
    assert key.key.key_id == sha256(key.secret.encode()).hexdigest()[:12]


def test_a_source_that_gives_too_few_bits_makes_no_key(office: Office) -> None:
    office.hire("shop", "service")
    office.random = lambda count: bytes(count - 1)
    with pytest.raises(ValueError, match="gave 31 bytes, not 32"):
        office.give_key("shop")


def test_the_store_keeps_no_secret_and_neither_do_records_and_representations(office: Office) -> None:
    office.hire("ana", "officer")
    key = office.give_key("ana")
    office.set_password(office.visit("ana"))
    signed_in = office.sign_in("ana")
    kept = everything_in(office.store) + repr(key) + repr(signed_in) + repr(office.read(list_keys))
    assert sha256(key.secret.encode()).hexdigest() in kept
    for secret in (key.secret, signed_in.secret, "correct horse"):
        assert secret not in kept


def test_a_key_is_a_record_of_who_made_it_for_whom_and_until_when(office: Office) -> None:
    office.hire("boss", "admin")
    office.hire("shop", "service")
    boss = office.enter(office.give_key("boss").secret)
    key = office.give_key("shop", by=boss, life=DAY)
    actor, event = office.events("account:shop")[-1]
    assert (actor, event.step, event.credential) == ("boss", "key_added", boss.credential)
    assert event.details == {"key": key.key.key_id, "roles": ["service"], "expires": "2026-11-02T09:00:00Z"}
    assert key.key in office.read(list_keys, "shop")
    assert key.key.made_by == "boss"


def test_a_key_opens_until_it_expires_and_not_at_that_moment(office: Office) -> None:
    office.hire("shop", "service")
    key = office.give_key("shop", life=DAY)
    office.wait(DAY - timedelta(microseconds=1))
    assert is_let_in(office, key)
    office.wait(timedelta(microseconds=1))
    assert not is_let_in(office, key)


def test_a_revoked_key_opens_nothing_from_the_next_request(office: Office) -> None:
    office.hire("shop", "service")
    key, other = office.give_key("shop"), office.give_key("shop")
    revoke(office, key)
    revoke(office, key)
    assert not is_let_in(office, key)
    assert is_let_in(office, other)
    assert office.steps("account:shop").count("key_revoked") == 1
    assert [found.revoked_at for found in office.read(list_keys, "shop") if found.key_id == key.key.key_id] == [
        office.now
    ]


def test_rotating_gives_a_new_key_and_the_old_one_opens_for_the_overlap_only(office: Office) -> None:
    office.hire("shop", "service")
    old = office.give_key("shop", life=10 * DAY)
    new = rotate(office, old, overlap=DAY)
    assert new.key.roles == old.key.roles
    assert new.secret != old.secret
    assert is_let_in(office, old)
    office.wait(DAY)
    assert not is_let_in(office, old)
    assert is_let_in(office, new)
    newest = rotate(office, new)
    assert not is_let_in(office, new)
    assert is_let_in(office, newest)
    _, event = office.events("account:shop")[-1]
    assert event.step == "key_rotated"
    assert event.details["instead_of"] == new.key.key_id
    assert event.details["key"] == newest.key.key_id


def test_rotating_never_makes_the_old_key_last_longer(office: Office) -> None:
    office.hire("shop", "service")
    old = office.give_key("shop", life=DAY)
    rotate(office, old, overlap=30 * DAY)
    office.wait(DAY)
    assert not is_let_in(office, old)


def test_a_key_that_opens_nothing_is_not_rotated(office: Office) -> None:
    office.hire("shop", "service")
    revoked, expired = office.give_key("shop"), office.give_key("shop", life=DAY)
    revoke(office, revoked)
    office.wait(2 * DAY)
    for key in (revoked, expired):
        with pytest.raises(Refused, match="opens no more"):
            rotate(office, key)


def test_every_key_that_lets_nobody_in_gets_the_same_words(office: Office) -> None:
    office.hire("shop", "service")
    office.hire("gone", "service")
    gone, revoked, expired = office.give_key("gone"), office.give_key("shop"), office.give_key("shop", life=DAY)
    office.do(lambda act: change_account(act, "gone", active=False))
    revoke(office, revoked)
    office.wait(DAY)
    answers = set()
    for secret in (gone.secret, revoked.secret, expired.secret, "rwk_" + "A" * 43, "", "é\0\ud800", "x" * 10_000):
        with pytest.raises(NotSignedIn) as refused:
            office.enter(secret)
        answers.add(str(refused.value))
    assert len(answers) == 1
    assert "shop" not in answers.pop()


def test_two_names_on_one_key_are_refused_by_the_code_and_by_the_database(office: Office) -> None:
    office.hire("ana", "analyst")
    office.hire("ben", "approver")
    office.random = lambda count: b"7" * count
    key = office.give_key("ana")
    with pytest.raises(Refused, match="this key exists already"):
        office.give_key("ben")
    keys = metadata.tables["api_keys"]
    row = {
        "digest": sha256(key.secret.encode()).hexdigest(), "key_id": "0" * 12, "account": "ben", "roles": "[]",
        "made_by": "eve", "made_us": 1, "expires_us": to_us(office.now + DAY),
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        office.store.transact(lambda connection: connection.execute(insert(keys).values(row)))
    assert office.enter(key.secret).account == "ana"


def test_the_database_refuses_a_key_of_nobody_and_one_that_never_opens(office: Office) -> None:
    office.hire("ana", "analyst")
    keys = metadata.tables["api_keys"]
    for changes in ({"account": "nobody"}, {"expires_us": 0}):
        with pytest.raises(IntegrityError):
            office.store.transact(
                lambda connection, changes=changes: connection.execute(update(keys).values(changes))  # type: ignore[misc]  # bound now
            )


def test_a_key_has_some_of_its_accounts_roles_and_loses_those_the_account_loses(office: Office) -> None:
    office.hire("ana", "officer", "analyst")
    with pytest.raises(Refused, match="ana has no such role") as refused:
        office.give_key("ana", roles=["approver"])
    assert refused.value.available == ["analyst", "officer"]
    with pytest.raises(UsageError, match="there is no role 'root'"):
        office.give_key("ana", roles=["root"])
    key = office.give_key("ana", roles=["officer"])
    office.do(lambda act: change_account(act, "ana", roles=["analyst"]))
    assert office.enter(key.secret).roles == frozenset()
    with pytest.raises(Refused):
        rotate(office, key)


def test_people_make_their_own_keys_and_a_key_makes_no_other(office: Office) -> None:
    office.hire("ana", "officer", "analyst")
    strong, weak = office.give_key("ana", roles=["analyst"]), office.give_key("ana", roles=["officer"])
    by_key = office.enter(weak.secret)
    with pytest.raises(NotAllowed, match="a key makes no other key"):
        office.give_key("ana", by=by_key, roles=["officer"])
    with pytest.raises(NotAllowed, match="a key rotates itself only"):
        office.do(lambda act: rotate_key(act, strong.key.key_id, random=office.random), by=by_key)
    by_link = office.visit("ana")
    assert office.give_key("ana", by=by_link, roles=["officer"]).key.made_by == "ana"
    office.do(lambda act: rotate_key(act, strong.key.key_id, random=office.random), by=by_link)
    with pytest.raises(Refused, match="ana has no such role"):
        office.give_key("ana", by=replace(by_link, roles=frozenset({"officer", "admin"})), roles=["admin"])


def test_an_admin_makes_keys_for_programs_and_not_for_people(office: Office) -> None:
    boss = office.hire("boss", "admin")
    office.hire("ana", "analyst")
    office.hire("crm", "officer", "service")
    office.hire("shop", "service")
    for person in ("ana", "crm"):
        with pytest.raises(NotAllowed, match=f"{person} is a person, who makes keys alone"):
            office.give_key(person, by=boss)
    program = office.give_key("shop", by=boss)
    office.do(lambda act: rotate_key(act, program.key.key_id, random=office.random), by=boss)


def test_others_neither_make_nor_change_nor_learn_of_keys_that_are_not_theirs(office: Office) -> None:
    eva = office.hire("eva", "operator")
    office.hire("shop", "service")
    key = office.give_key("shop")
    attempts = {
        NotAllowed: (lambda: office.give_key("shop", by=eva), lambda: office.give_key("nobody", by=eva)),
        NotFound: (
            lambda: office.do(lambda act: revoke_key(act, key.key.key_id), by=eva),
            lambda: office.do(lambda act: revoke_key(act, "0" * 12), by=eva),
            lambda: office.do(lambda act: rotate_key(act, key.key.key_id, random=office.random), by=eva),
        ),
    }
    for refusal, alike in attempts.items():
        answers = set()
        for attempt in alike:
            with pytest.raises(refusal) as refused:
                attempt()
            answers.add(str(refused.value))
        assert len(answers) == 1
    assert is_let_in(office, key)


def test_a_program_rotates_and_revokes_its_own_key(office: Office) -> None:
    office.hire("shop", "service")
    old = office.give_key("shop")
    shop = office.enter(old.secret)
    new = office.do(lambda act: rotate_key(act, old.key.key_id, random=office.random), by=shop)
    assert is_let_in(office, new)
    office.do(lambda act: revoke_key(act, new.key.key_id), by=shop)
    assert not is_let_in(office, new)


@pytest.mark.parametrize("life", [timedelta(), -DAY, timedelta(days=366)])
def test_a_key_lasts_some_time_and_at_most_a_year(office: Office, life: timedelta) -> None:
    office.hire("shop", "service")
    with pytest.raises(UsageError, match="a key lasts up to 365 days"):
        office.give_key("shop", life=life)


def test_a_key_nobody_has_an_account_nobody_has_and_a_negative_overlap_are_wrong_use(office: Office) -> None:
    office.hire("shop", "service")
    key = office.give_key("shop")
    for key_id in ("0" * 12, "", "é\0", "x" * 99):
        with pytest.raises(NotFound, match="there is no key"):
            office.do(lambda act, key_id=key_id: revoke_key(act, key_id))  # type: ignore[misc]  # bound now
    with pytest.raises(NotFound, match="there is no account 'shap' in use") as refused:
        office.give_key("shap")
    assert refused.value.mend == "shop"
    with pytest.raises(UsageError, match="an overlap of"):
        rotate(office, key, overlap=-DAY)


def test_a_key_ring_believes_the_store_for_a_second(office: Office) -> None:
    office.hire("shop", "service")
    key = office.give_key("shop", life=timedelta(seconds=4))
    ring = KeyRing(office.store)
    assert ring.actor(key.secret, office.now) == office.read(actor_by_key, key.secret, office.now)
    revoke(office, key)
    office.wait(timedelta(seconds=1) - timedelta(microseconds=1))
    assert ring.actor(key.secret, office.now).account == "shop"
    office.wait(timedelta(microseconds=1))
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            ring.actor(key.secret, office.now)


def test_a_key_ring_lets_nobody_in_after_expiry_nor_when_the_clock_goes_back(office: Office) -> None:
    office.hire("shop", "service")
    key = office.give_key("shop", life=timedelta(milliseconds=500))
    ring = KeyRing(office.store, most=1)
    ring.actor(key.secret, office.now)
    with pytest.raises(NotSignedIn):
        ring.actor(key.secret, office.now + timedelta(milliseconds=500))
    key = office.give_key("shop")
    ring.actor(key.secret, office.now + DAY)
    revoke(office, key)
    with pytest.raises(NotSignedIn):
        ring.actor(key.secret, office.now)
    with pytest.raises(NotSignedIn):
        ring.actor("rwk_none", office.now)


def test_a_key_ring_holds_no_more_keys_than_it_should_and_no_secret(office: Office) -> None:
    office.hire("shop", "service")
    ring = KeyRing(office.store, most=2)
    keys = [office.give_key("shop") for _ in range(5)]
    for key in keys:
        assert ring.actor(key.secret, office.now).credential == f"key:{key.key.key_id}"
        assert key.secret not in repr(vars(ring))
        assert len(vars(ring)["_known"]) <= 2
