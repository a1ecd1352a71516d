"""YAML files that people edit: read into a struct with the line of every fault, written so that comments survive."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from roadworthy.errors import FileFault

__all__ = ["Document", "parse_document", "read_document", "write_bytes", "write_text"]

T = TypeVar("T")
MOST_VALUES = 1_000_000
"""So many values a file may have, each counted wherever it is named."""
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Document:
    """One parsed YAML file: plain data in `data`, and the line of every place in it."""

    def __init__(self, path: str, tree: Any, fault: type[FileFault]) -> None:
        self.path = path
        self._tree = tree
        self._fault = fault
        try:
            self.data: Any = _plain(tree, count())
        except RecursionError:
            raise fault("is nested too deeply", where=path) from None
        except _UnfitError as unfit:
            raise self.fault(unfit.message, *unfit.place) from None

    def line(self, *place: str | int) -> int:
        """The 1-based line of `place`, given as keys and list positions; of the nearest parent where it is absent."""
        node, line = self._tree, 1
        for step in place:
            try:
                if isinstance(node, CommentedMap):
                    line = int(node.lc.key(step)[0]) + 1
                elif isinstance(node, CommentedSeq):
                    line = int(node.lc.item(step)[0]) + 1
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
        return line

    def where(self, *place: str | int) -> str:
        """`path, line N` for error messages."""
        return f"{self.path}, line {self.line(*place)}"

    def fault(self, message: str, *place: str | int, available: Any = None, mend: str | None = None) -> FileFault:
        """The error to raise for what is wrong at `place`."""
        return self._fault(message, where=self.where(*place), available=available, mend=mend)

    def convert(self, kind: type[T], data: Any = None) -> T:
        """`data` (the whole file by default) as a `kind`; what does not fit raises the file's error with its line."""
        try:
            return msgspec.convert(self.data if data is None else data, kind, strict=True)
        except msgspec.ValidationError as error:
            message, _, dotted = str(error).partition(" - at `")
            place = [
                int(index) if index.isdigit() else key
                for key, index in _STEP.findall(dotted.rstrip("`"))
                if key or index
            ]
            raise self.fault(message[:1].lower() + message[1:], *place) from None


class _UnfitError(Exception):
    """What keeps a file from being plain values, and where in it."""

    def __init__(self, message: str, place: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.message, self.place = message, place


def _plain(node: Any, counter: Iterator[int], place: tuple[str | int, ...] = ()) -> Any:
    """The values alone, where they are not too many: a value that is named once may stand in many places."""
    if next(counter) > MOST_VALUES:
        raise _UnfitError(f"holds more than {MOST_VALUES:,} values, counting each where it is named", ())
    if isinstance(node, str) and not _is_text(node):
        raise _UnfitError("holds half a letter, which is no text", place)
    if isinstance(node, Mapping):
        for key in node:
            _plain(key, counter, place)
        return {key: _plain(value, counter, (*place, key)) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, counter, (*place, index)) for index, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    return node


def _is_text(words: str) -> bool:
    """Whether it can be written down: no half of a surrogate pair is in it."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_document(text: str, path: str, fault: type[FileFault]) -> Document:
    """Parse `text`; `path` is only named in errors. Duplicate keys and broken YAML raise `fault` with the line."""
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        tree = yaml.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = (error.problem or "is not YAML").splitlines()[0]
        raise fault(
            problem, where=f"{path}, line {line}", mend="correct the line; `roadworthy check` reads it again"
        ) from None
    except YAMLError as error:
        raise fault(f"is not YAML: {str(error).splitlines()[0]}", where=path) from None
    except RecursionError:
        raise fault("is nested too deeply", where=path) from None
    except (ValueError, OverflowError, TypeError):  # such as a day that no month has, or a number without end
        raise fault("holds a value that cannot be read", where=path, mend="put it in quotes") from None
    if tree is None:
        raise fault("is empty", where=path, mend="`roadworthy init` writes a whole one")
    return Document(path, tree, fault)


def read_document(path: Path, fault: type[FileFault]) -> Document:
    """Read the YAML file at `path`; a missing or unreadable one raises `fault`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        available = sorted(entry.name for entry in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise fault(
            "there is no such file", where=path, available=available, mend="`roadworthy init` writes it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise fault(f"cannot be read: {error}", where=path) from None
    return parse_document(text, path.name, fault)


def write_text(path: Path, text: str) -> None:
    """Write `text` whole or not at all, as UTF-8 with its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` whole or not at all: to a temporary file beside `path`, then renamed over it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
