"""What several routes take and give: a note, a reason, a moment, a file with a table."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["REPLAYED", "TABLE_FILES", "Moment", "Note", "Reason"]

Moment = Annotated[dt.datetime, Meta(tz=True)]
"""A moment, with its time zone."""
REPLAYED = {"Idempotent-Replayed": "Always true."}
"""The header of an answer that was given before."""
TABLE_FILES = {
    "text/csv": "CSV",
    "application/vnd.apache.parquet": "Parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/octet-stream": "any of them: what is in it decides",
    "multipart/form-data": "a form with the part `file`",
}
"""The media types of a file with a table in it."""


class Note(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said with a step."""

    note: str = ""


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; there is something in it."""

    reason: Annotated[str, Meta(pattern=r"\S")]
