"""docs/reference/http.md lists every route and every type of problem, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from roadworthy.api import list_routes

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")


def test_every_route_is_listed_with_what_it_does_and_who_may() -> None:
    listed = re.findall(r"^\| `([A-Z]+ /\S*)` \| (.+?) \| `?([\w.]+)`? \|$", PAGE, re.MULTILINE)
    assert listed == [(f"{row.method} {row.path}", row.told.summary, row.permission) for row in list_routes()]


def test_every_type_of_problem_is_listed() -> None:
    sources = (ROOT / "src" / "roadworthy").rglob("*.py")
    made = set()
    for source in sources:
        text = source.read_text(encoding="utf-8")
        made |= set(re.findall(r'(?:Problem\.of|cls\.of|_of_error)\(\s*"([\w-]+)"', text))
    assert made
    assert set(re.findall(r"`/problems/([\w-]+)`", PAGE)) == made
