"""A form that is sent twice does its act once: it carries a key of its own."""

from __future__ import annotations

import hmac

from roadworthy.desk.visit import Visit
from roadworthy.records import Once

__all__ = ["read_once"]


def read_once(visit: Visit) -> Once | None:
    """The promise that goes with a form's key: a second press of its button is a repeat, not another act."""
    key = visit.sent["once"]
    if not 0 < len(key) <= 64 or not (key.isascii() and key.isprintable()):
        return None
    asked = f"{visit.scope['path']}\n".encode() + visit.admitted.body
    digest = hmac.digest(visit.services.current.store_id.encode(), asked, "sha256")
    return Once(visit.by.account, f"form:{key}", digest)
