"""The store's own writer on a disk that tests break: `python disk_writer.py URL`, with `shim.c` before the C library.

URL is of a store to warm up with.

Each line it reads is a case, a JSON object; each is worked on in a process of its own, forked once everything is
imported, and answered with a line. A case opens the store `store.db` of its folder, appends batches of decisions, and
asks again under the same keys for what was not answered.

    folder      where the store is
    keys        the first key's number, the number of batches, how many are in one
    log         where to write down what is done to the disk; null for nowhere
    fault       [kind, nth, error, for_ever]: the nth operation of this kind fails so; an error of 0 kills the process
                there, one below 0 kills it once a sync has failed so
    settings    of SQLite, over the product's own
    unsettled   True: a log that is found is taken as it is, which the product does not do
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from roadworthy.errors import OutcomeUnknown, StoreError
from roadworthy.records import Entry, Recorded, Replayed, Store, open_store
from roadworthy.records.stores import sqlite
from roadworthy.testing.entries import Entries

__all__ = ["MOST_TRIES"]

MOST_TRIES = 8
_MENDED_AFTER = 3
_DISK = ctypes.CDLL(None)


def work(case: dict[str, Any]) -> dict[str, Any]:
    """Append what the case says; what was answered on the way, by the kind of answer."""
    product = sqlite._SETTINGS
    settings = [f"PRAGMA {name} = {value}" for name, value in case.get("settings", {}).items()]
    vars(sqlite)["_SETTINGS"] = (*product, *settings)
    if case.get("unsettled", False):
        vars(sqlite)["write_again"] = lambda _: None
    folder = Path(case["folder"])
    first, batches, at_once = case["keys"]
    _DISK.disk_log(None if case.get("log") is None else os.fsencode(case["log"]))
    _DISK.disk_break(*case.get("fault", (-1, 0, 0, 0)))
    said: Counter[str] = Counter()
    acknowledged: dict[str, str] = {}
    entries = Entries(case["seed"])
    with _open(folder, said) as store:
        for number in range(first, first + batches * at_once, at_once):
            keys = [f"k{key}" for key in range(number, number + at_once)]
            acknowledged |= append(store, [entries.decision(key, key=key) for key in keys], said)
    return {"said": said, "acknowledged": acknowledged, "counts": [_DISK.disk_count(kind) for kind in range(5)]}


def append(store: Store, batch: list[Entry], said: Counter[str]) -> dict[str, str]:
    """Until it is acknowledged; what is said not to be recorded must not be there."""
    for tried in range(1, MOST_TRIES + 1):
        try:
            results = store.ledger.append(batch).results
        except StoreError as error:
            said[type(error).__name__] += 1
            if tried >= _MENDED_AFTER:
                _DISK.disk_break(-1, 0, 0, 0)  # somebody has put a new disk in
            if not isinstance(error, OutcomeUnknown):
                there = _ids(store, said)
                said["there all the same"] += sum(entry.record_id in there for entry in batch)
            continue
        told = {}
        for entry, result in zip(batch, results, strict=True):
            assert isinstance(result, Recorded | Replayed)
            recorded = result.record_id if isinstance(result, Recorded) else result.record.record_id
            said[type(result).__name__] += 1
            told[entry.subject] = recorded
        _DISK.disk_acknowledge("\n".join(map(" ".join, told.items())).encode())
        return told
    raise AssertionError(f"not recorded after {MOST_TRIES} tries: {dict(said)}")


def _ids(store: Store, said: Counter[str]) -> set[str]:
    """The records that can be read; none where the disk cannot be read at this moment."""
    try:
        return {record.record_id for record in store.ledger.read(limit=100_000).records}
    except StoreError:
        said["unreadable"] += 1
        return set()


def _open(folder: Path, said: Counter[str]) -> Store:
    for _ in range(MOST_TRIES):
        try:
            return open_store(f"sqlite:///{folder / 'store.db'}")
        except StoreError as error:
            said[f"{type(error).__name__} at opening"] += 1
    raise AssertionError("it cannot be opened")


def main() -> None:
    with open_store(sys.argv[1]) as store:
        store.ledger.append([Entries(0).decision()])
    for line in sys.stdin:
        readable, writable = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = work(json.loads(line))
            except BaseException:  # noqa: BLE001  # whatever it is, the test is told
                answer = {"fault": traceback.format_exc()}
            os.write(writable, json.dumps(answer).encode())
            os._exit(0)
        os.close(writable)
        with os.fdopen(readable) as answered:
            said = answered.read() or json.dumps({"killed": True})
        os.waitpid(child, 0)
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
