"""Where an application's page is."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["address"]


def address(application_id: str, decision_id: str) -> str:
    """The page of an application, by its own id; by its decision's where the id cannot be a step of a path.

    >>> address("A 1", "0190"), address("2026/17", "0190")
    ('/applications/A%201', '/applications/0190')
    """
    plain = "/" not in application_id and application_id not in (".", "..") and application_id.isprintable()
    return f"/applications/{quote(application_id if plain else decision_id, safe='')}"
