"""What a new user gets wrong first: each says what is wrong and the mend, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadworthy.cli import obey


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A product of forty applications that was never run."""
    data = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"debts": [float(i) for i in range(40)], "default": [i % 2 for i in range(40)]}), data)
    assert obey(["init", str(data), "--target", "default", "--out", str(tmp_path / "loans")]) == 0
    return tmp_path / "loans"


@pytest.mark.parametrize("words", [["score", "loans.parquet", "out.csv"], ["sample"]])
def test_deciding_before_a_run_names_the_run(
    product: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey([*words, "-C", str(product)]) == 2
    said = capsys.readouterr().err
    assert "there is no sealed model yet" in said
    assert f"mend: roadworthy run -C {product}" in said


def test_cut_offs_that_are_no_numbers_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["seal", "mine:model", "--data", "d.csv", "--target", "bad", "--cut-offs", "5%"]) == 2
    assert "--cut-offs: '5%' is no list of PDs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], 'Unknown command "rnu". Did you mean "run"?'),
        (["init"], "DATA requires an argument"),
        (["score", "in.csv"], "OUT requires an argument"),
        (["init", "loans.csv", "--targt", "default"], "Did you mean --target instead of --targt?"),
    ],
)
def test_wrong_use_is_said_in_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(words) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.splitlines()) == 1


def test_what_is_off_unless_given_is_not_shown_as_a_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["init", "--help"]) == 0
    assert "[default" not in capsys.readouterr().out


def test_a_mend_can_be_pasted_whatever_the_column_is_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["debts,Reminder fees,default", *(f"{i % 37},{'' if i % 2 else i + 5},{1 - i % 2}" for i in range(400))]
    (tmp_path / "loans.csv").write_text("\n".join(rows) + "\n")
    words = ["init", str(tmp_path / "loans.csv"), "--target", "default", "--out", str(tmp_path / "loans")]
    assert obey(words) == 0
    assert "--drop 'Reminder fees'" in capsys.readouterr().out


def test_an_earlier_directory_is_set_aside_and_named(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["init", str(product.parent / "loans.parquet"), "--target", "default", "--out", str(product)]
    assert obey(words) == 2
    assert "--force" in capsys.readouterr().err
    assert obey([*words, "--force"]) == 0
    before = product.with_name("loans.before-1")
    assert f"aside as {before}" in capsys.readouterr().out
    assert (before / "product.yaml").is_file()


def test_a_run_that_makes_no_page_names_none(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert obey(["run", "preprocess", "-C", str(product)]) == 0
    shown = capsys.readouterr().out
    assert "page.html" not in shown
    assert shown.rstrip().endswith(f": made {product / 'build' / 'applications.parquet'}")


def test_what_nobody_foresaw_is_said_in_one_line_and_names_the_users_own(
    product: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = product / "stages.py"
    stages.write_text(stages.read_text() + "\n\ndef preprocess(table):\n    return int('forty')\n")
    line = len(stages.read_text().splitlines())
    capsys.readouterr()
    assert obey(["run", "preprocess", "-C", str(product)]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said == [f"{stages}, line {line}: ValueError: invalid literal for int() with base 10: 'forty'"]


def test_a_fault_of_our_own_names_its_file_and_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Path) -> None:
        raise AssertionError

    monkeypatch.setattr("roadworthy.pipeline.open_workspace", fail)
    assert obey(["run"]) == 3
    said = capsys.readouterr().err.strip()
    assert said == f"{__file__}, line {fail.__code__.co_firstlineno + 1}: AssertionError"
