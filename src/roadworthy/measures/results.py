"""What measures give back: frozen numbers and frozen tables that read well in a terminal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = [
    "COUNT",
    "MONEY",
    "NOT_STATED",
    "PD",
    "RATIO",
    "SHARE",
    "TEXT",
    "Floats",
    "Interval",
    "Ints",
    "Measure",
    "Table",
    "money_text",
    "percent_text",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shown = Literal["count", "share", "pd", "ratio", "money", "text"]
# The metadata of a table's fields that are columns: how the terminal prints them.
COUNT: Final[dict[str, Shown]] = {"shown": "count"}
SHARE: Final[dict[str, Shown]] = {"shown": "share"}
PD: Final[dict[str, Shown]] = {"shown": "pd"}
RATIO: Final[dict[str, Shown]] = {"shown": "ratio"}
MONEY: Final[dict[str, Shown]] = {"shown": "money"}
TEXT: Final[dict[str, Shown]] = {"shown": "text"}
NOT_STATED = "population not stated"
_ROWS_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where the number may lie in the population these rows were drawn from; NaN where the rows cannot tell.

    Each row counts as one observation drawn by itself, whatever its weight: weights say how much a row stands for, not
    how sure it is, so that multiplying all of them changes nothing.
    """

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Measure:
    """One number over a population; `float(measure)` is its `value`, `interval` is None unless it was asked for."""

    name: ClassVar[str] = "measure"
    value: float
    interval: Interval | None = None

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        more = [
            f"{f.name}={_plain_text(getattr(self, f.name))}"
            for f in fields(self)
            if f.name not in ("value", "interval")
        ]
        if self.interval is not None:
            more.insert(0, f"{self.interval.confidence:.0%} {self.interval.low:.6g} to {self.interval.high:.6g}")
        return f"{self.name} {self.value:.6g}" + (f" ({', '.join(more)})" if more else "")


def _plain_text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Table:
    """Equally long read-only arrays side by side; columns that could not be known are None and left out."""

    def __post_init__(self) -> None:
        for array in self.columns.values():
            array.flags.writeable = False

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns that are known, by name."""
        named = {f.name: getattr(self, f.name) for f in self._column_fields()}
        return {name: array for name, array in named.items() if array is not None}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def caption(self) -> str:
        """What stands above the table in a terminal."""
        return type(self).__name__

    def to_arrow(self) -> pa.Table:
        """The columns as an Arrow table; the caption travels in the schema's metadata."""
        return pa.table(dict(self.columns)).replace_schema_metadata({"caption": self.caption})

    def __repr__(self) -> str:
        shown = {f.name: f.metadata["shown"] for f in self._column_fields()}
        cells = {name: _texts(array[:_ROWS_SHOWN], shown[name]) for name, array in self.columns.items()}
        widths = {name: max(len(name), *(len(cell) for cell in column), 1) for name, column in cells.items()}
        lines = [self.caption, "  ".join(name.rjust(widths[name]) for name in cells)]
        lines += [
            "  ".join(cells[name][row].rjust(widths[name]) for name in cells)
            for row in range(min(len(self), _ROWS_SHOWN))
        ]
        if len(self) > _ROWS_SHOWN:
            lines.append(f"... and {len(self) - _ROWS_SHOWN:,} more rows")
        return "\n".join(lines)

    def _column_fields(self) -> list[Any]:
        return [f for f in fields(self) if "shown" in f.metadata]  # type: ignore[arg-type]  # every subclass is a dataclass


def percent_text(share: float) -> str:
    """A share as people read it: 0.0835 is "8.4%"; "unknown" where it is undefined."""
    return "unknown" if np.isnan(share) else f"{share:.1%}"


def money_text(amount: float, currency: str) -> str:
    """An amount with its currency: "EUR 1,250", with cents only where it is small."""
    sign = "-" if amount < 0 else ""
    decimals = 0 if abs(amount) >= 1000 or float(amount).is_integer() else 2
    return f"{sign}{currency} {abs(amount):,.{decimals}f}"


def _texts(values: NDArray[Any], shown: Shown) -> list[str]:
    if shown == "text":
        return [str(value) for value in values]
    known = np.abs(values[np.isfinite(values)])
    whole = bool(np.all(known == np.floor(known)))
    largest = float(known.max(initial=0.0))
    decimals = {
        "count": 0 if whole else 1,
        "share": 4,
        "pd": 4,
        "ratio": 3,
        "money": 0 if whole or largest >= 1000 else 2,
    }[shown]
    return ["-" if np.isnan(value) else f"{value:,.{decimals}f}" for value in values]
