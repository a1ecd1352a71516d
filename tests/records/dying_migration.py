"""Migrates stores in processes that kill themselves: `python dying_migration.py` with JSON on stdin, one line each.

A line is {"url": ..., "die_at": n}: a child migrates the store and sends itself SIGKILL before its nth statement is
sent, or, where n is -1, once all are sent and none is committed. The answer, one line of JSON, is {"died": true}, or
{"died": false, "statements": k} where it lived. The libraries are loaded once; each child is a
process of its own, with connections of its own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from sqlalchemy import event

from roadworthy.records.migrating import run_migrations, wanted_revisions
from roadworthy.records.store import connect_store


def migrate(url: str, die_at: int) -> int:
    """Migrate; the number of statements that it took."""
    sent = 0
    with connect_store(url, None, create=False) as store:

        def count(*_: Any) -> None:
            nonlocal sent
            sent += 1
            if sent == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(store.connections.writer, "before_cursor_execute", count)
        if die_at == -1:
            event.listen(store.connections.writer, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        store.transact(run_migrations)
    return sent


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Migrate in a child, and say how it ended."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.write(write, str(migrate(order["url"], order["die_at"])).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        statements = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"died": True}
    return {"died": False, "statements": int(statements)}


if __name__ == "__main__":
    import alembic.command  # noqa: F401  # before the first child, so that none has to load it

    wanted_revisions()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
