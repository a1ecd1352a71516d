"""What looks wrong about an upload, in words: for the uploader to stop, and for the approver to ask (R16)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping

import numpy as np

from roadworthy.contract import outside, say_number
from roadworthy.lifecycle.table_diff import Comparison, is_missing
from roadworthy.records import TableVersion

__all__ = ["find_month", "warn"]

_UNITS = (100.0, 1000.0)
_ABOUT = 1.5
_FAR = 5.0
_GONE = 0.05
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = "|".join(_MONTHS)
_MONTH = re.compile(
    r"(?<!\d)(?P<y1>20\d\d)[-_. ]?(?P<m1>0[1-9]|1[0-2])(?:[-_. ]?(?:0[1-9]|[12]\d|3[01]))?(?!\d)"
    r"|(?<!\d)(?P<m2>0[1-9]|1[0-2])[-_. ]?(?P<y2>20\d\d)(?!\d)"
    rf"|(?<![a-z])(?P<m3>{_NAMES})[a-z]*[-_. ]*(?P<y3>20\d\d)(?!\d)"
    rf"|(?<!\d)(?P<y4>20\d\d)[-_. ]*(?P<m4>{_NAMES})[a-z]*",
    re.IGNORECASE,
)


def warn(
    comparison: Comparison,
    *,
    file: str,
    rows: str,
    file_name: str,
    effective: dt.date,
    versions: Mapping[str, TableVersion],
    follows: str,
) -> tuple[str, ...]:
    """Every warning about an upload. `file` and `rows` are digests of what came and of what is kept of it."""
    in_force = versions.get(follows)
    before = None if in_force is None else dt.date.fromisoformat(in_force.effective)
    units = dict(_find_units(comparison))
    return (
        *_same_again(file, rows, versions.values()),
        *_wrong_month(effective, find_month(file_name), before),
        *_keys_gone(comparison),
        *_emptied(comparison),
        *units.values(),
        *_far_out(comparison, set(units)),
    )


def find_month(file_name: str) -> dt.date | None:
    """The first day of the month that a file's name says it is of; None where it says none.

    >>> [str(find_month(name)) for name in ("merchants_2026-11.csv", "Nov 2026.xlsx", "fees-20261101.csv", "fees.csv")]
    ['2026-11-01', '2026-11-01', '2026-11-01', 'None']
    """
    found = _MONTH.search(file_name)
    if found is None:
        return None
    said = {name[0]: text.lower() for name, text in found.groupdict().items() if text is not None}
    month = int(said["m"]) if said["m"].isdigit() else _MONTHS.index(said["m"]) + 1
    return dt.date(int(said["y"]), month, 1)


def _same_again(file: str, rows: str, versions: Iterable[TableVersion]) -> list[str]:
    for version in versions:
        if version.file == file:
            return [f"this is the same file as version {version.version}, uploaded for {version.effective}"]
        if version.digest == rows:
            return [f"the rows are the same as those of version {version.version}, uploaded for {version.effective}"]
    return []


def _wrong_month(effective: dt.date, named: dt.date | None, before: dt.date | None) -> list[str]:
    warnings = []
    if before is not None and effective < before:
        warnings.append(
            f"it takes effect on {effective}, before the version in force did: from {before} on, the rows of that one "
            "still hold"
        )
    if named is not None:
        if (named.year, named.month) != (effective.year, effective.month):
            warnings.append(f"the file's name says {named:%B %Y}, and it takes effect in {effective:%B %Y}")
    elif before is not None and effective >= before:
        expected = (before.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        if (expected.year, expected.month) != (effective.year, effective.month):
            warnings.append(
                f"the version in force took effect in {before:%B %Y}, so {expected:%B %Y} comes next, and this takes "
                f"effect in {effective:%B %Y}"
            )
    return warnings


def _keys_gone(comparison: Comparison) -> list[str]:
    there = len(comparison.old)
    gone = len(comparison.gone)
    if gone <= _GONE * there:
        return []
    return [
        f"{gone:,} of {there:,} keys ({comparison.key}) are not in the file, and keep the rows they have. Is it whole?"
    ]


def _emptied(comparison: Comparison) -> list[str]:
    """Columns that had values and have none: the file may lack them."""
    return [
        f"{column.name}: no row has a value any more. Does the file lack the column?"
        for column in comparison.new.contract.columns
        if not is_missing(column, comparison.pair(column.name)[0]).all()
        and is_missing(column, comparison.new.columns[column.name]).all()
    ]


def _find_units(comparison: Comparison) -> Iterable[tuple[str, str]]:
    """By column, where the median of its numbers moved as it does when a unit changes."""
    for column in comparison.new.contract.columns:
        if column.type not in ("number", "integer") or column.name == comparison.key:
            continue
        old, new = comparison.pair(column.name)
        there = ~(np.isnan(old) | np.isnan(new))
        if not there.any():
            continue
        was, now = float(np.median(old[there])), float(np.median(new[there]))
        if was == 0.0 or now == 0.0 or not np.isfinite(moved := now / was):
            continue
        for unit in _UNITS:
            for factor, words in ((unit, f"about {unit:,g} times"), (1.0 / unit, f"about one {unit:,g}th of")):
                if 1.0 / _ABOUT < moved / factor < _ABOUT:
                    said = f"the median is {say_number(now)}, {words} what it was ({say_number(was)})"
                    yield column.name, f"{column.name}: {said}. Did its unit change?"


def _far_out(comparison: Comparison, told: set[str]) -> list[str]:
    """Values outside the contract's range, and those that moved by more than five times; not where units did."""
    contract = comparison.new.contract
    warnings = []
    beyond = outside(comparison.new)
    for position, column in enumerate(contract.columns):
        if column.type not in ("number", "integer") or column.name == comparison.key:
            continue
        count = int(beyond[:, position].sum())
        if count:
            warnings.append(f"{column.name}: {_values(count)} outside the contract's range")
        if column.name in told:
            continue
        old, new = comparison.pair(column.name)
        with np.errstate(all="ignore"):
            apart = np.abs(np.log(np.abs(new / old)))
        far = np.isfinite(apart) & (apart > np.log(_FAR))
        if far.any():
            place = int(np.argmax(np.where(far, apart, -1.0)))
            warnings.append(
                f"{column.name}: {_values(int(far.sum()))} more than {_FAR:g} times what was, or less than a "
                f"fifth; the furthest is {comparison.key} {comparison.key_of(place)}, from "
                f"{say_number(old[place])} to {say_number(new[place])}"
            )
    return warnings


def _values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count:,} values are"
