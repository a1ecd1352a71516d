"""Passwords, sessions and links on both stores: rotated, expiring, once only, and silent about who exists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from roadworthy.access import (
    TRIES,
    TRY_WINDOW,
    Actor,
    Passwords,
    change_account,
    check_strength,
    end_session,
    ended_cookie,
    make_link,
    session_cookie,
    sign_out_everywhere,
)
from roadworthy.errors import NotAllowed, NotSignedIn, RoadworthyError, UsageError
from roadworthy.records import metadata
from tests.access.conftest import PASSWORD, CountingHasher, Office, everything_in

DAY = timedelta(days=1)


def employ(office: Office, name: str = "ana") -> Actor:
    office.hire(name, "officer")
    actor = office.visit(name)
    office.set_password(actor)
    return actor


def make(office: Office, account: str, by: Actor | None = None, **terms: timedelta) -> str:
    return office.do(lambda act: make_link(act, account, random=office.random, **terms), by)


def refusal(office: Office, name: str, password: str = PASSWORD) -> str:
    with pytest.raises(NotSignedIn) as refused:
        office.sign_in(name, password)
    return str(refused.value)


def is_signed_in(office: Office, secret: str) -> bool:
    try:
        office.enter_session(secret)
    except NotSignedIn:
        return False
    return True


def test_name_and_password_give_a_session_that_says_who_came_and_by_what(office: Office) -> None:
    employ(office)
    signed_in = office.sign_in(" Ana ")
    assert signed_in.actor == office.enter_session(signed_in.secret)
    assert (signed_in.actor.account, signed_in.actor.credential) == ("ana", "password:ana")
    assert signed_in.actor.roles == {"officer"}


def test_a_session_ends_with_its_time(office: Office) -> None:
    employ(office)
    secret = office.sign_in("ana").secret
    office.wait(timedelta(hours=8) - timedelta(microseconds=1))
    assert is_signed_in(office, secret)
    office.wait(timedelta(microseconds=1))
    assert not is_signed_in(office, secret)


def test_signing_in_gives_a_new_session_and_ends_the_one_the_browser_had(office: Office) -> None:
    employ(office)
    first, elsewhere = office.sign_in("ana").secret, office.sign_in("ana").secret
    second = office.sign_in("ana", previous=first).secret
    assert len({first, second, elsewhere}) == 3
    assert not is_signed_in(office, first)
    assert is_signed_in(office, second)
    assert is_signed_in(office, elsewhere)


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(office: Office) -> None:
    employ(office)
    planted = "rws_" + "A" * 43
    assert office.sign_in("ana", previous=planted).secret != planted
    assert not is_signed_in(office, planted)


def test_signing_out_ends_the_session_here_and_everywhere_ends_them_all(office: Office) -> None:
    ana = employ(office)
    one, two, three = (office.sign_in("ana").secret for _ in range(3))
    office.store.transact(lambda connection: end_session(connection, one))
    office.store.transact(lambda connection: end_session(connection, "none"))
    assert [is_signed_in(office, secret) for secret in (one, two, three)] == [False, True, True]
    office.do(lambda act: sign_out_everywhere(act, "ana"), by=ana)
    assert not is_signed_in(office, two)
    assert not is_signed_in(office, three)
    assert office.steps("account:ana")[-1] == "sessions_ended"


def test_only_oneself_and_an_admin_sign_somebody_out(office: Office) -> None:
    employ(office)
    eva, boss = office.hire("eva", "operator"), office.hire("boss", "admin")
    secret = office.sign_in("ana").secret
    with pytest.raises(NotAllowed):
        office.do(lambda act: sign_out_everywhere(act, "ana"), by=eva)
    assert is_signed_in(office, secret)
    office.do(lambda act: sign_out_everywhere(act, "ana"), by=boss)
    assert not is_signed_in(office, secret)


def test_old_sessions_are_swept_away(office: Office) -> None:
    employ(office)
    for _ in range(3):
        office.sign_in("ana")
    office.wait(DAY)
    office.sign_in("ana")
    rows = office.read(lambda connection: connection.execute(select(metadata.tables["sessions"])).all())
    assert len(rows) == 1


def test_the_answer_is_the_same_whoever_is_or_is_not_there(office: Office) -> None:
    employ(office)
    office.hire("nopass", "officer")
    gone = employ(office, "gone")
    office.do(lambda act: change_account(act, gone.account, active=False))
    answers = {
        refusal(office, name, password)
        for name in ("ana", "nopass", "gone", "nobody", "", "a\0b", "\ud800", "x" * 5000, "Robert'); DROP TABLE")
        for password in ("wrong", "", "x" * 100_000, "\ud800\0")
    }
    answers |= {refusal(office, name) for name in ("nopass", "gone", "nobody")}
    assert len(answers) == 1
    assert "ana" not in answers.pop()


def test_the_work_is_the_same_whoever_is_or_is_not_there(office: Office) -> None:
    employ(office)
    office.hire("nopass", "officer")
    refusal(office, "warm up")
    for name in ("ana", "nopass", "nobody", "a\0b"):
        before = office.hasher.checks
        refusal(office, name, "wrong password, this one")
        assert office.hasher.checks == before + 1


def test_after_ten_tries_a_name_waits_whether_it_is_an_accounts_or_not(office: Office) -> None:
    employ(office)
    for name in ("ana", "nobody"):
        answers = {refusal(office, name, "wrong") for _ in range(TRIES)}
        checks = office.hasher.checks
        answers.add(refusal(office, name))
        answers.add(refusal(office, name.upper()))
        assert len(answers) == 1
        assert office.hasher.checks == checks
    office.wait(TRY_WINDOW - timedelta(microseconds=1))
    refusal(office, "ana")
    office.wait(timedelta(microseconds=1))
    assert office.sign_in("ana").actor.account == "ana"


def test_a_sign_in_that_succeeds_forgets_the_tries_before_it(office: Office) -> None:
    employ(office)
    for _ in range(3):
        for _ in range(TRIES - 1):
            refusal(office, "ana", "wrong")
        office.sign_in("ana")


def test_tries_are_counted_also_when_they_come_at_once(office: Office) -> None:
    employ(office)

    def guess(_: int) -> bool:
        try:
            office.sign_in("ana", "wrong")
        except NotSignedIn:
            return True
        return False

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(guess, range(3 * TRIES)))
    assert office.hasher.checks == TRIES


def test_the_names_that_were_tried_are_not_kept(office: Office) -> None:
    refusal(office, "my-secret-password-in-the-wrong-field")
    assert "wrong-field" not in everything_in(office.store)
    office.wait(TRY_WINDOW)
    refusal(office, "other")
    tries = office.read(lambda connection: connection.execute(select(metadata.tables["sign_in_tries"])).all())
    assert len(tries) == 1


def test_a_new_password_ends_the_old_one_and_its_sessions(office: Office) -> None:
    ana = employ(office)
    session = office.sign_in("ana").secret
    office.set_password(ana, "another password, quite long")
    assert not is_signed_in(office, session)
    refusal(office, "ana")
    assert office.sign_in("ana", "another password, quite long").actor.account == "ana"
    assert office.steps("account:ana")[-1] == "password_set"


def test_a_password_changed_while_it_is_being_checked_does_not_let_in(office: Office) -> None:
    ana = employ(office)

    class Meanwhile(Passwords):
        def check(self, kept: str | None, password: str) -> bool:
            fits = super().check(kept, password)
            office.set_password(ana, "another password, quite long")
            return fits

    kept, office.passwords = office.passwords, Meanwhile(office.hasher)
    office.passwords.hash = kept.hash  # type: ignore[method-assign]  # the change itself is made as always
    refusal(office, "ana")


def test_a_hash_of_old_parameters_is_made_anew_at_the_next_sign_in(office: Office) -> None:
    employ(office)
    before = kept_password(office)
    office.passwords = Passwords(CountingHasher(memory_cost=16))
    office.sign_in("ana")
    after = kept_password(office)
    assert "m=8," in before
    assert "m=16," in after
    office.sign_in("ana")
    assert kept_password(office) == after


def kept_password(office: Office) -> str:
    accounts = metadata.tables["accounts"]
    return str(
        office.read(lambda c: c.execute(select(accounts.c.password).where(accounts.c.name == "ana")).scalar_one())
    )


def test_passwords_are_argon2id_of_64_mib_by_default_and_salted() -> None:
    assert Passwords().hash(PASSWORD, bytes).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    passwords = Passwords(CountingHasher())
    one, two = (passwords.hash(PASSWORD, Random(seed).randbytes) for seed in (1, 2))
    assert one != two
    assert passwords.check(one, PASSWORD)
    assert passwords.check(two, PASSWORD)
    assert not passwords.check(one, PASSWORD + " ")
    assert not passwords.check(None, PASSWORD)
    assert not passwords.check(None, "")
    assert not passwords.check("not a hash", PASSWORD)


def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    passwords = Passwords(CountingHasher())
    kept = passwords.hash("café crème brûlée", bytes)
    assert passwords.check(kept, "cafe\u0301 cre\u0300me bru\u0302le\u0301e")


@pytest.mark.parametrize("password", ["", "short", "x" * 257, "abababababababab"])
def test_a_weak_password_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_strength(password)
    assert not password or password not in str(refused.value)
    with pytest.raises(UsageError):
        Passwords(CountingHasher()).hash(password, bytes)


def test_a_link_signs_in_once(office: Office) -> None:
    office.hire("ana", "officer")
    link = make(office, "ana")
    old = office.follow(make(office, "ana")).secret
    signed_in = office.follow(link, previous=old)
    assert office.enter_session(signed_in.secret) == signed_in.actor
    assert signed_in.actor.credential.startswith("link:")
    assert not is_signed_in(office, old)
    with pytest.raises(NotSignedIn):
        office.follow(link)
    assert link not in everything_in(office.store)
    made, _, _, used = office.events("account:ana")[2:]
    assert (made[0], made[1].step) == ("console", "link_made")
    assert f"link:{made[1].details['link']}" == signed_in.actor.credential == used[1].credential
    assert (used[0], used[1].step) == ("ana", "link_used")


def test_a_key_sets_no_password(office: Office) -> None:
    office.hire("ana", "officer", "analyst")
    ana = office.enter(office.give_key("ana", roles=["officer"]).secret)
    with pytest.raises(NotAllowed, match="a key sets no password"):
        office.set_password(ana)
    office.set_password(office.follow(make(office, "ana")).actor)
    assert office.sign_in("ana").actor.roles == {"officer", "analyst"}


def test_of_many_who_follow_one_link_at_once_one_gets_in(office: Office) -> None:
    office.hire("ana", "officer")
    link = make(office, "ana")

    def attempt(_: int) -> bool:
        try:
            return bool(office.follow(link))
        except NotSignedIn:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


def test_a_link_is_short_lived_and_every_one_that_fails_fails_alike(office: Office) -> None:
    office.hire("ana", "officer")
    office.hire("gone", "officer")
    gone, signed_out = make(office, "gone"), make(office, "ana")
    office.do(lambda act: change_account(act, "gone", active=False))
    office.do(lambda act: sign_out_everywhere(act, "ana"))
    late, soon = (make(office, "ana", life=timedelta(minutes=1)) for _ in range(2))
    office.wait(timedelta(minutes=1) - timedelta(microseconds=1))
    office.follow(soon)
    office.wait(timedelta(microseconds=1))
    answers = set()
    for link in (late, gone, signed_out, "rwl_none", "", "\ud800\0"):
        with pytest.raises(NotSignedIn) as refused:
            office.follow(link)
        answers.add(str(refused.value))
    assert len(answers) == 1
    for life in (timedelta(), timedelta(days=4)):
        with pytest.raises(UsageError, match="a link lasts up to 3 days"):
            make(office, "ana", life=life)


def test_only_who_keeps_accounts_makes_links(office: Office) -> None:
    ana, boss = office.hire("ana", "officer"), office.hire("boss", "admin")
    for name in ("ana", "boss", "nobody"):
        with pytest.raises(NotAllowed):
            make(office, name, by=ana)
    assert office.follow(make(office, "ana", by=boss)).actor.account == "ana"
    with pytest.raises(UsageError):
        make(office, "nobody", by=boss)


def test_no_secret_of_one_kind_works_as_another(office: Office) -> None:
    ana = employ(office)
    key, session, link = office.give_key("ana").secret, office.sign_in("ana").secret, make(office, "ana")
    assert ana.account == "ana"
    for secret, entrance in [
        (session, office.enter), (link, office.enter), (key, office.enter_session), (link, office.enter_session),
        (key, lambda text: office.follow(text)), (session, lambda text: office.follow(text)),
    ]:  # fmt: skip
        with pytest.raises(NotSignedIn):
            entrance(secret)


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http() -> None:
    header = session_cookie("rws_x", timedelta(hours=8), secure=True).header()
    assert header == "__Host-roadworthy=rws_x; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax; Secure"
    here = session_cookie("rws_x", timedelta(hours=8), secure=False)
    assert here.header() == "roadworthy=rws_x; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax"
    assert (here.http_only, here.same_site, here.secure) == (True, "lax", False)
    assert "rws_x" not in repr(here)
    assert ended_cookie(secure=True).header().startswith("__Host-roadworthy=; Max-Age=0; ")


def test_nobody_sets_a_password_for_the_console_or_for_another(office: Office) -> None:
    with pytest.raises(RoadworthyError):
        office.set_password(office.console)
