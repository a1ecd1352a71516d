"""From release to outcome by commands alone: every step, its refusals, and what it leaves behind."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from roadworthy.cli import build_app, obey
from roadworthy.erasure import open_kept_store
from roadworthy.lifecycle import list_switches
from roadworthy.settings import read_settings
from roadworthy.testing import make_applications
from tests.cli.conftest import Run


@pytest.fixture
def trial(run: Run) -> Run:
    """The product in a trial, release 1 live."""
    assert run("trial on")[0] == 0
    assert run("release create")[0] == 0
    assert run("release promote 1")[0] == 0
    return run


@pytest.fixture
def people(run: Run, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A real store, of either kind, with analyst, approver and operator; `NAME: COMMAND` acts with a key of theirs."""
    monkeypatch.setenv("ROADWORTHY_STORE", store_url)
    keys = {}
    for name, role in (("ana", "analyst"), ("ben", "approver"), ("omar", "operator")):
        assert run(f"user add {name} --role {role}")[0] == 0
        keys[name] = run(f"key add {name}")[1].strip()

    def act(words: str, *more: str) -> tuple[int, str, str]:
        name, _, command = words.partition(": ")
        monkeypatch.setenv("ROADWORTHY_KEY", keys[name])
        return run(command, *more)

    return act


def change_policy(folder: Path) -> None:
    """Another policy, which makes another release."""
    path = folder / "policy.yaml"
    text = path.read_text()
    assert "base_score: 600" in text
    path.write_text(text.replace("base_score: 600", "base_score: 500"))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_release_needs_two_people(people: Run) -> None:
    assert people("ana: release create --note", "the model of spring")[0] == 0
    assert "created by ana: the model of spring" in people("ben: release show 1")[1]
    code, _, err = people("ben: release promote 1")
    assert code == 1
    assert "not approved" in err
    assert people("ana: release submit 1")[0] == 0
    code, _, err = people("ana: release approve 1")
    assert code == 1
    assert "ana may not" in err
    assert people("ben: release reject 1")[0] == 2, "a rejection says why"
    assert people("ben: release reject 1 --note", "too early")[0] == 0
    assert people("ana: release submit 1 --note", "as agreed")[0] == 0
    assert people("ben: release approve 1")[0] == 0
    assert people("ben: release promote 1 --reason", "the quarter begins")[0] == 0
    code, out, _ = people("ana: release list")
    assert code == 0
    assert "live" in out
    assert "approved by ben" in out
    code, out, _ = people("ana: release show 1")
    assert "rejected by ben: too early" in out
    assert "promoted by ben: the quarter begins" in out
    shown = json.loads(people("ana: release show 1 --json")[1])
    assert [step["step"] for step in shown["steps"]][-2:] == ["approved", "promoted"]
    code, _, err = people("ana: release show 7")
    assert code == 2
    assert "available: 1" in err


