"""The templates of the room: all text escaped, a missing name an error."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from roadworthy.report.format import count, decimal, percent
from roadworthy.report.words import explain

__all__ = ["environment"]


@cache
def environment() -> Environment:
    """Where the room's templates are loaded from, with the filters that write figures."""
    templates = Environment(
        loader=PackageLoader("roadworthy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "count": count,
        "decimal": decimal,
        "drawn": lambda drawing: Markup(drawing.svg),  # noqa: S704 - written by `draw`, in which all text is escaped
        "explain": explain,
        "percent": percent,
    }
    return templates
