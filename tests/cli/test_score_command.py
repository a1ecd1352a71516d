"""`roadworthy score`: what it reads under which name, what it refuses, and what it leaves behind (R4, R29)."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from roadworthy.cli import obey
from roadworthy.policy import policy_yaml
from roadworthy.testing import make_applications, make_package, make_policy


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The flags that name a sealed model and a policy."""
    folder = tmp_path_factory.mktemp("release")
    make_package("scorecard").save(folder / "model.rw")
    (folder / "policy.yaml").write_text(policy_yaml(make_policy()))
    return ["--package", str(folder / "model.rw"), "--policy", str(folder / "policy.yaml")]


def applications(n: int = 20) -> pd.DataFrame:
    frame: pd.DataFrame = make_applications(n, seed=1)[0]
    return frame


def test_an_input_absent_from_the_file_is_refused_until_allowed(
    release: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    applications().drop(columns=["income", "housing"]).to_csv(tmp_path / "in.csv", index=False)
    words = ["score", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *release]
    assert obey(words) == 2
    said = capsys.readouterr().err
    assert "has no column for the model's inputs: income, housing" in said
    assert "--allow-absent income,housing" in said
    assert obey([*words, "--allow-absent", "income"]) == 2
    assert not (tmp_path / "out.csv").exists()
    capsys.readouterr()
    assert obey([*words, "--allow-absent", "income, housing"]) == 0
    assert "decided without: income, housing (absent from the file)" in capsys.readouterr().out
    assert obey([*words, "--allow-absent", "income,housing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["absent"] == ["income", "housing"]


def test_in_out_and_set_aside_are_three_files(
    release: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in.csv", "out_set_aside.csv"):
        applications().to_csv(name, index=False)
    before = Path("in.csv").read_text()
    (tmp_path / "linked.csv").symlink_to("in.csv")
    for files in (
        ["in.csv", str(tmp_path / "in.csv")],
        ["in.csv", "linked.csv"],
        ["in.csv", "out.csv", "--set-aside", "./out.csv"],
        ["in.csv", "out.csv", "--set-aside", "in.csv"],
        ["out_set_aside.csv", "out.csv"],
    ):
        assert obey(["score", *files, *release]) == 2, files
        assert "is both" in capsys.readouterr().err
    assert Path("in.csv").read_text() == before
    assert not Path("out.csv").exists()


def test_a_set_aside_file_of_an_earlier_run_does_not_outlive_a_clean_one(release: list[str], tmp_path: Path) -> None:
    data, out = tmp_path / "in.csv", tmp_path / "out.csv"
    other = tmp_path / "other_set_aside.csv"
    other.write_text("mine")
    frame = applications().astype({"amount": object})
    frame.loc[3, "amount"] = "a lot"
    frame.to_csv(data, index=False)
    words = ["score", str(data), str(out), *release]
    assert obey(words) == 0
    aside = tmp_path / "out_set_aside.csv"
    assert aside.exists()
    data.write_text("age\n30\n")
    assert obey(words) == 3
    assert aside.exists(), "a run that fails takes nothing away"
    applications().to_csv(data, index=False)
    assert obey(words) == 0
    assert not aside.exists()
    assert other.read_text() == "mine"


def test_what_looks_wrong_about_a_file_is_said_before_it_is_decided(
    release: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R10: the same words as on the page of files."""
    frame = applications(60)
    frame.assign(amount=frame["amount"] * 1_000).to_csv(tmp_path / "in.csv", index=False)
    words = ["score", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *release]
    assert obey(words) == 0
    first, *_, decided, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("- look at this: amount: 100% of the values are none that the contract knows")
    assert decided.startswith("60 applications read")
    assert obey([*words, "--json"]) == 0
    warning, unit = json.loads(capsys.readouterr().out)["warnings"]
    assert f"- look at this: {warning}" == first
    assert unit.startswith("amount: the median is ")
    frame.to_csv(tmp_path / "in.csv", index=False)
    assert obey(words) == 0
    assert "look at this" not in capsys.readouterr().out


def test_names_are_mapped_one_by_one(release: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame, bad = make_applications(400, seed=2)
    past = frame.assign(default=bad, number=range(400))
    past.to_csv(tmp_path / "past.csv", index=False)
    out = tmp_path / "loans"
    words = ["init", str(tmp_path / "past.csv"), "--target", "default", "--id", "number", "--out", str(out)]
    assert obey([*words, *release[:2]]) == 0
    sources = out / "sources.yaml"
    sources.write_text(sources.read_text() + "  columns: {income: Net income, amount: Amount asked}\n")
    # Neither the id nor the income go by the names of sources.yaml here; the amount does.
    new = frame.rename(columns={"amount": "Amount asked"}).assign(application_id="B-1")
    new.to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert obey(["score", str(tmp_path / "new.csv"), str(tmp_path / "out.csv"), "-C", str(out)]) == 0
    assert "400 applications read, 400 decided" in capsys.readouterr().out
    assert (tmp_path / "out.csv").read_text().count('"B-1"') == 400
    sources.write_text(sources.read_text().replace("income: Net", "incomes: Net"))
    new.rename(columns={"income": "Net income"}).to_csv(tmp_path / "new.csv", index=False)
    assert obey(["score", str(tmp_path / "new.csv"), str(tmp_path / "out.csv"), "-C", str(out)]) == 3
    assert "columns names 'incomes', which is no column of the contract" in capsys.readouterr().err
