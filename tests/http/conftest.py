from __future__ import annotations

from tests.api.conftest import client, house
from tests.stores import postgres

__all__ = ["client", "house", "postgres"]
