"""The product's own directory, written whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from roadworthy.errors import UsageError

__all__ = ["fill_template", "refuse_existing", "write_directory"]


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("roadworthy.pipeline", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 Python and Markdown are written, no HTML
    )


def fill_template(file: str, **values: Any) -> str:
    """The template of `file` with its values filled in."""
    return _templates().get_template(f"{file}.jinja").render(values)


def refuse_existing(out: Path, *, force: bool) -> None:
    """UsageError where `out` cannot become the product's directory; an existing one is only replaced by `force`."""
    if out.is_dir():
        if any(out.iterdir()) and not force:
            raise UsageError(
                "already exists and is not empty",
                where=out,
                mend="--out ANOTHER, or --force, which sets this one aside",
            )
    elif out.exists():
        raise UsageError("is a file, and a directory is to be written", where=out, mend="--out ANOTHER")


def write_directory(out: Path, files: Mapping[str, str | Path]) -> Path | None:
    """Write `files` (texts, or files to copy) to the directory `out`; returns where an earlier one was set aside.

    Everything is written to a directory beside `out`, which takes its name at the end. On an error or an interrupt
    nothing is left, and what stood at `out` before is still there.
    """
    target = out.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        temporary.mkdir()
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=out, mend="--out ANOTHER") from None
    try:
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, path)
            else:
                path.write_text(content, encoding="utf-8", newline="\n")
        before = _set_aside(target)
        try:
            temporary.rename(target)
        except BaseException:
            if before is not None:
                before.rename(target)
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return before


def _set_aside(target: Path) -> Path | None:
    """Move a directory that has something in it out of the way: nothing a person wrote is overwritten."""
    if not target.is_dir() or not any(target.iterdir()):
        return None
    number = 1
    while (before := target.with_name(f"{target.name}.before-{number}")).exists():
        number += 1
    target.rename(before)
    return before
