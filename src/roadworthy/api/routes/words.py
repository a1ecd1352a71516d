"""What several routes take: a note, a reason, a file with a table."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["TABLE_FILES", "Note", "Reason"]

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
