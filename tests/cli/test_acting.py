"""Who acts from the command line: by --as in a trial, by key, by sign-in, or from the store's own machine."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PASSWORD = "correct horse battery staple"  # noqa: S105  # a made-up person's


def test_a_command_on_no_store_says_how_one_begins(run: Run, product_folder: Path) -> None:
    for words in ("release list", "verify", "stop", "user list", "key list", "tables list", "outcomes gains", "serve"):
        code, out, err = run(words)
        assert (code, out) == (3, ""), words
        assert "trial on" in err
    assert not (product_folder / "roadworthy.db").exists()


def test_no_store_is_begun_in_a_folder_that_is_no_products(run: Run, tmp_path: Path) -> None:
    for words in ("trial on", "user add ana --role analyst", "key add shop --role service", "release create"):
        code, _, err = run(words, "-C", str(tmp_path))
        assert code == 2, words
        assert "no product.yaml" in err
    assert list(tmp_path.glob("*.db")) == []


def test_who_sits_at_the_store_founds_it_and_does_no_more(run: Run) -> None:
    assert run("user add ana --role analyst")[0] == 0
    for words, role in (("release create", "analyst"), ("stop", "analyst"), ("backup b.zip", "operator")):
        code, _, err = run(words)
        assert code == 1, words
        assert "console may not" in err
        assert f"roadworthy user add NAME --role {role}" in err
    assert run("user add root --role admin")[0] == 0
    code, _, err = run("user add ben --role approver")
    assert code == 1
    assert "nobody acts without a key" in err
    code, out, _ = run("user add ben --role approver --break-glass", "root left the house")
    assert code == 0
    assert "added ben" in out


def test_a_key_is_printed_alone_and_acts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user add ana --role analyst")
    code, key, said = run("key add ana")
    assert code == 0
    assert key.startswith("rwk_")
    assert len(key.split()) == 1
    assert "rwk_" not in said
    monkeypatch.setenv("ROADWORTHY_KEY", key.strip())
    assert run("release list")[0] == 0
    code, _, err = run("user add ben --role approver")
    assert code == 1
    assert "ana may not" in err
    monkeypatch.setenv("ROADWORTHY_KEY", "rwk_nonsense")
    code, _, err = run("release list")
    assert code == 1
    assert "lets nobody in" in err
    assert "nonsense" not in err


def test_a_program_is_made_with_its_key_and_a_person_is_not(run: Run) -> None:
    code, out, _ = run("key add webshop --role service --json")
    assert code == 0
    made = json.loads(out)
    assert (made["account"], made["roles"]) == ("webshop", ["service"])
    accounts = json.loads(run("user list --json")[1])["accounts"]
    assert accounts[0]["branches"] == ["*"]
    code, _, err = run("key add ana --role analyst")
    assert code == 2
    assert "no account 'ana'" in err
    assert run("key revoke", made["key_id"])[0] == 0
    assert json.loads(run("key list webshop --json")[1])["keys"][0]["state"] == "revoked"


def test_a_link_signs_in_once_and_sets_a_password(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user add root --role admin")
    link = json.loads(run("user link root --json --break-glass", "the first link was lost")[1])["link"]
    monkeypatch.setattr("sys.stdin", StringIO("short\n"))
    code, _, err = run("login root --password-stdin --link", link)
    assert code == 2, "a weak password spends no link"
    assert "signs, not 12 to 256" in err
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    code, out, _ = run("login root --password-stdin --link", link)
    assert code == 0
    assert "signed in as root (admin)" in out
    (kept,) = (tmp_path / "config" / "roadworthy" / "sign-ins").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run("user add ana --role analyst")[0] == 0, "the sign-in acts"
    assert run("key add root")[0] == 0, "signed in, one makes one's own key"
    assert run("login --end")[0] == 0
    assert run("user list")[0] == 1
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    code, _, err = run("login ana --password-stdin --link", link)
    assert code == 1
    assert "lets nobody in" in err
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    assert run("login root --password-stdin")[0] == 0
    monkeypatch.setattr("sys.stdin", StringIO("another horse battery staple\n"))
    assert run("login root --password-stdin")[0] == 1


def test_a_link_for_somebody_else_signs_nobody_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    link = json.loads(run("user add ana --role analyst --json")[1])["link"]
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    code, _, err = run("login ben --password-stdin --link", link)
    assert code == 1
    assert "not for ben" in err
    assert run("release list")[0] == 1, "the console reads no release"


def test_a_password_is_not_asked_for_where_nobody_can_type(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user add ana --role analyst")
    monkeypatch.setattr("sys.stdin", StringIO())
    code, _, err = run("login ana")
    assert code == 2
    assert "--password-stdin" in err


def test_a_sign_in_that_is_over_names_the_way_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    link = json.loads(run("user add ana --role analyst --json")[1])["link"]
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    assert run("login ana --password-stdin --link", link)[0] == 0
    assert run("release list")[0] == 0
    assert run("user off ana --break-glass", "she left")[0] == 0
    code, _, err = run("release list")
    assert code == 1
    assert "the sign-in of ana is over" in err
    assert "roadworthy login --end" in err
    assert run("login --end")[0] == 0
    assert run("user list")[0] == 0


def test_as_acts_in_a_trial_alone(run: Run) -> None:
    assert run("trial on")[0] == 0
    assert run("user add ana --role analyst")[0] == 0
    assert run("release list --as ana")[0] == 0
    code, _, err = run("user list --as ana")
    assert code == 1
    assert "ana may not" in err
    code, _, err = run("release list --as bob")
    assert code == 2
    assert "no account 'bob'" in err


def test_a_real_store_knows_no_as_and_becomes_no_trial(run: Run) -> None:
    assert run("user add ana --role analyst")[0] == 0
    code, _, err = run("release list --as ana")
    assert code == 1
    assert "--as works only in a trial" in err
    code, _, err = run("trial on")
    assert code == 1
    assert "not empty" in err


def test_accounts_change_and_are_switched_off(run: Run) -> None:
    run("user add ana --role analyst --branch north --authority 5000")
    key_id = json.loads(run("key add ana --json")[1])["key_id"]
    shown = json.loads(run("user change ana --role officer --role analyst --branch south --json")[1])
    assert (shown["roles"], shown["branches"], shown["authority"]) == (["analyst", "officer"], ["south"], 5000.0)
    assert run("user change ana")[0] == 2
    assert run("user off ana")[0] == 0
    assert (
        json.loads(run("key list --json")[1])["keys"][0] | {"state": "revoked"}
        == json.loads(run("key list ana --json")[1])["keys"][0]
    )
    assert run("key rotate", key_id)[0] == 2
    assert run("user change ana --on")[0] == 0


def test_a_key_is_rotated_by_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = json.loads(run("key add webshop --role service --json")[1])
    monkeypatch.setenv("ROADWORTHY_KEY", made["key"])
    code, new, _ = run("key rotate --overlap-hours 1", made["key_id"])
    assert code == 0
    assert new.startswith("rwk_")
    states = [key["state"] for key in json.loads(run("key list --json")[1])["keys"]]
    assert states == ["open", "open"]
