"""A writer to be killed: `python -m roadworthy.testing.ledger_writer URL SEED FIRST`.

Appends decisions under the keys k0, k1, ... from FIRST on, eight in a commit, and prints a line `KEY RECORD_ID` for
each once it is acknowledged, until it is killed.
"""

from __future__ import annotations

import sys
from itertools import count

from roadworthy.records import Conflict, Recorded, open_store
from roadworthy.testing.entries import Entries

__all__ = ["write_until_killed"]

_AT_ONCE = 8


def write_until_killed(url: str, seed: int, first: int) -> None:
    """Append and acknowledge, for ever."""
    entries = Entries(seed)
    with open_store(url) as store:
        for start in count(first, _AT_ONCE):
            keys = [f"k{number}" for number in range(start, start + _AT_ONCE)]
            done = store.ledger.append([entries.decision(key, key=key) for key in keys])
            lines = []
            for key, result in zip(keys, done.results, strict=True):
                if isinstance(result, Conflict):
                    raise SystemExit(f"{key} was recorded with another body")
                lines.append(f"{key} {result.record_id if isinstance(result, Recorded) else result.record.record_id}\n")
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


if __name__ == "__main__":
    write_until_killed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
