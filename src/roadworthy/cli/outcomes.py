"""`roadworthy outcomes`: how decided applications turned out, taken in and measured."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from roadworthy.cli.acting import As, Directory, acting, take_route, tell_time
from roadworthy.cli.release import read_moment
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from roadworthy.batch import Source
    from roadworthy.outcomes import AsideOutcome, Judged

NAME = "outcomes"
command = App(
    help="What became of decided applications: booked, paid, past due, defaulted; and whether the PDs were right.\n\n"
    "Example: roadworthy outcomes import november.csv",
    version_flags=[],
)
_FIELDS = ("application_id", "event", "at", "known_at", "amount", "days", "bad", "booked_at", "corrects")
_OWN = ("set_aside_row", "set_aside_because")


@command.command(name="import")
def take_in(
    file: Path,
    /,
    *,
    map_: str = "",
    ignore: str = "",
    set_aside: Path | None = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Record the outcomes in FILE (CSV, Parquet or Excel), each once, however often the file comes.

    Columns: application_id, event, at, known_at and, where they say something, amount, days, corrects; or
    application_id, bad, at, known_at, booked_at. What cannot be right is set aside with the rule that it failed.

    Example: roadworthy outcomes import november.csv

    Parameters
    ----------
    file
        The outcomes, one a row.
    map_
        Where the file calls a column otherwise: application_id=Loan No,at=Date
    ignore
        Columns to pass over, with commas between.
    set_aside
        Where rows go that are not taken; by default beside FILE.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.batch import open_table
    from roadworthy.outcomes import record_outcomes

    source = open_table(file)
    names = _map_columns(source, map_, ignore)
    table = source.read()
    rows = [
        {names[name]: value for name, value in row.items() if name in names}
        for row in table.select(list(names)).to_pylist()
    ]
    with acting(directory, as_name=as_) as deed:
        zone = take_route(deed, directory).take().require().product.time_zone
        taken = record_outcomes(deed, rows, time_zone=zone)
    aside = set_aside if set_aside is not None else file.with_name(f"{file.stem}_set_aside.csv")
    if taken.set_aside:
        _write_aside(table, taken.set_aside, aside)
    elif aside.is_file() and aside.resolve() != file.resolve():
        aside.unlink()  # of an earlier import: its rows are taken now
    if json:
        where = str(aside) if taken.set_aside else None
        show_json({"recorded": taken.recorded, "repeated": taken.repeated, "set_aside": taken.set_aside, "file": where})
        return 0
    for note in source.notes:
        say(f"- {note}")
    apart = len(taken.set_aside)
    say(
        f"{len(rows):,} outcomes read, {taken.recorded:,} recorded, {taken.repeated:,} known before"
        + (f", {apart:,} set aside in {aside}" if apart else "")
    )
    for rule, count in _count_rules(taken.set_aside).items():
        say(f"  {count:,} {rule}")
    return 0


@command.command
def gains(
    *,
    as_of: str = "",
    buckets: int = 10,
    release: str | None = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Compare PDs with how the applications turned out, as known on a day: gains table and calibration.

    Only applications count that were booked and whose performance window is over; the rest are named and left out.

    Example: roadworthy outcomes gains --as-of 2027-11-30 --buckets 10

    Parameters
    ----------
    as_of
        A day, in the product's time zone, or a moment as ISO 8601; now by default.
    buckets
        How many, from the riskiest down.
    release
        Only what this release decided.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.outcomes import judge_outcomes, matured_calibration, matured_gains

    day = _read_as_of(as_of)
    with acting(directory, as_name=as_) as deed:
        deed.demand("performance.read")
        product = take_route(deed, directory).take().require().product
        with deed.store.reading() as connection:
            judged: Judged = judge_outcomes(connection, product, day, now=deed.now)
    if release is not None:
        judged = judged.of_release(release)
    gained, calibrated = matured_gains(judged, buckets), matured_calibration(judged, buckets)
    if json:
        show_json(
            {
                "as_of": judged.as_of,
                "population": judged.population,
                "statuses": judged.counts,
                "base_rate": gained.base_rate,
                "gains": gained.to_arrow().to_pylist(),
                "expected_calibration_error": float(calibrated.expected_calibration_error),
                "calibration": calibrated.to_arrow().to_pylist(),
            }
        )
        return 0
    say(repr(gained))
    say("")
    say(repr(calibrated))
    return 0


def _map_columns(source: Source, map_: str, ignore: str) -> dict[str, str]:
    """The field of each column that says something; UsageError names one that nobody knows."""
    told: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in map_.split(","))):
        field, sign, column = (part.strip() for part in pair.partition("="))
        if not sign or field not in _FIELDS:
            raise UsageError(
                f"{pair!r} maps nothing", where="--map", available=_FIELDS, mend="--map application_id=COLUMN"
            )
        if column not in source.columns:
            raise UsageError(f"there is no column {column!r}", where=source.path, available=source.columns)
        told[column] = field
    passed = {name.strip() for name in ignore.split(",")} | set(_OWN)
    names = {name: told.get(name, name) for name in source.columns if name in told or name not in passed}
    # A column that is mapped takes the place of one that has the field's own name.
    names = {name: field for name, field in names.items() if name in told or field not in told.values()}
    unknown = [name for name, field in names.items() if field not in _FIELDS]
    if unknown:
        raise UsageError(
            f"outcomes have no {', '.join(unknown)}",
            where=source.path,
            available=_FIELDS,
            mend=f"--map FIELD={unknown[0]}, or --ignore '{','.join(unknown)}'",
        )
    if "application_id" not in names.values():
        raise UsageError(
            "no column says which application it is", where=source.path, mend="--map application_id=COLUMN"
        )
    return names


def _write_aside(table: pa.Table, failed: tuple[AsideOutcome, ...], path: Path) -> None:
    import numpy as np

    from roadworthy.batch import describe_set_aside, open_sink
    from roadworthy.contract import SetAside

    def texts(field: str) -> Any:
        return np.array([getattr(one, field) for one in failed], dtype=object)

    rows = np.array([one.row for one in failed], dtype=np.int64)
    with open_sink(path) as sink:
        sink.write(describe_set_aside(table, SetAside(rows, texts("path"), texts("rule"), texts("message"))))


def _count_rules(failed: tuple[AsideOutcome, ...]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in failed:
        said = f"{one.rule}: {one.message}"
        counted[said] = counted.get(said, 0) + 1
    return dict(sorted(counted.items(), key=lambda item: -item[1])[:10])


def _read_as_of(text: str) -> date | datetime:
    if not text:
        return tell_time()
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return read_moment(text)
