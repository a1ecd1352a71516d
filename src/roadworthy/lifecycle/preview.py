"""What a release would have answered: the latest recorded applications, decided by it and by the live one (R10).

Nothing is recorded. Both go through the one `decide`, with the versions of the tables that are in force.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from roadworthy.contract import Batch, check_bodies
from roadworthy.decision import Table, decide
from roadworthy.lifecycle.differences import Difference, list_differences
from roadworthy.live import CurrentRoute, Loaded, open_particulars
from roadworthy.policy import ANSWERS
from roadworthy.records import Decision, Record, Wanted, decode_payload, search_applications

__all__ = ["Preview", "preview_release"]

_SLICE = 250


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A release beside the one that is live.

    changes    how many applications the live release gives the first answer and this one the second
    compared   how many both decided: the latest, made between `earliest` and `latest`
    refused    how many this one's contract would not even take, though the live one's does
    erased     how many could not be asked, since their data are erased
    cut_short  the time was up before as many were compared as were asked for
    """

    release: str
    live: str
    differences: tuple[Difference, ...]
    changes: Mapping[tuple[str, str], int]
    compared: int
    refused: int
    erased: int
    earliest: datetime | None
    latest: datetime | None
    cut_short: bool

    @property
    def otherwise(self) -> int:
        """How many would be answered otherwise."""
        return sum(count for (then, now), count in self.changes.items() if then != now)

    def share(self, answer: str, *, now: bool) -> float:
        """The share that gets this answer: by this release (`now`) or by the one that is live. NaN where none is."""
        place = 1 if now else 0
        count = sum(count for pair, count in self.changes.items() if pair[place] == answer)
        return count / self.compared if self.compared else float("nan")


def preview_release(current: CurrentRoute, release_id: str, *, most: int = 1_000, seconds: float = 3.0) -> Preview:
    """Decide the `most` latest applications by a release and by the live one; begin no more of them after `seconds`.

    NothingLive where nothing is. NotFound: there is no such release. UsageError: it reads a table of which no
    version is in force. PackageError, StoreError: it does not load.
    """
    until = time.monotonic() + seconds
    taken = current.refresh()
    live = taken.require()
    candidate = current.load(release_id)
    tables = current.read_tables(candidate, taken.route.tables)
    with current.store.reading() as connection:
        found = search_applications(connection, Wanted(), limit=most).applications
    wanted = [one.decision_id for one in found if one.decision_id is not None]
    changes: Counter[tuple[str, str]] = Counter()
    erased = refused = asked = 0
    moments: list[datetime] = []
    while asked < len(wanted) and (asked == 0 or time.monotonic() < until):
        records = current.store.ledger.find_all(wanted[asked : asked + _SLICE])
        bodies = [(record.at, body) for record in records if (body := _body(current, record)) is not None]
        erased += len(records) - len(bodies)
        answered, lost = _answer_both([body for _, body in bodies], (live, taken.tables), (candidate, tables))
        changes.update(answered)
        refused += lost
        moments += [at for at, _ in bodies]
        asked += _SLICE
    return Preview(
        release=release_id,
        live=live.id,
        differences=list_differences(live, candidate),
        changes=dict(changes),
        compared=sum(changes.values()),
        refused=refused,
        erased=erased,
        earliest=min(moments, default=None),
        latest=max(moments, default=None),
        cut_short=asked < len(wanted),
    )


def _body(current: CurrentRoute, record: Record) -> dict[str, Any] | None:
    """The application of a decision's record, as a caller sends it; None where it is erased."""
    particulars = open_particulars(current, record)
    if particulars is None:
        return None
    applied_at = decode_payload(record.payload, Decision).applied_at or record.at
    return {"applied_at": applied_at.isoformat(), "inputs": msgspec.json.decode(particulars.inputs)}


def _answer_both(
    bodies: Sequence[dict[str, Any]],
    live: tuple[Loaded, Mapping[str, Table]],
    candidate: tuple[Loaded, Mapping[str, Table]],
) -> tuple[list[tuple[str, str]], int]:
    """The answers of both to every application that both take, and how many only the live one takes."""
    (ours, rows), (theirs, their_rows) = (_check(bodies, loaded) for loaded, _ in (live, candidate))
    both, mine, other = np.intersect1d(rows, their_rows, assume_unique=True, return_indices=True)
    then = decide(ours.take(mine), live[0].release, live[1]).answer
    now = decide(theirs.take(other), candidate[0].release, candidate[1]).answer
    pairs = [(str(ANSWERS[a]), str(ANSWERS[b])) for a, b in zip(then.tolist(), now.tolist(), strict=True)]
    return pairs, len(rows) - len(both)


def _check(bodies: Sequence[dict[str, Any]], loaded: Loaded) -> tuple[Batch, Any]:
    """The applications that keep to a release's contract, without the columns that it does not know; and which."""
    known = {column.name for column in loaded.contract.columns}
    fitted = [{**body, "inputs": {k: v for k, v in body["inputs"].items() if k in known}} for body in bodies]
    checked = check_bodies(loaded.contract, fitted)
    return checked.batch, checked.rows
