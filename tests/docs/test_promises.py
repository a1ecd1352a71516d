"""The page of promises names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w./]+(?:::\w+)*)`", PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("named", NAMED)
def test_every_test_that_the_page_names_is_there(named: str) -> None:
    place, *names = named.split("::")
    path = ROOT / place
    assert path.exists()
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    for name in names:
        found = [one for one in body if isinstance(one, ast.FunctionDef | ast.ClassDef) and one.name == name]
        assert found, f"{place} has no {name}"
        body = found[0].body


def test_every_row_of_a_promise_names_what_shows_it() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| promised")]
    assert len(NAMED) >= 20
    assert [row for row in promises if "`tests/" not in row] == []
