"""The machine's door: HTTP, its routes, OpenAPI, the micro-batch. See docs/reference/http.md."""

from __future__ import annotations

from roadworthy.api.entrance import list_routes, make_asgi, make_entrance
from roadworthy.api.json_body import decode_json
from roadworthy.api.openapi import make_openapi

__all__ = ["decode_json", "list_routes", "make_asgi", "make_entrance", "make_openapi"]
