"""A finished product, made once, and stores for it to live in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.cli import obey
from roadworthy.testing import make_applications, make_package
from tests.stores import postgres, store_url

__all__ = ["PURPOSE", "Run", "finished_product", "loans", "postgres", "product_folder", "run", "store_url"]

Run = Callable[..., tuple[int, str, str]]
PURPOSE = """\
decision: whether to grant the loan applied for
owner: Ana Ruiz
used_by: loan officers
where: the branch desk
bad_outcome: default
horizon_months: 12
success: credit losses below budget
"""


@pytest.fixture(scope="session")
def loans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of past applications called loans.csv, as a lender would bring it."""
    path = tmp_path_factory.mktemp("data") / "loans.csv"
    X, bad = make_applications(500)
    X.assign(default=bad).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def finished_product(loans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product's directory with a model of its own, its purpose stated. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "purpose.yaml").write_text(PURPOSE)
    shutil.copyfile(loans, folder / "loans.csv")
    make_package("scorecard").save(folder / "model.rw")
    out = folder / "loans"
    words = ["init", str(folder / "loans.csv"), "--target", "default", "--amount", "amount", "--out", str(out)]
    assert obey([*words, "--answers", str(folder / "purpose.yaml"), "--package", str(folder / "model.rw")]) == 0
    return out


@pytest.fixture
def product_folder(finished_product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished product, in which one stands, with nobody signed in and no settings from outside."""
    folder = tmp_path / "loans"
    shutil.copytree(finished_product, folder)
    shutil.copyfile(finished_product.parent / "loans.csv", tmp_path / "loans.csv")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("ROADWORTHY_KEY", "ROADWORTHY_STORE", "ROADWORTHY_PORT"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def run(product_folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the product's folder: its exit code, and what it printed and complained."""

    def run(words: str, *more: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = obey([*words.split(), *more])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
