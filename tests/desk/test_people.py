"""One's own account, and everybody's: passwords, sessions, keys, links, roles, each on the record (R10, R13)."""

from __future__ import annotations

import re
from datetime import timedelta

from roadworthy.access import ROLE_MEANINGS
from tests.desk.apart import desk
from tests.desk.conftest import Desk, Person, read_words

__all__ = ["desk"]

WORDS = "correct horse battery staple"


def secret(page: str) -> str:
    found = re.search(r'<p class="secret" tabindex="0">([^<]+)</p>', page)
    assert found is not None, read_words(page)
    return found[1]


def opens(desk: Desk, key: str) -> bool:
    desk.http.cookies.clear()
    status: int = desk.http.get("/v1/jobs", headers={"Authorization": f"Bearer {key}"}).status_code
    return status == 200


def test_a_password_is_set_changed_and_signs_in(desk: Desk) -> None:
    person = desk.hire("pia", "officer")
    elsewhere = Person(desk, "pia", dict(person.cookies))
    assert "Set your password" in read_words(person.get("/account").text)
    assert person.send("/account/password", new=WORDS, again="other").status_code == 422
    assert person.send("/account/password", new="short", again="short").status_code == 422
    assert "is set" in read_words(person.act("/account/password", new=WORDS, again=WORDS).text)
    assert elsewhere.get("/account").status_code == 303, "every other session has ended"
    wrong = person.send("/account/password", old="nonsense", new=WORDS + "!", again=WORDS + "!")
    assert (wrong.status_code, "the present password is another one" in wrong.text) == (422, True)
    person.act("/account/password", old=WORDS, new=WORDS + "!", again=WORDS + "!")
    fresh = Person(desk, "pia")
    signed_in = fresh._ask("POST", "/sign-in", data={"name": "pia", "password": WORDS + "!", "next": "/"})
    assert signed_in.status_code == 303
    assert fresh.get("/account").status_code == 200


def test_signing_out_everywhere_ends_this_session_too(desk: Desk) -> None:
    person = desk.hire("sam", "officer")
    elsewhere = Person(desk, "sam", dict(person.cookies))
    assert person.send("/account/sign-out").headers["Location"] == "/sign-in"
    assert person.get("/account").status_code == 303
    assert elsewhere.get("/account").status_code == 303


def test_ones_own_key_is_shown_once_replaced_and_revoked(desk: Desk) -> None:
    person = desk.hire("kim", "officer", "analyst")
    made = person.send("/account/keys", role="officer", days="30")
    first = secret(made.text)
    assert opens(desk, first)
    page = person.get("/account").text
    assert first not in page
    (key_id,) = re.findall(r'action="/account/keys/([0-9a-f]{12})/rotate"', page)
    second = secret(person.send(f"/account/keys/{key_id}/rotate").text)
    desk.house.late += timedelta(seconds=5)  # a key is believed for a second
    assert (opens(desk, first), opens(desk, second)) == (False, True)
    (key_id,) = re.findall(r'action="/account/keys/([0-9a-f]{12})/revoke"', person.get("/account").text)
    assert "opens nothing any more" in read_words(person.act(f"/account/keys/{key_id}/revoke").text)
    assert person.send("/account/keys", role="admin", days="30").status_code == 409
    assert person.send("/account/keys", days="9999").status_code == 422
    assert desk.come("officer").send(f"/account/keys/{key_id}/revoke").status_code == 404, "it is somebody else's"


def test_an_admin_adds_somebody_who_comes_by_the_link_once(desk: Desk) -> None:
    admin = desk.come("admin")
    added = admin.send("/people", name="Dora", role="officer", branches="N, S", authority="2,500")
    link = secret(added.text)
    assert "/sign-in?link=rwl_" in link
    page = read_words(admin.get("/people").text)
    assert "dora officer N, S 2,500 on" in page
    for status in (303, 401):
        came = Person(desk, "dora")._ask("POST", "/sign-in", data={"link": link.partition("link=")[2], "next": "/"})
        assert came.status_code == status
    refused = admin.send("/people", name="dora", role="officer", branches="N", authority="7")
    assert refused.status_code == 409
    assert 'value="dora"' in refused.text, "what was typed is kept"
    assert admin.send("/people", name="nobody", branches="N", authority="0").status_code == 422


