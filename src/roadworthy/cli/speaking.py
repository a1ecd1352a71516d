"""How commands speak: sentences and tables to people, one JSON document to machines; progress only where it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Json", "say", "show_json", "show_progress"]

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document instead of sentences.")]


def say(sentence: str) -> None:
    """A sentence on stdout, at once: whoever waits sees how far it is."""
    print(sentence, flush=True)


def show_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2).decode())


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A progress bar on stderr where that is a terminal; else nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        yield bar
