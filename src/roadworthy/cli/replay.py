"""`roadworthy replay`: past decisions made again, from their records alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from roadworthy.cli.acting import As, Directory, acting, open_product_store, take_route
from roadworthy.cli.speaking import Json, say, show_json, show_progress
from roadworthy.errors import NotFound, UsageError
from roadworthy.settings import Settings, read_settings

if TYPE_CHECKING:
    from roadworthy.lifecycle import Replay, Replays
    from roadworthy.live import CurrentRoute
    from roadworthy.records import Store

NAME = "replay"
_PAYS_FROM = 40_000
"""So many records make up for the seconds in which another process begins."""


def command(
    decision_id: str | None = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    release: str | None = None,
    branch: str | None = None,
    applications: Path | None = None,
    out: Path | None = None,
    processes: int | None = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Make past decisions again, by the releases and tables that their records name, and compare every bit.

    One decision, those of a span of time, of a release, of a branch, of a list of applications, or all of them. Exits 0
    only where all are the same, or erased; where one is not, it says which of data, code, model, policy and tables is
    not what it was. Nothing is recorded.

    Example: roadworthy replay --from 2026-10-01 --to 2026-11-01 --out differing.csv

    Parameters
    ----------
    decision_id
        The id of one decision.
    every
        Every decision there is.
    since
        Decisions made from this day or moment on: 2026-10-01, or 2026-10-01T08:00:00Z.
    to
        Decisions made before this day or moment.
    release
        Decisions of this release.
    branch
        Decisions of this branch.
    applications
        A file with the ids of applications, one a line: every decision about them.
    out
        The file to write those to that differ: CSV, Parquet or Excel by its name.
    processes
        How many processes share the work; by default as many as pay, at most one a processor.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import Asked, replay_decision, replay_decisions, tell_build

    asked = Asked(
        since=_read_moment(since, "--from"),
        before=_read_moment(to, "--to"),
        release=release,
        branch=branch,
        applications=_read_ids(applications),
    )
    _refuse_unclear(decision_id, every=every, some=asked != Asked())
    if processes is not None and processes < 1:
        raise UsageError("is less than one process", where="--processes", mend="1 or more")
    with acting(directory, as_name=as_) as deed:
        current = take_route(deed, directory)
        if decision_id is not None:
            replay = replay_decision(deed, current, decision_id)
            with _writing(out) as write:
                write([] if replay.same or replay.erased else [replay])
            if json:
                show_json(replay)
            else:
                _say_one(replay)
            return 0 if replay.same or replay.erased else 1
        with _writing(out) as write, show_progress() as bar:
            task = bar.add_task("replay")
            replays = replay_decisions(
                deed,
                current,
                asked,
                write=write,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
                processes=processes or _choose_processes(deed.store),
                reopen=partial(_reopen, read_settings(directory)),
            )
        if not (replays.decisions or every):
            raise NotFound(
                "no decision is among those asked for", mend="look at how they are named; --all is every one"
            )
        others = {build: tell_build(deed.store, build) for build in replays.builds if build != replays.build_now}
    if json:
        show_json({**msgspec.to_builtins(replays), "builds_differ": others})
    else:
        _say_all(replays, others)
        if out is not None:
            say(f"wrote {out}")
    return 0 if replays.different == 0 else 1


def _reopen(settings: Settings) -> CurrentRoute:
    """The store, in another process."""
    from roadworthy.live import CurrentRoute

    return CurrentRoute(open_product_store(settings), trusted_types=settings.trusted)


def _choose_processes(store: Store) -> int:
    records = sum(head.seq for head in store.ledger.heads())
    return 1 if records < _PAYS_FROM else min(os.cpu_count() or 1, 1 + records // _PAYS_FROM)


@contextmanager
def _writing(out: Path | None) -> Iterator[Callable[[Sequence[Replay]], None]]:
    """What writes replays to a file, which is there whole or not at all; nothing where no file is asked for."""
    if out is None:
        yield lambda _: None
        return
    from roadworthy.batch import open_sink
    from roadworthy.lifecycle import replays_to_arrow

    with open_sink(out) as sink:
        sink.write(replays_to_arrow([]))  # where all are the same the file says so by its columns alone
        yield lambda replays: sink.write(replays_to_arrow(replays))


def _refuse_unclear(decision_id: str | None, *, every: bool, some: bool) -> None:
    """UsageError unless exactly one thing is asked for."""
    if [decision_id is not None, every, some].count(True) != 1:
        raise UsageError(
            "which decisions is not clear" if decision_id or every or some else "says no decision",
            where="replay",
            mend="a decision's id; or --from, --to, --release, --branch, --applications; or --all",
        )


def _read_moment(text: str | None, flag: str) -> datetime | None:
    """A day (from its beginning in UTC) or a moment with its time zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text if "T" in text or " " in text else f"{text}T00:00:00+00:00")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{text!r} is no day and no moment", where=flag, mend="2026-10-01 or 2026-10-01T08:00:00Z")
    return moment


def _read_ids(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=path, mend="a text file, one id a line") from None
    ids = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise UsageError("names no application", where=path, mend="one id a line")
    return ids


def _say_one(replay: Replay) -> None:
    if replay.erased:
        say("erased: the applicant's data are gone, so it cannot be made again")
    elif replay.same:
        say(f"the same to the last bit: {replay.answer}, PD {_pd(replay.pd)}, by release {replay.release}")
    else:
        say(f"not the same: {_describe(replay)}")


def _say_all(replays: Replays, others: dict[str, tuple[str, ...]]) -> None:
    by = ", ".join(f"{count:,} of release {release}" for release, count in sorted(replays.releases.items()) if release)
    say(f"{replays.decisions:,} decisions made again" + (f": {by}" if by else ""))
    say(f"  {replays.same:,} the same to the last bit")
    if replays.erased:
        say(f"  {replays.erased:,} erased: nothing can be made again of them")
    say(f"  {replays.different:,} different")
    for build, changes in others.items():
        told = "; ".join(changes) or "alike"
        say(f"{replays.builds[build]:,} were decided by another build, {build[:12] or 'unnamed'}: {told}")
    if not replays.different:
        return
    named = ", ".join(f"{part} ({count:,})" for part, count in sorted(replays.differs.items()))
    say(f"what differs: {named}")
    say(f"{replays.answers_changed:,} answers changed; the PDs lie at most {_ulps(replays.largest_ulps)} apart")
    if replays.not_made:
        say(f"{replays.not_made:,} could not be made again at all")
    for replay in replays.first:
        say(f"- {replay.decision_id}: {_describe(replay)}")
    if replays.different > len(replays.first):
        say(f"- and {replays.different - len(replays.first):,} more: --out FILE writes them all")


def _describe(replay: Replay) -> str:
    if replay.answer_now is None:
        return f"{', '.join(replay.differs)}: {replay.why}"
    answers = replay.answer if not replay.answer_changed else f"{replay.answer}, now {replay.answer_now}"
    pds = f"PD {_pd(replay.pd)}"
    if replay.pd != replay.pd_now:
        pds += f", now {_pd(replay.pd_now)}" + (f" ({_ulps(replay.ulps)})" if replay.ulps is not None else "")
    return f"{', '.join(replay.differs)}: {answers}; {pds}; other than recorded: {', '.join(replay.fields)}"


def _pd(pd: float | None) -> str:
    return "none" if pd is None else f"{pd:.6f}"


def _ulps(ulps: int) -> str:
    return f"{ulps:,} unit{'s' if ulps != 1 else ''} of the last place"
