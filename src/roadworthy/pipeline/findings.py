"""What a person should know about past applications before a model is made of them.

Each finding says what was seen, with its figures, and what to do about it. None of them stops anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract import ColumnFacts, SetAside

__all__ = [
    "Finding",
    "Kind",
    "find_constants",
    "find_duplicates",
    "find_identifiers",
    "find_imbalance",
    "find_later_dates",
    "find_set_aside",
    "find_unread_text",
    "is_identifier",
]

Kind = Literal[
    "leak", "identifier", "constant", "duplicates", "imbalance", "later_date", "set_aside", "text", "repeated_id"
]

_RARE = 0.02
_COMMON = 0.5
_FEW_BADS = 50
_ENOUGH_FOR_IDS = 50
_ID_WORDS = frozenset(("id", "ids", "uid", "uuid", "guid", "nr", "no", "num", "number", "key", "ref", "reference"))
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, the columns it is about (none: the whole file), a sentence, the mend, the figures."""

    kind: Kind
    columns: tuple[str, ...]
    sentence: str
    mend: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sentence} ({self.mend})"


def is_identifier(facts: ColumnFacts, rows: int) -> bool:
    """Whether the column only numbers the rows: every value its own, and counted through or called so.

    >>> is_identifier(ColumnFacts("customer_id", "integer", distinct=900, missing=0.0, nearly_unique=True), rows=900)
    True
    >>> is_identifier(ColumnFacts("amount", "integer", distinct=900, missing=0.0, nearly_unique=True), rows=900)
    False
    """
    present = round((1 - facts.missing) * rows)
    if present < _ENOUGH_FOR_IDS or not facts.nearly_unique or facts.type == "date":
        return False
    if facts.type == "text":
        return True
    if facts.distinct < present or facts.type == "category":
        return facts.type == "category"
    counted = facts.minimum is not None and facts.maximum is not None and facts.maximum - facts.minimum + 1 == present
    return counted or bool(_ID_WORDS & {word.lower() for word in _WORDS.findall(facts.name)})


def find_identifiers(facts: Iterable[ColumnFacts], rows: int, *, id_stated: bool) -> list[Finding]:
    """Columns that only number the rows, which no model may learn from."""
    mend = "the model does not read it" if id_stated else "the model does not read it; --id {} uses it as the id"
    return [
        Finding(
            "identifier",
            (fact.name,),
            f"{fact.name} looks like an identifier: {fact.distinct:,} different values in {rows:,} rows",
            mend.format(shlex.quote(fact.name)),
            {"distinct": fact.distinct, "rows": rows},
        )
        for fact in facts
        if is_identifier(fact, rows)
    ]


def find_constants(facts: Iterable[ColumnFacts]) -> list[Finding]:
    """Columns that hold one value throughout, or none."""
    names = tuple(fact.name for fact in facts if fact.constant)
    if not names:
        return []
    verb = "holds one value in every row, or none" if len(names) == 1 else "hold one value in every row, or none"
    listed = shlex.quote(",".join(names[:20]))
    mend = f"nothing can be learned from it: --drop {listed}" + (" and so on" if len(names) > 20 else "")
    return [Finding("constant", names, f"{_list_names(names)} {verb}", mend)]


def find_unread_text(facts: Iterable[ColumnFacts], rows: int) -> list[Finding]:
    """Columns of text with too many values to be a category: they are kept, and no model reads them."""
    names = tuple(f.name for f in facts if f.type == "text" and not f.constant and not is_identifier(f, rows))
    if not names:
        return []
    return [
        Finding(
            "text",
            names,
            f"Text with too many different values for the model to read: {_list_names(names)}",
            "to use one, map its values to a few and make it a category in contract.yaml",
        )
    ]


def find_duplicates(table: pa.Table, bad: NDArray[np.float64]) -> list[Finding]:
    """Rows that repeat an earlier one in every column of `table` and in the outcome."""
    # By position: no column of the file can be called as the outcome is.
    numbered = table.rename_columns([str(position) for position in range(table.num_columns)])
    frame = pl.from_arrow(numbered.append_column("outcome", pa.array(bad)))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 a table becomes a frame
    repeated = table.num_rows - frame.hash_rows().n_unique()
    if not repeated:
        return []
    return [
        Finding(
            "duplicates",
            (),
            f"{repeated:,} of {table.num_rows:,} rows repeat another in every column, outcome included",
            "if they are the same application, keep one of each in preprocess",
            {"repeated": repeated, "rows": table.num_rows},
        )
    ]


def find_imbalance(bad: NDArray[np.float64], base_rate: float, *, weighted: bool) -> list[Finding]:
    """Too few bads to learn from, bads so rare that accuracy flatters, or so many that the file looks like a sample."""
    bads = int(np.sum(bad == 1))
    figures = {"base_rate": base_rate, "bads": bads}
    found = []
    if bads < _FEW_BADS:
        found.append(
            Finding(
                "imbalance", (), f"only {bads} bad outcomes: a model can learn little", "bring more history", figures
            )
        )
    if base_rate < _RARE:
        sentence = (
            f"{_percent(base_rate)} of outcomes are bad: always saying good would be right {_percent(1 - base_rate)}"
        )
        found.append(
            Finding("imbalance", (), sentence, "judge by lift, calibration and money, not by accuracy", figures)
        )
    if base_rate >= _COMMON and not weighted:
        found.append(
            Finding(
                "imbalance",
                (),
                f"{_percent(base_rate)} of outcomes are bad: the file looks like a sample with bads drawn more often",
                "if so, every PD comes out too high: --weight COL, with how many real applications each row stands for",
                figures,
            )
        )
    return found


def find_later_dates(
    dates: Mapping[str, NDArray[np.datetime64]], decided: NDArray[np.datetime64], decided_name: str
) -> list[Finding]:
    """Date columns that mostly lie after the decision, so that nobody knew them then."""
    found = []
    for name, days in dates.items():
        both = ~np.isnat(days) & ~np.isnat(decided)
        later = float(np.mean(days[both] > decided[both])) if both.any() else 0.0
        if later > 0.5:
            found.append(
                Finding(
                    "later_date",
                    (name,),
                    f"{name} lies after {decided_name} in {_percent(later)} of rows: it was not known then",
                    f"--drop {shlex.quote(name)}, or never make an input of it",
                    {"later": later},
                )
            )
    return found


def find_set_aside(set_aside: SetAside, rows: int) -> list[Finding]:
    """Rows that break the contract just guessed: cells of another type than their column's."""
    if not len(set_aside):
        return []
    count = len(set_aside.rows)
    first = f"{set_aside.path[0]} {set_aside.message[0]} (row {set_aside.row[0] + 1:,})"
    return [
        Finding(
            "set_aside",
            (),
            f"{count:,} of {rows:,} rows break the contract and are set aside; the first: {first}",
            "mend the file, or the column's type in contract.yaml",
            {"set_aside": count, "rows": rows},
        )
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
