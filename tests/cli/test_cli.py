"""The command line: every command has help with an example, speaks JSON, and exits 0, 1, 2 or 3 as promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from roadworthy.cli import build_app, obey
from roadworthy.contract import Batch, check_body
from roadworthy.model import load
from roadworthy.portfolio import HORIZON_MONTHS, past_applications, simulate

COMMANDS = [name for name in build_app() if not name.startswith("-")]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small product made by the commands themselves."""
    folder = tmp_path_factory.mktemp("cli")
    portfolio = simulate(3_000, seed=5)
    data = folder / "synthetic_loans.parquet"
    pq.write_table(past_applications(portfolio, portfolio.end, HORIZON_MONTHS), data)
    flags = [
        "--target",
        "default",
        "--answer",
        "answer",
        "--booked-date",
        "booked_date",
        "--outcome-date",
        "outcome_date",
    ]
    out = folder / "loans"
    assert obey(["init", str(data), *flags, "--id", "application_id", "--date", "applied_at", "--out", str(out)]) == 0
    assert obey(["run", "-C", str(out)]) == 0
    return out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert obey([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Example: roadworthy" in shown


def test_the_commands_are_those_promised() -> None:
    assert set(COMMANDS) >= {"check", "demo", "init", "inspect", "report", "run", "sample", "score", "seal"}


def test_a_wrong_flag_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["score", "--nonsense"]) == 2
    assert obey(["no-such-command"]) == 2
    assert capsys.readouterr().out == ""


def test_what_could_not_be_done_exits_3_and_says_the_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loans.csv").write_text("age,bad\n30,0\n")
    assert obey(["init", str(tmp_path / "lones.csv"), "--target", "bad", "--out", str(tmp_path / "out")]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "lones.csv" in captured.err
    assert "loans.csv" in captured.err
    assert not (tmp_path / "out").exists()


def test_check_says_no_until_the_purpose_is_stated(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R1: without a purpose nothing goes live."""
    assert obey(["check", "-C", str(product)]) == 1
    shown = capsys.readouterr().out
    assert "the purpose does not state: decision, owner" in shown
    assert "product.yaml, line" in shown
    assert "not fit to go live" in shown


def test_check_says_yes_where_all_is_stated(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (product / "product.yaml").read_text()
    stated = {
        "decision": "approve or decline", "owner": "Ana", "used_by": "officers", "where": "branches",
        "bad_outcome": "default", "horizon_months": "12", "success": "profit",
    }  # fmt: skip
    changed = "\n".join(_fill(line, stated) for line in text.splitlines()) + "\n"
    try:
        (product / "product.yaml").write_text(changed)
        assert obey(["check", "-C", str(product), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["fit"] is True
        assert {case["status"] for case in found["cases"]} == {"passed"}
    finally:
        (product / "product.yaml").write_text(text)


def test_check_says_no_where_two_places_disagree(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (product / "product.yaml").read_text()
    try:
        changed = "\n".join(_fill(line, {"horizon_months": "24"}) for line in text.splitlines())
        (product / "product.yaml").write_text(changed)
        assert obey(["check", "-C", str(product)]) == 1
        assert "judged after 12 months and the purpose says 24" in capsys.readouterr().out
    finally:
        (product / "product.yaml").write_text(text)


def _fill(line: str, stated: dict[str, str]) -> str:
    """The line of product.yaml with its field filled in, where it is one of the purpose's and empty."""
    field, _, rest = line.strip().partition(":")
    empty = not rest.partition("#")[0].strip()
    return f"  {field}: {stated[field]}" if field in stated and empty and line.startswith("  ") else line


def test_a_failing_case_is_a_no_with_its_line(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = product / "policy.yaml"
    text = path.read_text()
    assert text.count("answer: approve}") == 1
    try:
        path.write_text(text.replace("answer: approve}", "answer: refer}"))
        assert obey(["check", "-C", str(product)]) == 1
        shown = capsys.readouterr().out
        assert "case 'an ordinary applicant at a low PD' failed: expected approve, got refer" in shown
        assert "policy.yaml, line" in shown
    finally:
        path.write_text(text)


def test_score_writes_decisions_and_says_what_became_of_every_row(
    product: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = product.parent / "synthetic_loans.parquet"
    assert obey(["score", str(data), str(tmp_path / "out.csv"), "-C", str(product), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["read"] == found["decided"] + found["set_aside"] > 2_900
    assert (tmp_path / "out.csv").exists()


def test_a_package_and_a_policy_decide_without_a_product(product: Path, tmp_path: Path) -> None:
    data = product.parent / "synthetic_loans.parquet"
    package, policy = str(product / "build" / "model.rw"), str(product / "policy.yaml")
    out = tmp_path / "out.parquet"
    assert obey(["score", str(data), str(out), "--package", package, "--policy", policy, "-C", str(tmp_path)]) == 0
    assert out.exists()


def test_inspect_shows_the_card_and_refuses_a_changed_byte(
    product: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = product / "build" / "model.rw"
    assert obey(["inspect", str(package)]) == 0
    shown = capsys.readouterr().out
    assert "SHA-256" in shown
    assert "reference applicant" in shown
    assert obey(["inspect", str(package), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["protocol"] == 3
    changed = bytearray(package.read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.rw").write_bytes(changed)
    assert obey(["inspect", str(tmp_path / "changed.rw")]) == 3
    assert "changed.rw" in capsys.readouterr().err


def test_samples_keep_to_the_contract_and_are_decided(
    product: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey(["sample", "-n", "200", "-C", str(product)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 200
    package = load(product / "build" / "model.rw")
    for line in lines:
        batch = check_body(package.contract, json.loads(line))
        assert isinstance(batch, Batch), batch
        assert 0 < float(package.pd(batch)[0]) < 1


def test_report_copies_the_page(product: Path, tmp_path: Path) -> None:
    assert obey(["report", "--html", str(tmp_path / "page.html"), "-C", str(product)]) == 0
    assert (tmp_path / "page.html").read_text().startswith("<!")


def test_init_brings_a_package_of_ones_own_and_nothing_is_trained(
    product: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, package = product.parent / "synthetic_loans.parquet", product / "build" / "model.rw"
    out = tmp_path / "brought"
    flags = [
        "--target",
        "default",
        "--answer",
        "answer",
        "--booked-date",
        "booked_date",
        "--outcome-date",
        "outcome_date",
    ]
    assert obey(["init", str(data), *flags, "--package", str(package), "--out", str(out), "--date", "applied_at"]) == 0
    assert obey(["run", "-C", str(out), "--json"]) == 0
    assert "train" not in capsys.readouterr().out.partition('"ran"')[2].partition("]")[0]
    assert (out / "model.rw").read_bytes() == package.read_bytes()
    assert not (out / "build" / "candidates").exists()
    assert (out / "build" / "page.html").exists()


def test_seal_makes_a_package_of_an_importable_model(tmp_path: Path) -> None:
    """In a process of its own, as a user would: the module lies in the folder one stands in."""
    (tmp_path / "mine.py").write_text(
        "import numpy as np, pandas as pd\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "rng = np.random.default_rng(0)\n"
        "X = pd.DataFrame({'income': rng.normal(3000, 900, 800), 'debts': rng.integers(0, 9, 800)})\n"
        "bad = (rng.random(800) < 1 / (1 + np.exp(2 + X.income / 3000 - X.debts / 2))).astype(int)\n"
        "model = LogisticRegression(max_iter=1000).fit(X, bad)\n"
        "X.assign(bad=bad).to_csv('held_out.csv', index=False)\n"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    script = "import sys; from roadworthy.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script]
    subprocess.run([sys.executable, "-c", "import mine"], cwd=tmp_path, check=True, env=environment)
    arguments = ["seal", "mine:model", "--data", "held_out.csv", "--target", "bad", "--cut-offs", "0.2,0.4"]
    sealed, unasked = (
        subprocess.run([*command, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        for words in (arguments, arguments[:-2])
    )
    assert sealed.returncode == 0, sealed.stderr
    assert "0 answers changed" in sealed.stdout
    assert "no cut-off was given" not in sealed.stdout
    assert "no cut-off was given, so none was shown to keep its answers" in unasked.stdout
    assert (tmp_path / "model.rw").exists()


def test_a_pickle_is_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    (tmp_path / "data.csv").write_text("a,bad\n1,0\n")
    data = str(tmp_path / "data.csv")
    assert obey(["seal", str(tmp_path / "model.pkl"), "--data", data, "--target", "bad"]) == 3
    assert "is a pickle" in capsys.readouterr().err
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    ("does", "loads"),
    [
        # `roadworthy --help` answers at once: it imports none of the heavy rooms.
        ("from roadworthy.cli import obey; obey(['--help'])", "numba sklearn pyarrow polars scipy altair sqlalchemy"),
        # What accounts, keys, jobs and the chain are kept by decides nothing.
        ("import roadworthy.access, roadworthy.jobs, roadworthy.records", "numba sklearn polars scipy altair pandas"),
        # A server draws nothing until somebody opens a page with a chart.
        ("import roadworthy.app", "altair sklearn pandas"),
    ],
)
def test_what_decides_and_draws_nothing_loads_no_library_for_it(does: str, loads: str) -> None:
    script = (
        f"import sys; {does}; heavy = set({loads!r}.split()) & set(sys.modules); "
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_stopped_command_leaves_nothing_half_written(product: Path, tmp_path: Path, how: str) -> None:
    data = product.parent / "synthetic_loans.parquet"
    script = (
        "import importlib, os, signal\n"
        "score = importlib.import_module('roadworthy.batch.score')\n"
        "from roadworthy.cli import main\n"
        "decide = score.decide\n"
        "def stopped(*arguments):\n"
        f"    os.kill(os.getpid(), signal.{how})\n"
        "    return decide(*arguments)\n"
        "score.decide = stopped\n"
        f"main(['score', {str(data)!r}, 'out.csv', '-C', {str(product)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "stopped" in done.stderr
    assert list(tmp_path.iterdir()) == []
