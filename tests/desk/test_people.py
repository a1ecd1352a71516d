"""One's own account, and everybody's: passwords, sessions, keys, links, roles, each on the record (R10, R13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.desk.conftest import Desk, Person, open_desk, read_words

WORDS = "correct horse battery staple"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as made:
        yield made


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
