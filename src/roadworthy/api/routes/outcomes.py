"""How it turned out: outcomes taken in, and what they say about the predictions once they may be judged."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any

import numpy as np
from litestar import Response
from msgspec import Meta, Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.json_body import decode_json
from roadworthy.door import Answer, Problem, ProblemError, Query, Told, Violation, way
from roadworthy.errors import Refused
from roadworthy.measures import Calibration, Confusion, GainsTable
from roadworthy.outcomes import (
    EVENTS,
    Judged,
    judge_outcomes,
    list_outcomes_set_aside,
    matured_calibration,
    matured_confusion,
    matured_gains,
    record_outcomes,
)
from roadworthy.policy import find_band_starts

__all__ = ["HANDLERS"]

_LINES = "application/x-ndjson"
MOST_ROWS = 100_000
"""So many outcomes at once: they are all held until each is recorded."""
_ROW = {
    "description": (
        "One outcome: application_id; event, one of "
        f"{', '.join(EVENTS)}, or a bare bad of 0 or 1; at, when it happened; known_at, when that was known; amount, "
        "days, corrects, and booked_at beside a bare bad. A row that breaks a rule is set aside, and the others go on."
    )
}
_BODY = {
    "anyOf": [
        {"type": "array", "items": _ROW},
        {
            "type": "object",
            "properties": {"outcomes": {"type": "array", "items": _ROW}},
            "required": ["outcomes"],
            "additionalProperties": False,
        },
    ]
}


class RowAside(Struct, frozen=True):
    """A row that was not taken: its position in what was sent (from 0), the place, the rule it failed, and why."""

    row: int
    path: str
    rule: str
    message: str


class Taken(Struct, frozen=True):
    """What became of the rows: `recorded` brought something new, `repeated` was known; the rest is set aside."""

    recorded: int
    repeated: int
    set_aside: tuple[RowAside, ...]


class KeptRow(Struct, frozen=True, kw_only=True):
    """A row that was set aside, as it came; null once it was erased."""

    record_id: str
    at: dt.datetime
    actor: str
    path: str
    rule: str
    message: str
    row: Any


class KeptRows(Struct, frozen=True):
    """Rows that were set aside, latest first; `next` is the `after` of the next page."""

    rows: tuple[KeptRow, ...]
    next: str | None


class GainsRow(Struct, frozen=True, kw_only=True):
    """One bucket of the gains table, the riskiest first."""

    bucket: int
    count: int
    weight: float
    pd_low: float
    pd_high: float
    pd_mean: float
    bads: float
    bad_rate: float
    cumulative_count_share: float
    cumulative_bads: float
    capture: float | None
    lift: float | None
    cumulative_lift: float | None
    ks: float | None


class CalibrationRow(Struct, frozen=True, kw_only=True):
    """One bucket of the calibration, the lowest PDs first."""

    bucket: int
    count: int
    weight: float
    pd_low: float
    pd_high: float
    predicted: float
    observed: float
    observed_low: float
    observed_high: float


class RightAndWrong(Struct, frozen=True, kw_only=True):
    """What a cut-off says of those that were lent to, and what came; positive is a PD at or above it."""

    cut_off: float
    tp: float
    fp: float
    tn: float
    fn: float
    accuracy: float | None
    balanced_accuracy: float | None
    always_good_accuracy: float | None
    precision: float | None
    recall: float | None
    specificity: float | None
    f1: float | None
    flatters: bool
    sentence: str


class Performance(Struct, frozen=True, kw_only=True):
    """Predictions against outcomes that may be judged.

    `population` says in words who is counted. `counts` are all applications by what they came to. `not_yet` says why
    there are no tables, where there are none.
    """

    as_of: dt.datetime
    release: str | None
    population: str
    counts: Mapping[str, int]
    gains: tuple[GainsRow, ...] | None = None
    calibration: tuple[CalibrationRow, ...] | None = None
    calibration_error: float | None = None
    confusion: RightAndWrong | None = None
    not_yet: str | None = None


@way(
    "POST",
    "/v1/outcomes",
    Told(
        permission="outcome.add",
        summary="Say how applications turned out",
        body=_BODY,
        files={"text/csv": "one row an outcome, the first line naming the columns", _LINES: "one JSON object a line"},
        answers={200: Answer("What became of each row.", Taken)},
        description=(
            "Many at once. A row that breaks a rule is set aside with why, kept, and the others go on. The same rows "
            "can be sent again: what is known is `repeated`."
        ),
    ),
)
def post_outcomes(request: Call) -> Response[bytes]:
    """Record them, or set them aside."""
    champion = request.services.current.take().champion
    zone = "UTC" if champion is None else champion.product.time_zone
    admitted = request.admitted
    match admitted.kind:
        case "text/csv":
            rows = _read_csv(admitted.body)
        case "application/x-ndjson":
            rows = _at_most(_read_line(line) for line in io.BytesIO(admitted.body) if line.strip())
        case _:
            rows = _read_rows(decode_json(admitted.body))
    taken = record_outcomes(request.deed(), rows, time_zone=zone)
    return reply(
        Taken(
            taken.recorded,
            taken.repeated,
            tuple(RowAside(one.row, one.path, one.rule, one.message) for one in taken.set_aside),
        )
    )


@way(
    "GET",
    "/v1/outcomes/set-aside",
    Told(
        permission="set_aside.read",
        summary="Outcome rows that were set aside",
        query=(
            Query("limit", Annotated[int, Meta(ge=1, le=1000)], "How many, at most 1000; 100 where it is not given."),
            Query("after", Annotated[str, Meta(max_length=64)], "The `next` of the page before."),
        ),
        answers={200: Answer("The rows.", KeptRows)},
        refusals=(404,),
    ),
)
def get_set_aside(request: Call) -> Response[bytes]:
    """The rows, to be mended and sent again."""
    asked = request.asked()
    deed = request.deed()
    return reply(list_outcomes_set_aside(deed, limit=asked.get("limit", 100), after=asked.get("after")))


@way(
    "GET",
    "/v1/performance",
    Told(
        permission="performance.read",
        summary="Predictions against outcomes that may be judged",
        query=(
            Query("as_of", dt.date, "What was known by the end of that day; now where it is not given."),
            Query("buckets", Annotated[int, Meta(ge=2, le=100)], "Buckets of the tables; 10."),
            Query("release", Annotated[str, Meta(max_length=40)], "Only what this release decided."),
        ),
        answers={200: Answer("The tables, or why there are none yet.", Performance)},
        refusals=(404, 409, 422),
        description="Of the branches that the account sees. What is not mature is censored, not good.",
    ),
)
def get_performance(request: Call) -> Response[bytes]:
    """Gains, calibration, right and wrong."""
    asked = request.asked()
    champion = request.services.current.refresh().require()
    as_of = asked.get("as_of", request.admitted.at)
    with request.services.store.reading() as connection:
        judged = judge_outcomes(connection, champion.product, as_of, now=request.admitted.at)
    branches = request.admitted.by.branches
    if not branches.every:
        seen = np.array([branches.hold(branch) for branch in judged.branch], dtype=bool)
        judged = judged.keep(seen, f" of the branches {', '.join(branches.spell())}")
    release = asked.get("release")
    if release is not None:
        judged = judged.of_release(release)
    return reply(_measure(judged, release, asked.get("buckets", 10), find_band_starts(champion.release.policy).decline))


def _measure(judged: Judged, release: str | None, buckets: int, cut_off: float | None) -> Performance:
    found: dict[str, Any] = {}
    try:
        calibrated: Calibration = matured_calibration(judged, buckets)
        found["calibration"] = _rows(calibrated, CalibrationRow)
        found["calibration_error"] = calibrated.expected_calibration_error
        if cut_off is not None:
            found["confusion"] = _right_and_wrong(matured_confusion(judged, cut_off))
        gains: GainsTable = matured_gains(judged, buckets)
        found["gains"] = _rows(gains, GainsRow)
    except Refused as refused:
        found["not_yet"] = refused.message
    return Performance(as_of=judged.as_of, release=release, population=judged.population, counts=judged.counts, **found)


def _rows(table: GainsTable | Calibration, kind: type[Any]) -> tuple[Any, ...]:
    # A rate with nothing to divide by is NaN there, and null here.
    return tuple(
        kind(**{name: _number(value) for name, value in row.items() if name in kind.__struct_fields__})
        for row in table.to_arrow().to_pylist()
    )


def _right_and_wrong(confusion: Confusion) -> RightAndWrong:
    return RightAndWrong(
        **{
            name: _number(getattr(confusion, name))
            for name in RightAndWrong.__struct_fields__
            if name not in ("sentence", "flatters")
        },
        flatters=confusion.flatters,
        sentence=confusion.sentence,
    )


def _number(value: Any) -> Any:
    return None if value is None or value != value else value  # NaN is what does not equal itself


def _read_rows(body: Any) -> list[Any]:
    if isinstance(body, list):
        return body
    if isinstance(body, dict) and set(body) == {"outcomes"} and isinstance(body["outcomes"], list):
        return list(body["outcomes"])
    raise _refuse(Violation("$", "type", "is neither a list of outcomes nor an object with nothing but `outcomes`"))


def _read_line(line: bytes) -> Any:
    """A line's object; where it is none, the line itself, which is set aside as it came."""
    try:
        return decode_json(line)
    except ProblemError:
        return line.decode("utf-8", "backslashreplace")


def _read_csv(body: bytes) -> list[Any]:
    try:
        text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")
        return _at_most(csv.DictReader(text, strict=True, restkey="more", restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refuse(Violation("$", "csv", f"cannot be read as CSV: {error}")) from None


def _at_most(rows: Iterable[Any]) -> list[Any]:
    """The rows; ProblemError 413 where they are too many, before the rest is read."""
    read = list(islice(rows, MOST_ROWS + 1))
    if len(read) > MOST_ROWS:
        said = f"{MOST_ROWS:,} outcomes at once, at most"
        raise ProblemError(
            Problem.of("too-large", "The body is too large", 413, said, mend="send them in several requests")
        )
    return read


def _refuse(violation: Violation) -> ProblemError:
    return ProblemError(Problem.of("body", "The body is not of the form it should be", 422, violations=(violation,)))


HANDLERS = (post_outcomes, get_set_aside, get_performance)
