"""The documentation holds together: all of it runs (see conftest.py), can be reached, and names what there is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import roadworthy
from roadworthy import errors
from roadworthy.cli import build_app
from roadworthy.pipeline import STAGES
from roadworthy.product import Data, Gates, Load, Monitoring, Outcome, Product, Purpose

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
RUN_BY_ALL = ("python", "bash", "text")
RUN_BY_THEIR_OWN_TEST = {
    ("docs/explanation/portfolio.md", "sh"): "tests/portfolio/test_page.py",
    ("docs/reference/policy.md", "yaml"): "tests/policy/test_reference_page.py",
}
COMMANDS = [name for name in build_app() if not name.startswith("-")]

_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its language, its text and what stands between it and the block before."""

    language: str
    text: str
    lead_in: str


def name_page(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def list_blocks(page: Path) -> list[Block]:
    text, found, before = page.read_text(encoding="utf-8"), [], 0
    for fence in _FENCE.finditer(text):
        found.append(Block(fence[2].strip(), fence[3], text[before : fence.start()].rstrip()))
        before = fence.end()
    return found


def list_links(page: Path) -> Iterator[str]:
    """The targets of links to files here, outside of blocks."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


def list_anchors(page: Path) -> set[str]:
    """What a link to a heading of `page` may say after the #."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_no_block_is_left_that_nobody_runs(page: Path) -> None:
    assert len(page.relative_to(ROOT).parts) <= 4, "conftest.py collects docs/*.md, docs/*/*.md and docs/*/*/*.md"
    blocks = list_blocks(page)
    assert len(blocks) * 2 == len(re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)), (
        "a fence is indented or not closed, so that its block is not found"
    )
    for block in blocks:
        if re.search(r"<!-- file: \S+ -->\Z", block.lead_in) or block.language in RUN_BY_ALL:
            continue
        test = RUN_BY_THEIR_OWN_TEST.get((name_page(page), block.language))
        assert test is not None, f"nobody runs this {block.language or 'block without a language'}:\n{block.text}"
        assert page.name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_what_is_shown_as_output_comes_from_the_command_before(page: Path) -> None:
    before = ""
    for block in list_blocks(page):
        if block.lead_in.endswith("<!-- output -->"):
            assert (before, block.language) == ("bash", "text"), block.text
        before = block.language


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_file_a_page_writes_is_used_by_what_follows(page: Path) -> None:
    blocks = list_blocks(page)
    for i, block in enumerate(blocks):
        marked = re.search(r"<!-- file: (\S+) -->\Z", block.lead_in)
        if marked:
            later = [each.text for each in blocks[i + 1 :] if each.language in ("bash", "python")]
            assert any(Path(marked[1]).stem in text or str(Path(marked[1]).parent) in text for text in later), marked[1]


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_no_link_is_dead(page: Path) -> None:
    for target in list_links(page):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), target
        assert not anchor or anchor in list_anchors(to), target


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        linked = {(page.parent / target.partition("#")[0]).resolve() for target in list_links(page)}
        ahead += [to for to in linked if to.suffix == ".md" and to.is_file() and to not in reached]
    assert set(PAGES) - {ROOT / "README.md"} <= reached


def read_section(page: Path, title: str) -> str:
    """The text under the heading `## title`."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert title in sections, f"{page.name} has no section {title}"
    return sections[title]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_section_with_every_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    section = read_section(DOCS / "reference" / "commands.md", command)
    group = [name for name in build_app()[command] if not name.startswith("-")]
    for words in [[command, name] for name in group] or [[command]]:
        build_app()([*words, "--help"], result_action="return_value")
        flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out.partition("╭")[2]))
        assert flags, "the help lists its flags in frames"
        assert {flag for flag in flags if not re.search(rf"{flag}(?![\w-])", section)} == set()
        assert " ".join(words) in section or not group


def test_the_page_about_files_names_every_field_of_product_yaml_and_every_stage() -> None:
    page = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    parts = (Product, Purpose, Outcome, Data, Load, Gates, Monitoring)
    names = {field for part in parts for field in part.__struct_fields__} | {*STAGES}
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_the_page_about_python_names_the_public_api_and_every_error() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    names = {f"rw.{name}" for name in roadworthy.__all__} | {*errors.__all__}
    assert {name for name in names if name not in page} == set()


def list_rooms() -> list[str]:
    """Every room that people may import: a package, or a module, that says what is public in it."""
    rooms = [roadworthy.__name__, *(f"roadworthy.{room.name}" for room in pkgutil.iter_modules(roadworthy.__path__))]
    return [name for name in rooms if hasattr(importlib.import_module(name), "__all__")]


@pytest.mark.parametrize("room", list_rooms())
def test_whatever_is_public_says_what_it_is(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__doc__
    silent = []
    for name in module.__all__:
        thing = getattr(module, name)
        said = thing.__doc__ if inspect.isclass(thing) or inspect.isroutine(thing) else "a value"
        # A dataclass without a docstring gets its own signature for one.
        if not said or said.startswith(f"{name}("):
            silent.append(name)
    assert silent == []


def test_the_refusals_that_a_page_explains_are_those_that_are_said() -> None:
    section = read_section(DOCS / "how-to" / "bring-your-own-model.md", "When sealing says no")
    said = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert len(said) == 9
    assert [sentence for sentence in said if sentence not in code] == []
