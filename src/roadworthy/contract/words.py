"""Words for a missing value, for true and for false, and a number as the word it would be in a category."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "LARGEST_INTEGER",
    "MISSING_WORDS",
    "SPACES",
    "TRUTH_WORDS",
    "is_nothing",
    "number_word",
    "say_number",
    "trim",
    "trim_word",
]

MISSING_WORDS = frozenset(("", "na", "n/a", "#n/a", "null", "none", "nan", "nat", "<na>", "-", "--", "?", ".", "empty"))
"""Words, in any case, that say there is no value; a category that lists one among its allowed values keeps it."""
TRUTH_WORDS = {"true": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "0": 0.0}
LARGEST_INTEGER = 2.0**53 - 1
"""Whole numbers beyond it cannot all be told apart in float64."""
SPACES = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace()) + "\u200b\ufeff"
"""What may stand around a value without being part of it: every Unicode space, and the marks that have no width."""


def trim(text: pa.ChunkedArray, words: frozenset[str] = MISSING_WORDS) -> pa.ChunkedArray:
    r"""`text` without space around it; null where it is blank or one of `words`.

    >>> trim(pa.chunked_array([[" 41", "N/A", "\ufeff", "none"]])).to_pylist()
    ['41', None, None, None]
    """
    trimmed = pc.utf8_trim(text, SPACES)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(sorted(words), type=trimmed.type))
    if not pc.any(missing).as_py():
        return trimmed
    return pc.if_else(missing, pa.scalar(None, type=trimmed.type), trimmed)


def trim_word(word: str) -> str | None:
    """`trim` for one word.

    >>> trim_word(" 41"), trim_word("N/A")
    ('41', None)
    """
    trimmed = word.strip(SPACES)
    return None if trimmed.lower() in MISSING_WORDS else trimmed


def is_nothing(value: Any) -> bool:
    """Whether a Python value says that there is none: None, NaN of any width, pandas' NA and NaT.

    >>> is_nothing(None), is_nothing(float("nan")), is_nothing("")
    (True, True, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(value != value)  # only NaN is unequal to itself


def number_word(value: float) -> str | None:
    """A number as a word: whole ones without a point, whatever their storage (pandas makes 1 into 1.0 beside a gap).

    >>> number_word(1.0), number_word(1.5), number_word(float("nan"))
    ('1', '1.5', None)
    """
    if value != value:  # only NaN is unequal to itself
        return None
    return str(int(value)) if abs(value) <= LARGEST_INTEGER and value == int(value) else repr(value)


def say_number(value: float) -> str:
    """A number of a column in a sentence: its thousands apart, and no more digits than anybody reads.

    >>> say_number(19700.0), say_number(2_345_678.9), say_number(0.0123456789)
    ('19,700', '2,345,679', '0.0123457')
    """
    return f"{value:,.0f}" if 999_999.5 <= abs(value) < 1e15 else f"{value:,.6g}"
