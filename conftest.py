"""Runs every example: the doctests of src, and the blocks of README.md and docs as a reader would.

A page's blocks run from top to bottom, share one Python namespace and start in one empty folder:

- ```python: run, or compared with what it prints where it is written with >>>;
- ```bash: run by `bash -euo pipefail`. If the next block is marked `<!-- output -->`, it is what must be printed, with
  `...` for what may differ. `make` runs in the project's own folder, its long targets only to see that they exist;
- any block marked `<!-- file: NAME -->` is written to NAME instead.

A block that must not run does not exist, except as ```text; tests/docs holds the pages to that.
"""

from __future__ import annotations

import doctest
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.parsers.rest import DocTestParser

ROOT = Path(__file__).resolve().parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = ("README.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md")
TIME_LIMIT = 300
_FILE = re.compile(r"<!-- file: (\S+) -->\s*\Z")
_OUTPUT = re.compile(r"<!-- output -->\s*\Z")
_LONG_TARGETS = re.compile(r"^make (?=test|bench)", re.MULTILINE)

_LONGEST = (
    "README.md",
    "tests/browser/test_accessible.py",
    "tests/app",
    "tests/end_to_end",
    "tests/faults",
    "tests/cli/test_walkthroughs.py",
    "docs/reference/commands.md",
    "docs/tutorials",
)

Evaluator = Callable[[Example], Any]


def parse_page(document: Document) -> Iterator[Region]:
    """The blocks of a Markdown page, each with what runs it."""
    fences = list(FencedCodeBlockLexer(language="[^\n]+")(document))
    before = 0
    for block, after in zip_longest(fences, fences[1:]):
        lead_in, before = document.text[before : block.start], block.end
        language, source = block.lexemes["language"], block.lexemes["source"]
        marked = _FILE.search(lead_in)
        if marked:
            yield Region(block.start, block.end, (marked[1], source), _write_file)
        elif language == "bash":
            wanted = None
            if after is not None and _OUTPUT.search(document.text[block.end : after.start]):
                wanted = after.lexemes["source"]
            yield Region(block.start, block.end, (source, wanted), _run_bash)
        elif language == "python" and source.startswith(">>>"):
            for example in _DOCTESTS(source, document.path):
                example.adjust(block, source)
                yield example
        elif language == "python":
            yield Region(block.start, block.end, source, _in_folder(PythonEvaluator()))


def _in_folder(evaluator: Evaluator) -> Evaluator:
    def evaluate(example: Example) -> Any:
        with chdir(example.namespace["page_folder"]):
            return evaluator(example)

    return evaluate


_DOCTESTS = DocTestStringParser(_in_folder(DocTestEvaluator(FLAGS)))  # type: ignore[arg-type]  # it only calls it


def _write_file(example: Example) -> None:
    name, text = example.parsed
    path: Path = example.namespace["page_folder"] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _run_bash(example: Example) -> str | None:
    """Run the block; the complaint where it fails or prints something else than the page says."""
    source, wanted = example.parsed
    folder: Path = example.namespace["page_folder"]
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROADWORTHY_")} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "OUT": str(folder / "demo"),
    }
    is_make = source.split(maxsplit=1)[0] == "make"
    with subprocess.Popen(  # noqa: S603  # the pages' own commands are what is tested
        ["bash", "-euo", "pipefail", "-c", _LONG_TARGETS.sub("make -n ", source) if is_make else source],  # noqa: S607
        cwd=ROOT if is_make else folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # bash and all that it started
            return f"still running after {TIME_LIMIT} s: {source}\n{process.communicate()[0]}"
    if process.returncode:
        return f"exit {process.returncode} of: {source}\n{printed}"
    if wanted is not None and not doctest.OutputChecker().check_output(wanted, printed, FLAGS):
        return f"printed by: {source}\n{printed}\nthe page says:\n{wanted}"
    return None


@pytest.fixture(scope="module")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that one page's blocks start in."""
    return tmp_path_factory.mktemp("page")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file to one worker: blocks of a page need those before them, and module fixtures are made once."""
    from xdist.scheduler import LoadFileScheduling  # only where tests are spread over workers

    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest go first, so that no worker is left with one of them at the end.

    `--no-loadscope-reorder`, given by the Makefile, keeps xdist from putting the files with most tests first.
    """
    items.sort(key=lambda item: not item.path.relative_to(ROOT).as_posix().startswith(_LONGEST))


pytest_collect_file = (
    Sybil(parsers=[DocTestParser(optionflags=FLAGS)], path="src", patterns=["*.py"])
    + Sybil(parsers=[parse_page], patterns=PAGES, fixtures=["page_folder"])
).pytest()
