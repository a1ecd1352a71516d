"""The people's door: pages for officers, analysts, validators, approvers, operators and admins."""

from __future__ import annotations

from roadworthy.desk.entrance import list_pages, make_entrance

__all__ = ["list_pages", "make_entrance"]
