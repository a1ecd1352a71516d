"""Very many decisions made again: a span of time, a release, a list of applications, or every one there is (R23).

The records are read a piece at a time, and each piece is decided as a whole, so that a million take no more memory than
ten thousand. With more processes than one the pieces go round among them; what comes back is in the records' order.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import wait

from msgspec import Struct, structs
from sqlalchemy import Connection, select

from roadworthy.access import Branches, Deed
from roadworthy.errors import StoreError
from roadworthy.lifecycle.replay import Replay, compare
from roadworthy.live import CurrentRoute, decide_all_again
from roadworthy.records import Record, ReleaseRef, decode_payload, metadata, read_parts, to_us

__all__ = ["Asked", "Replays", "replay_decisions"]

_AT_ONCE = 4_000
_SHOWN = 20
_RECORDS = metadata.tables["records"]


class Asked(Struct, frozen=True, kw_only=True):
    """Which decisions are made again; what is None or empty is not asked.

    since, before   when they were made: from the one moment until before the other
    applications    every decision about these
    """

    since: datetime | None = None
    before: datetime | None = None
    release: str | None = None
    branch: str | None = None
    applications: tuple[str, ...] = ()


class Replays(Struct, frozen=True, kw_only=True):
    """What became of decisions that were made again; `same`, `erased` and `different` add up to `decisions`.

    answers_changed   made again, and the answer is another
    not_made          different ones that could not be made again at all
    largest_ulps      the farthest that two PDs of one decision lie apart, in units of the last place
    differs           how often each of data, code, model, policy and tables is named; one decision may name several
    releases, builds  how many decisions each of them made
    build_now         what they were made again by
    first             the first that differ
    """

    build_now: str
    decisions: int = 0
    same: int = 0
    erased: int = 0
    different: int = 0
    answers_changed: int = 0
    not_made: int = 0
    largest_ulps: int = 0
    differs: dict[str, int] = {}
    releases: dict[str, int] = {}
    builds: dict[str, int] = {}
    first: tuple[Replay, ...] = ()

    def __add__(self, more: Replays) -> Replays:
        """Both together."""
        return Replays(
            build_now=self.build_now,
            decisions=self.decisions + more.decisions,
            same=self.same + more.same,
            erased=self.erased + more.erased,
            different=self.different + more.different,
            answers_changed=self.answers_changed + more.answers_changed,
            not_made=self.not_made + more.not_made,
            largest_ulps=max(self.largest_ulps, more.largest_ulps),
            differs=_add(self.differs, more.differs),
            releases=_add(self.releases, more.releases),
            builds=_add(self.builds, more.builds),
            first=(self.first + more.first)[:_SHOWN],
        )


def _add(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(some) + Counter(more))


class _Piece(Struct, frozen=True):
    """Records to be read at once: rows of a slot behind `after` up to `last`, or all about some applications."""

    slot: int
    after: int
    last: int
    applications: tuple[str, ...] = ()


def replay_decisions(
    deed: Deed,
    current: CurrentRoute,
    asked: Asked,
    *,
    write: Callable[[Sequence[Replay]], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    processes: int = 1,
    reopen: Callable[[], CurrentRoute] | None = None,
) -> Replays:
    """Make the decisions again that are asked for, of the branches that the actor sees, and compare each bit by bit.

    Permission decision.replay. `write` is given those that differ, in the order of their records; `progress` how many
    pieces of how many are done. With more processes than one each opens the store for itself by `reopen`, which must
    be a function of a module. StoreError where the store cannot be read, its keys are not at hand, or a process died.
    """
    deed.demand("decision.replay")
    pieces = _cut(deed, asked)
    whole = Replays(build_now=current.build)
    work = _Work(asked, deed.by.branches)
    if processes == 1 or reopen is None or len(pieces) == 1:
        done: Iterable[tuple[Replays, list[Replay]]] = (work.replay(current, piece) for piece in pieces)
    else:
        done = _go_round(work, pieces, min(processes, len(pieces)), reopen)
    for number, (counted, different) in enumerate(done, start=1):
        whole += counted
        if different:
            write(different)
        progress(number, len(pieces))
    return whole


def _cut(deed: Deed, asked: Asked) -> list[_Piece]:
    if asked.applications:
        # Each application's records lie apart.
        names, most = asked.applications, _AT_ONCE // 8
        return [_Piece(0, 0, 0, names[start : start + most]) for start in range(0, len(names), most)]
    return [
        _Piece(head.slot, after, min(after + _AT_ONCE, head.seq))
        for head in deed.store.ledger.heads()
        for after in range(0, head.seq, _AT_ONCE)
    ]


class _Work(Struct, frozen=True):
    """What is done with each piece, in this process or another."""

    asked: Asked
    branches: Branches

    def replay(self, current: CurrentRoute, piece: _Piece) -> tuple[Replays, list[Replay]]:
        """The counts of a piece, and the decisions in it that differ."""
        with _uncollected():
            with current.store.reading() as connection:
                records = [record for record in _read(connection, piece, self.asked) if self._wants(record)]
            build = current.build
            replays = [compare(again, build) for again in decide_all_again(current, records)]
            different = [replay for replay in replays if not replay.same and not replay.erased]
            return _count(replays, different, build), different

    def _wants(self, record: Record) -> bool:
        if self.asked.release is None and self.asked.branch is None and self.branches.every:
            return True
        try:
            by = decode_payload(record.payload, _By)
        except StoreError:
            return self.branches.every  # whose it was can no more be read: who sees everything is told
        return (
            self.asked.release in (None, by.release.id)
            and self.asked.branch in (None, by.branch)
            and self.branches.hold(by.branch)
        )


class _By(Struct, frozen=True):
    """Of a decision, what is asked for before all of it is read."""

    release: ReleaseRef
    branch: str | None = None


def _read(connection: Connection, piece: _Piece, asked: Asked) -> Iterator[Record]:
    """The decisions of a piece that were made when it is asked for."""
    row = _RECORDS.c
    wanted = select(*_RECORDS.columns).where(row.kind == "decision")
    if asked.since is not None:
        wanted = wanted.where(row.at_us >= to_us(asked.since))
    if asked.before is not None:
        wanted = wanted.where(row.at_us < to_us(asked.before))
    if piece.applications:
        about = wanted.where(row.subject.in_(piece.applications)).order_by(row.subject, row.nth)
        parts: Iterable[Sequence[Sequence[object]]] = [connection.execute(about).all()]
    else:
        within = wanted.where(row.slot == piece.slot, row.seq > piece.after, row.seq <= piece.last).order_by(row.seq)
        parts = read_parts(connection, within)
    for part in parts:
        for each in part:
            record = Record(*each)  # type: ignore[arg-type]  # the driver's own rows
            yield record if isinstance(record.trial, bool) else structs.replace(record, trial=bool(record.trial))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nobody looks for cycles among the objects of a piece: there are none, and it takes as long as all the rest."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _count(replays: Sequence[Replay], different: Sequence[Replay], build: str) -> Replays:
    return Replays(
        build_now=build,
        decisions=len(replays),
        same=sum(replay.same for replay in replays),
        erased=sum(replay.erased for replay in replays),
        different=len(different),
        answers_changed=sum(replay.answer_changed for replay in different),
        not_made=sum(replay.answer_now is None for replay in different),
        largest_ulps=max((replay.ulps or 0 for replay in different), default=0),
        differs=dict(Counter(part for replay in different for part in replay.differs)),
        releases=dict(Counter(replay.release or "" for replay in replays)),
        builds=dict(Counter(replay.build or "" for replay in replays)),
        first=tuple(different[:_SHOWN]),
    )


def _go_round(
    work: _Work, pieces: Sequence[_Piece], processes: int, reopen: Callable[[], CurrentRoute]
) -> Iterator[tuple[Replays, list[Replay]]]:
    """What each piece came to, in their order, never more of them at once than keep every process busy."""
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(work, reopen)
    )
    waiting: deque[Future[tuple[Replays, list[Replay]]]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(_replay, piece))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise StoreError(
            "a process that made decisions again was ended", mend="again, or with --processes 1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_here: tuple[_Work, CurrentRoute]
"""Of a process that was begun for it: what it does, and the store that it opened."""


def _begin(work: _Work, reopen: Callable[[], CurrentRoute]) -> None:
    """Make this process ready. It ends with the one that began it, and leaves an interrupt to that."""
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here = (work, reopen())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _replay(piece: _Piece) -> tuple[Replays, list[Replay]]:
    work, current = _here
    return work.replay(current, piece)
