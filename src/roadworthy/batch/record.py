"""A file of applications to recorded decisions: by what is live, each row once however often it comes (R5, R8)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from roadworthy.access import EVERY_BRANCH, Branches
from roadworthy.batch.mapping import SourceMapping
from roadworthy.batch.score import Part, Scored, number_rows, walk_file
from roadworthy.batch.sources import Source
from roadworthy.contract import UNSEEN, Batch, Checked, SetAside, Violation
from roadworthy.decision import flatten_decisions
from roadworthy.errors import StoreError
from roadworthy.live import CurrentRoute, Decided, Envelope, NotDecided, Reply, decide_and_record, plain_cells
from roadworthy.policy import ANSWERS
from roadworthy.records import Erased, Once

__all__ = ["record_file"]

_AT_ONCE = 500
_MOST_REASONS = 4
_REASON = pa.struct(
    [
        ("code", pa.string()),
        ("text", pa.string()),
        ("column", pa.string()),
        ("contribution", pa.float64()),
        ("error", pa.float64()),
        ("close", pa.bool_()),
    ]
)
_SCHEMA = pa.schema(
    [
        ("decision_id", pa.string()),
        ("application_id", pa.string()),
        ("answer", pa.string()),
        ("pd", pa.float64()),
        ("score", pa.float64()),
        ("rules", pa.list_(pa.string())),
        ("reasons", pa.list_(_REASON)),
        ("pd_at_reference", pa.float64()),
        ("adjusted", pa.bool_()),
        ("release", pa.string()),
    ]
)


def record_file(
    source: Source,
    out: Path,
    current: CurrentRoute,
    *,
    actor: str,
    branches: Branches = EVERY_BRANCH,
    now: Callable[[], datetime],
    new_id: Callable[[], str],
    set_aside: Path,
    mapping: SourceMapping | None = None,
    absent: Collection[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Decide every row of `source` by what is live, record it for `actor`, and write what was recorded to `out`.

    A row with the id of an application of none of the actor's `branches` is set aside.
    A row is known by the file's SHA-256 and its number: a file that comes again, after a stop or by mistake, gets what
    was recorded then, and nothing is decided twice. Each part is decided under one route, so a release that goes live
    meanwhile decides the rest; `release` says which it was. Otherwise as `score`. NothingLive: no release is live.
    """
    contract = current.refresh().require().contract
    caller = f"file:{source.digest}"

    def record_part(checked: Checked, mapped: pa.Table, before: int, flat: bool) -> Part:
        replies: list[Reply] = []
        kept: list[int] = []
        refused: list[tuple[int, Violation]] = []
        repeated = 0
        for start in range(0, len(checked.rows), _AT_ONCE):
            places = checked.rows[start : start + _AT_ONCE]
            applications = _read_applications(checked.batch.take(slice(start, start + _AT_ONCE)), mapped, places)
            envelopes = [
                Envelope(
                    record_id=new_id(),
                    actor=actor,
                    branches=branches,
                    once=_once(caller, before + place + 1),
                    **application,
                )
                for place, application in zip(places.tolist(), applications, strict=True)
            ]
            made = decide_and_record(current, envelopes, now=now())
            progress(len(places))
            for place, one in zip(places.tolist(), made, strict=True):
                match one:
                    case Decided():
                        kept.append(place)
                        replies.append(msgspec.json.decode(one.reply, type=Reply))
                        repeated += one.replayed
                    case NotDecided():
                        refused += ((place, violation) for violation in one.violations)
                    case Erased(record=record):
                        refused.append((place, _erased(record.subject)))
                    case _:
                        raise StoreError(f"row {before + place + 1} is recorded as something else", where=source.path)
        progress(mapped.num_rows - len(checked.rows))
        table = number_rows(_to_table(replies, flat=flat), np.array(kept, dtype=np.int64), before)
        answer = np.array([ANSWERS.index(reply.answer) for reply in replies], dtype=np.int8)
        return Part(answer, table, _to_set_aside(refused), repeated)

    return walk_file(
        source,
        out,
        contract,
        record_part,
        set_aside=set_aside,
        mapping=mapping,
        absent=absent,
        progress=lambda _: None,
    )


def _erased(application_id: str) -> Violation:
    return Violation("$.application_id", "allowed", f"was decided as {application_id}, whose data were erased since")


def _once(caller: str, row: int) -> Once:
    return Once(caller, f"row:{row}", sha256(f"{caller}\n{row}".encode()).digest())


def _read_applications(batch: Batch, mapped: pa.Table, places: Any) -> Iterator[Mapping[str, Any]]:
    """Each application as JSON would bring it: what a row of the table says, read by the contract."""
    cells = {column.name: plain_cells(batch, column.name) for column in batch.contract.columns}
    for column in batch.contract.columns:
        if column.type == "category":
            # A word that the contract does not list is kept as it came: what it means is the policy's to say.
            for i in np.flatnonzero(batch.columns[column.name] == UNSEEN).tolist():
                cells[column.name][i] = mapped[column.name][int(places[i])].as_py()
    times = batch.applied_at.astype("datetime64[us]").tolist()
    for i in range(len(batch)):
        inputs = {name: values[i] for name, values in cells.items() if values[i] is not None}
        yield {
            "inputs": msgspec.Raw(msgspec.json.encode(inputs)),
            "application_id": batch.application_id[i],
            "applicant_id": batch.applicant_id[i],
            "applied_at": None if times[i] is None else times[i].replace(tzinfo=UTC),
        }


def _to_table(replies: list[Reply], *, flat: bool) -> pa.Table:
    lines = []
    for reply in replies:
        line = msgspec.to_builtins(reply)
        line["reasons"] = [{"close": False, **reason} for reason in line["reasons"]]
        lines.append({name: line[name] for name in _SCHEMA.names} | {"release": reply.release.id})
    table = pa.Table.from_pylist(lines, _SCHEMA)
    return flatten_decisions(table, _MOST_REASONS) if flat else table


def _to_set_aside(refused: list[tuple[int, Violation]]) -> SetAside:
    def texts(field: str) -> Any:
        return np.array([getattr(violation, field) for _, violation in refused], dtype=object)

    rows = np.array([row for row, _ in refused], dtype=np.int64)
    return SetAside(rows, texts("path"), texts("rule"), texts("message"))