def test_what_each_role_is_for_stands_beside_it_and_none_is_asked_for_in_words_of_the_page(desk: Desk) -> None:
    admin = desk.come("admin")
    page = read_words(admin.get("/people").text)
    for role, meaning in ROLE_MEANINGS.items():
        assert f"{role} {meaning}" in page
    none = read_words(admin.send("/people", name="nemo", branches="N").text)
    assert "no role is given" in none
    assert "--role" not in none, "that is for the command line"
    wrong = read_words(admin.send("/people", name="nemo", role="officer", authority="5,000 EUR").text)
    assert "what they may override alone is '5000EUR', which is no number" in wrong


def test_a_branch_is_taken_as_applications_name_it_and_a_new_one_is_said(desk: Desk) -> None:
    desk.decide("of-the-north", region="N")
    desk.house.late += timedelta(minutes=2)  # the branches are believed for one
    admin = desk.come("admin")
    added = read_words(admin.send("/people", name="nora", role="officer", branches="n, Atlantis").text)
    assert "No application names the branch Atlantis so far" in added
    assert "So far there is: N" in read_words(admin.get("/people/nora").text)
    assert "nora officer Atlantis, N" in read_words(admin.get("/people").text)
    changed = read_words(admin.act("/people/nora", role="officer", branches="n").text)
    assert "nora is changed" in changed
    assert "No application names" not in changed


def test_who_comes_by_a_link_is_told_to_set_a_password_and_a_spent_one_what_to_do(desk: Desk) -> None:
    admin = desk.come("admin")
    link = secret(admin.send("/people", name="lea", role="officer", branches="N").text).partition("link=")[2]
    came = Person(desk, "lea")
    assert came._ask("POST", "/sign-in", data={"link": link, "next": "/"}).status_code == 303
    assert "you have no password yet: set one under your name" in read_words(came.get("/").text)
    again = read_words(Person(desk, "lea")._ask("POST", "/sign-in", data={"link": link, "next": "/"}).text)
    assert "You are not signed in: this link was used before, is too old, or is not whole" in again
    assert "ask whoever made it for a new one" in again
    assert "key" not in again


def test_an_admin_changes_switches_off_and_signs_out(desk: Desk) -> None:
    admin, person = desk.come("admin"), desk.hire("eve", "officer")
    changed = admin.act("/people/eve", role=["officer", "analyst"], branches="*", authority="100")
    assert "eve is changed" in read_words(changed.text)
    assert person.get("/accuracy").status_code == 200
    admin.act("/people/eve/sign-out")
    assert person.get("/accuracy").status_code == 303
    link = secret(admin.send("/people/eve/link").text)
    off = admin.act("/people/eve/switch", active="off")
    assert "eve is switched off" in read_words(off.text)
    came = Person(desk, "eve")._ask("POST", "/sign-in", data={"link": link.partition("link=")[2], "next": "/"})
    assert came.status_code == 401
    admin.act("/people/eve/switch", active="on")
    assert "nobody changes their own account" in read_words(admin.get("/people/admin").text)
    assert admin.send("/people/admin", role="officer", branches="", authority="0").status_code == 403
    assert admin.get("/people/nobody").status_code == 404


def test_a_program_gets_its_keys_on_its_page(desk: Desk) -> None:
    admin = desk.come("admin")
    assert "now make its key" in read_words(admin.act("/people", name="shop", role="service", branches="*").text)
    key = secret(admin.send("/people/shop/keys", days="10").text)
    assert opens(desk, key)
    (key_id,) = re.findall(r"/people/shop/keys/([0-9a-f]{12})/rotate", admin.get("/people/shop").text)
    assert secret(admin.send(f"/people/shop/keys/{key_id}/rotate").text) != key
    assert opens(desk, key), "for one more day, so that the program need not stop"
    admin.act(f"/people/shop/keys/{key_id}/revoke")
    assert admin.send("/people/officer/keys", days="10").status_code == 403, "people make their own"


def test_who_keeps_no_accounts_sees_none(desk: Desk) -> None:
    officer = desk.come("officer")
    assert officer.get("/people").status_code == 403
    assert officer.send("/people", name="mallory", role="admin").status_code == 403
    assert 'href="/people"' not in officer.get("/").text
