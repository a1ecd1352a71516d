"""One way to decide, one place that records it: read from the source itself (R28, R29)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import roadworthy

SOURCE = Path(roadworthy.__file__).parent


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of the program, with its module; the factories for tests apart."""
    for path in SOURCE.rglob("*.py"):
        module = path.relative_to(SOURCE)
        if module.parts[0] != "testing":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield module.as_posix(), node


def test_only_live_makes_records_of_decisions() -> None:
    made = {
        module
        for module, node in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Decision"
    }
    assert made == {"live/describing.py"}


def test_everything_that_decides_goes_through_the_one_function() -> None:
    importers = {
        module
        for module, node in nodes()
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("roadworthy.decision")
        and any(alias.name == "decide" for alias in node.names)
    }
    assert importers == {
        "__init__.py",  # rw.decide
        "decision/__init__.py",
        "batch/score.py",  # a file, unrecorded
        "live/again.py",  # replay
        "live/current.py",  # warming up
        "lifecycle/preview.py",  # what a release would have answered
        "live/deciding.py",  # everything that is recorded
        "pipeline/meaning.py",  # the page's held-out rows
    }