def test_a_product_without_a_purpose_becomes_a_release_in_a_trial_alone(
    run: Run, product_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R1: nothing goes live before its purpose is stated; and a trial starts nothing that is real."""
    path = product_folder / "product.yaml"
    stated = path.read_text()
    path.write_text(stated.replace("owner: Ana Ruiz", "owner:"))
    assert path.read_text() != stated
    assert run("trial on")[0] == 0
    assert run("release create")[0] == 0
    code, out, _ = run("release promote 1")
    assert code == 0
    assert "the purpose is not stated in full: purpose.owner" in out
    (product_folder / "roadworthy.db").unlink()
    for left in product_folder.glob("roadworthy.db-*"):
        left.unlink()
    assert run("user add ana --role analyst")[0] == 0
    monkeypatch.setenv("ROADWORTHY_KEY", run("key add ana")[1].strip())
    code, _, err = run("release create")
    assert code == 1
    assert "the purpose does not state: owner" in err
    assert "product.yaml, line" in err


def test_a_product_with_a_fault_becomes_no_release(run: Run, product_folder: Path) -> None:
    path = product_folder / "policy.yaml"
    path.write_text(path.read_text().replace("answer: approve}", "answer: refer}"))
    run("trial on")
    code, _, err = run("release create")
    assert code == 1
    assert "case 'an ordinary applicant at a low PD' failed" in err
    assert run("release list")[1] == "no release yet: roadworthy release create\n"


def test_what_was_tried_starts_again_for_real(trial: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release of a trial, byte for byte, in a store of its own: with two people this time."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "roadworthy.toml").write_text('store = "sqlite:///real.db"\n')
    assert trial("user add ana --role analyst -C", str(real))[0] == 0
    key = trial("key add ana -C", str(real))[1].strip()
    tried = json.loads(trial("release show 1 --json")[1])
    monkeypatch.setenv("ROADWORTHY_KEY", key)
    code, out, err = trial("release create --json --from-trial . -C", str(real))
    assert code == 0, err
    assert json.loads(out)["manifest"] == tried["manifest"]
    code, _, err = trial("release create --from-trial", str(real), "-C", str(real))
    assert code == 2
    assert "this is no trial" in err


def test_the_stop_switch_and_who_was_live(trial: Run, product_folder: Path) -> None:
    before = datetime.now(UTC)
    code, out, _ = trial("stop --reason", "wrong data")
    assert code == 0
    assert "stopped" in out
    assert "every application went to people" in trial("release who-was-live")[1]
    code, out, _ = trial("resume --reason", "the data are mended")
    assert out.startswith("resumed: release 1 decides\n")
    change_policy(product_folder)
    assert trial("release create")[0] == 0
    assert trial("release promote 2")[0] == 0
    then = json.loads(trial("release who-was-live --json", before.isoformat())[1])
    assert (then["release"], then["stopped"]) == ("1", False)
    code, out, _ = trial("release rollback --reason", "declines doubled")
    assert out.startswith("release 1 is live again")
    assert trial("release rollback")[0] == 1
    assert trial("release who-was-live 2020-01-01")[1].endswith("no release was live\n")
    assert trial("release who-was-live", "yesterday")[0] == 2


def test_whoever_stops_or_resumes_says_why_and_the_record_has_it(trial: Run, product_folder: Path) -> None:
    """As on the page: no reason, no change; and what stands in the records is what is said back."""
    for command in ("stop", "resume"):
        code, _, err = trial(command)
        assert code == 2
        assert "says why" in err
        assert f'roadworthy {command} "' in err
    assert "stopped" not in trial("release who-was-live")[1]
    out = trial("stop", "the bureau's data are wrong")[1]
    assert "on the record: console at " in out
    assert out.endswith("“the bureau's data are wrong”\n")
    out = trial("stop", "again")[1]
    assert out.endswith("“the bureau's data are wrong”\n"), "it was stopped already: nothing changed"
    assert json.loads(trial("resume --json", "mended")[1])["route"]["stopped"] is False
    with open_kept_store(read_settings(product_folder, {}), now=datetime.now(UTC)) as store:
        assert [one.reason for one in list_switches(store)] == ["the bureau's data are wrong", "mended"]


def test_a_roll_back_says_why_and_is_not_told_a_release(trial: Run, product_folder: Path) -> None:
    """R10: a number in the reason's place is a release that somebody wants to go back to, which would not happen."""
    change_policy(product_folder)
    trial("release create")
    trial("release promote 2")
    code, _, err = trial("release rollback 1")
    assert code == 2
    assert "promote 1" in err
    assert trial("release show 2")[1].startswith("release 2: live")
    code, out, _ = trial("release rollback", "declines doubled")
    assert (code, out.splitlines()[0]) == (0, "release 1 is live again, instead of release 2: declines doubled")
    assert "restored by console: declines doubled" in trial("release show 1")[1]


def test_a_roll_back_without_a_reason_says_that_none_is_on_the_record(trial: Run, product_folder: Path) -> None:
    change_policy(product_folder)
    trial("release create")
    trial("release promote 2")
    code, out, _ = trial("release rollback")
    assert code == 0
    assert 'no reason is on the record; next time: roadworthy release rollback "WHY"' in out


def test_what_comes_after_a_promotion_is_right_whether_or_not_a_service_runs(trial: Run, product_folder: Path) -> None:
    change_policy(product_folder)
    trial("release create")
    out = trial("release promote 2")[1]
    assert "a service that runs decides by it from the next application on, without a restart" in out
    assert "next: roadworthy serve, where none runs yet" in out


def test_what_looks_wrong_about_a_release_is_said_with_the_way_back(trial: Run, product_folder: Path) -> None:
    """R10: the same words as on the page; a machine reads them, too."""
    path = product_folder / "policy.yaml"
    text = path.read_text()
    path.write_text(re.sub(r"up_to: 0[0-9.]*(.*answer: refer)", r"up_to: 0.64\1", text))
    assert path.read_text() != text
    code, _, err = trial("release create")
    assert code == 0, err
    code, out, _ = trial("release promote 2")
    assert code == 0
    assert "- look at this: it declines from a PD of 64.0% instead of" in out
    assert 'to take it back: roadworthy release rollback "WHY"' in out
    code, out, _ = trial("release rollback --json", "the wrong cut-off")
    warnings = json.loads(out)["warnings"]
    assert any("it declines from a PD of" in warning for warning in warnings)


def test_verify_finds_a_changed_record(trial: Run, product_folder: Path) -> None:
    code, out, _ = trial("verify")
    assert code == 0
    assert "the chain holds" in out
    heads = json.loads(trial("verify --json")[1])["heads"]
    assert heads[0]["slot"] == 1
    store = open_kept_store(read_settings(product_folder, {}), now=datetime.now(UTC))
    with store:

        def forge(connection: Connection) -> None:
            asked = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'records'"
            for name in connection.exec_driver_sql(asked).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("UPDATE records SET actor = 'nobody' WHERE seq = 3")

        store.transact(forge)
    code, out, _ = trial("verify")
    assert code == 1
    assert "the chain does not hold" in out
    assert "row 3" in out


def test_a_backup_restores_and_never_over_a_store(
    trial: Run, product_folder: Path, tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "monday.zip"
    assert trial("backup", str(copy))[0] == 0
    assert trial("backup", str(copy))[0] == 1, "a backup is never written over"
    assert trial("restore", str(copy))[0] == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("ROADWORTHY_STORE", store_url)
    code, out, _ = trial("restore", str(copy), "-C", str(elsewhere))
    assert code == 0
    assert "restored" in out
    assert "does not open yet" in out, "its wrapping key is with the product that it was made for"
    assert trial("release list -C", str(elsewhere))[0] == 3
    shutil.copy(product_folder / "wrapping.key", elsewhere)
    assert json.loads(trial("release list --json -C", str(elsewhere))[1])["releases"][0]["state"] == "live"
    assert trial("migrate -C", str(elsewhere))[0] == 0
    assert trial("verify -C", str(elsewhere))[0] == 0
    monkeypatch.delenv("ROADWORTHY_STORE")
    damaged = bytearray(copy.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.zip").write_bytes(damaged)
    assert trial("restore", str(tmp_path / "damaged.zip"), "-C", str(tmp_path / "config"))[0] == 3


def test_the_doctor_says_what_is_at_fault(trial: Run, product_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = trial("doctor")
    assert code == 0, out
    assert "release: 1 is live, loads and decides" in out
    monkeypatch.setenv("ROADWORTHY_WORKERS", "2")
    code, out, _ = trial("doctor --json")
    assert code == 1
    (fault,) = [finding for finding in json.loads(out)["findings"] if finding["state"] == "fault"]
    assert fault["about"] == "settings"
    assert "PostgreSQL" in fault["mend"]
    monkeypatch.delenv("ROADWORTHY_WORKERS")
    monkeypatch.setattr("roadworthy.cli.findings.tell_time", lambda: datetime.now(UTC) - timedelta(days=1))
    code, out, _ = trial("doctor")
    assert code == 1
    assert "FAULT  clock" in out
    (product_folder / "roadworthy.toml").write_text('wrapping_key_file = "nowhere.key"\n')
    assert "nowhere.key" in trial("doctor")[1]


def test_a_file_is_recorded_once_and_decided_as_it_is_scored(trial: Run, tmp_path: Path) -> None:
    """R29, and R8: what is recorded is what is scored; a file that comes again gets what was recorded."""
    X, _ = make_applications(700, seed=3)
    X["application_id"] = [f"A-{i}" for i in range(len(X))]
    X = X.astype({"age": object})
    X.loc[5, "age"] = "old"
    X.loc[6, "application_id"] = "release:1"
    data = tmp_path / "march.csv"
    X.to_csv(data, index=False)
    code, out, err = trial("score --record", str(data), str(tmp_path / "recorded.csv"))
    assert code == 0, err
    assert "700 applications read, 698 decided" in out
    assert "2 set aside" in out
    aside = (tmp_path / "recorded_set_aside.csv").read_text()
    assert "type at age: " in aside
    assert "a name that the store keeps for itself" in aside
    first = (tmp_path / "recorded.csv").read_bytes()
    code, out, _ = trial("score --record", str(data), str(tmp_path / "recorded.csv"))
    assert "698 of them recorded before" in out
    assert (tmp_path / "recorded.csv").read_bytes() == first
    assert trial("score", str(data), str(tmp_path / "scored.csv"))[0] == 0
    recorded = {row["row"]: row for row in read_csv(tmp_path / "recorded.csv")}
    scored = {row["row"]: row for row in read_csv(tmp_path / "scored.csv")}
    same = ("answer", "pd", "score", "pd_at_reference", "rules", "reason_1_code", "reason_1")
    assert len(recorded) == 698
    for row, line in recorded.items():
        assert [line[name] for name in same] == [scored[row][name] for name in same]
    code, _, err = trial("score --record --policy policy.yaml", str(data), str(tmp_path / "other.csv"))
    assert code == 2
    assert "what is recorded is decided by what is live" in err


def test_nothing_is_recorded_where_nothing_is_live(run: Run, tmp_path: Path) -> None:
    run("trial on")
    X, _ = make_applications(10)
    X.to_csv(tmp_path / "in.csv", index=False)
    code, _, err = run("score --record", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    assert code == 1
    assert "no release is live" in err
    assert not (tmp_path / "out.csv").exists()


def test_a_word_that_the_contract_does_not_list_is_recorded_as_it_came(trial: Run, tmp_path: Path) -> None:
    X, _ = make_applications(20, seed=4)
    X["application_id"] = [f"B-{i}" for i in range(len(X))]
    X.loc[0, "housing"] = "boat"
    data = tmp_path / "boat.csv"
    X.to_csv(data, index=False)
    assert trial("score", str(data), str(tmp_path / "scored.csv"))[0] == 0
    scored = read_csv(tmp_path / "scored.csv")[0]
    assert trial("score --record", str(data), str(tmp_path / "out.parquet"))[0] == 0
    trial("score --record", str(data), str(tmp_path / "out.csv"))
    recorded = read_csv(tmp_path / "out.csv")[0]
    assert (recorded["row"], recorded["answer"], recorded["pd"]) == (scored["row"], scored["answer"], scored["pd"])


def test_outcomes_are_taken_in_and_measured_as_of_a_day(trial: Run, tmp_path: Path) -> None:
    """R21: how accurate the predictions turned out; rows that cannot be right are set aside with their rule."""
    X, bad = make_applications(300, seed=5)
    now = datetime.now(UTC)
    applied = (now - timedelta(days=800)).strftime("%Y-%m-%dT%H:%M:%SZ")
    X["application_id"] = [f"C-{i}" for i in range(len(X))]
    X["applied_at"] = applied
    X.to_csv(tmp_path / "past.csv", index=False)
    assert trial("score --record", str(tmp_path / "past.csv"), str(tmp_path / "decided.csv"))[0] == 0
    lines = ["Loan,bad,at,known_at,booked_at,branch office"]
    told = (now - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    at, booked = ((now - timedelta(days=days)).strftime("%Y-%m-%d") for days in (600, 780))
    decided = read_csv(tmp_path / "decided.csv")
    lent = [i for i, row in enumerate(decided) if row["answer"] != "decline"]
    lines += [f"C-{i},{bad[i]},{at},{told},{booked},north" for i in lent]
    lines += [f"nobody,1,{at},{told},{booked},north"]
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("\n".join(lines) + "\n")
    code, _, err = trial("outcomes import", str(outcomes))
    assert code == 2
    assert "outcomes have no Loan" in err
    words = ["--map", "application_id=Loan", "--ignore", "branch office", str(outcomes)]
    code, out, err = trial("outcomes import", *words)
    assert code == 0, err
    assert f"{len(lent) + 1} outcomes read, {len(lent)} recorded, 0 known before, 1 set aside" in out
    aside = read_csv(tmp_path / "outcomes_set_aside.csv")
    assert [(row["set_aside_row"], row["Loan"]) for row in aside] == [(str(len(lent) + 1), "nobody")]
    assert "no_such_application" in aside[0]["set_aside_because"]
    code, out, _ = trial("outcomes import --json", *words)
    assert json.loads(out) | {"set_aside": None} == {
        "recorded": 0,
        "repeated": len(lent),
        "set_aside": None,
        "file": str(tmp_path / "outcomes_set_aside.csv"),
    }
    code, out, err = trial("outcomes gains --buckets 5")
    assert code == 0, err
    assert f"Gains table: {len(lent)} applications in 5 buckets" in out
    found = json.loads(trial("outcomes gains --buckets 5 --json")[1])
    assert sum(row["count"] for row in found["gains"]) == len(lent)
    assert sum(row["bads"] for row in found["gains"]) == bad[lent].sum()
    assert found["statuses"]["bad"] == bad[lent].sum()
    code, _, err = trial("outcomes gains --as-of", (now - timedelta(days=30)).strftime("%Y-%m-%d"))
    assert code == 1
    assert "no outcome can be judged yet" in err
    code, _, err = trial("outcomes gains --as-of", "someday")
    assert code == 2


def test_tables_are_uploaded_approved_and_undone(trial: Run, product_folder: Path, tmp_path: Path) -> None:
    """R6: a monthly table, checked, compared, approved and undone, without a new release."""
    (product_folder / "tables").mkdir()
    (product_folder / "tables" / "regions.yaml").write_text(
        "name: regions\ncolumns:\n"
        "  region: {type: category, role: identity, allowed: [E, N, S, W]}\n"
        "  most: {type: number, range: [0, 1000000]}\n"
    )
    policy = product_folder / "policy.yaml"
    text = policy.read_text()
    rule = "{code: above_the_region, when: amount > regions.most, then: refer, if_missing: pass, reason: Too much here}"
    assert "\nrules: []" in text
    policy.write_text(text.replace("\nrules: []", f"\nrules: [{rule}]"))
    code, out, err = trial("check")
    assert "regions" not in err + "".join(line for line in out.splitlines() if "FAULT" in line), out
    code, _, err = trial("release create")
    assert code == 0, err
    code, _, err = trial("release promote 2")
    assert code == 1
    assert "no version is in force: regions" in err
    june, july = tmp_path / "june.csv", tmp_path / "july.csv"
    june.write_text("region,most\nN,5000\nS,6000\nE,7000\nW,8000\n")
    july.write_text("region,most\nN,5500\nS,6000\nE,7000\nX,1\n")
    code, out, err = trial("tables upload regions --effective 2020-06-01", str(june))
    assert code == 0, err
    assert "version 1 of regions: 4 rows" in out
    code, out, _ = trial("tables approve regions 1")
    assert code == 0
    assert trial("release promote 2")[0] == 0
    code, out, _ = trial("tables upload regions --effective 2020-07-01", str(july))
    assert "N: most 5000.0 -> 5500.0 (+10%)" in out
    assert "1 set aside" in out
    assert trial("tables approve regions 2")[0] == 0
    assert "in force" in trial("tables list regions")[1]
    code, out, _ = trial("tables undo regions --reason", "in the wrong currency")
    assert "version 1 is in force again" in out
    versions = json.loads(trial("tables list --json")[1])["versions"]
    assert [(version["version"], version["state"]) for version in versions] == [("1", "in_force"), ("2", "undone")]
    assert trial("tables upload regions --effective June", str(june))[0] == 2
    assert trial("tables upload regions --effective 2020-06-01 nowhere.csv")[0] == 3
    assert trial("tables upload regions --effective 2020-08-01", str(july))[0] == 0
    assert trial("tables reject regions 3 --note", "again the wrong month")[0] == 0


def test_every_command_of_a_group_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    app = build_app()
    seen = 0
    for group in ("trial", "release", "user", "key", "tables", "outcomes"):
        for name in app[group]:
            if name.startswith("-"):
                continue
            capsys.readouterr()
            assert obey([group, name, "--help"]) == 0
            shown = " ".join(capsys.readouterr().out.split())
            assert "Example:" in shown, (group, name)
            assert "--directory -C" in shown, (group, name)
            assert "--json" in shown, (group, name)
            seen += 1
    assert seen >= 25
