"""Encoders are not followed but tabulated: run on every value of one column at a time, the others held still.

What a fitted encoder answers for a column's whole vocabulary, for a missing and for an unseen value becomes a look-up
table. So any encoder that looks at one column at a time compiles exactly, whoever wrote it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.plan import REFUSED, Op

__all__ = ["is_missing", "tabulate"]

LARGEST_TABLE = 25_000_000
PROBED_ROWS = 200


def is_missing(value: Any) -> bool:
    """Whether a cell of a table stands for no value."""
    return value is None or (isinstance(value, float) and np.isnan(value))


@dataclass(frozen=True)
class _Answers:
    """What a step answers (keys, outputs) when one feature runs through its `keys`; all NaN where it `refused` one."""

    keys: list[Any]
    table: NDArray[Any]
    refused: NDArray[np.bool_]

    def follows(self) -> NDArray[np.bool_]:
        """Which outputs (m,) change with this feature."""
        answered = self.table[~self.refused]
        if not len(answered):
            return np.zeros(self.table.shape[1], dtype=np.bool_)
        same = (answered == answered[0]) | ((answered != answered) & (answered[0] != answered[0]))
        return np.asarray(~same.all(axis=0))


def tabulate(step: Any, features: list[Feature]) -> list[Feature]:
    """The features after `step`; CannotCompile where an output depends on more than one of them."""
    columns = [_keys(step, i, feature) for i, feature in enumerate(features)]
    still = [keys[0] for keys in columns]
    answers = [_ask(step, i, keys, still, features) for i, keys in enumerate(columns)]
    follows = np.stack([answer.follows() for answer in answers])
    if (follows.sum(axis=0) > 1).any():
        raise CannotCompile(f"{type(step).__name__} mixes columns")
    owner = follows.argmax(axis=0)  # the first column for an output that never changes
    _probe(step, answers, owner)
    made: dict[int, Feature] = {}
    for i, answer in enumerate(answers):
        mine = np.flatnonzero(owner == i)
        made |= dict(zip(mine.tolist(), _encode(features[i], answer, mine), strict=True))
    return [made[j] for j in range(len(owner))]


def _keys(step: Any, position: int, feature: Feature) -> list[Any]:
    """The values to run through an encoder for one feature: every known one, then a missing one, then an unseen one."""
    categories = list(step.categories_[position]) if hasattr(step, "categories_") else []
    missing = next((value for value in categories if is_missing(value)), np.nan)
    if feature.texts is not None:
        return [missing if text is None else text for text in feature.texts]
    if any(isinstance(value, str) for value in categories):
        raise CannotCompile(f"{type(step).__name__} knows {feature.column} as text, and it is a number")
    numbers = sorted(float(value) for value in categories if not is_missing(value))
    if not numbers:
        raise CannotCompile(f"{type(step).__name__} on the numbers of {feature.column} has no compiled form")
    return [*numbers, missing, numbers[-1] + 1.0]


def _ask(step: Any, position: int, keys: list[Any], still: list[Any], features: list[Feature]) -> _Answers:
    columns = [_column(keys if i == position else [held] * len(keys)) for i, held in enumerate(still)]
    answered = _transform(step, columns)
    shape = next((answer.shape[1] for answer in answered if answer is not None), None)
    if shape is None:
        raise CannotCompile(f"{type(step).__name__} answers nothing for any value of {features[position].column}")
    refused = np.concatenate([np.full(1 if a is None else len(a), a is None) for a in answered])
    return _Answers(keys, np.concatenate([np.full((1, shape), np.nan) if a is None else a for a in answered]), refused)


def _probe(step: Any, answers: list[_Answers], owner: NDArray[np.intp]) -> None:
    """CannotCompile where, on rows of values drawn for all columns at once, the tables do not foretell the answer."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(np.flatnonzero(~answer.refused), PROBED_ROWS) for answer in answers]
    asked = [_column([answer.keys[i] for i in chosen]) for answer, chosen in zip(answers, drawn, strict=True)]
    found = _transform(step, asked)
    if any(piece is None for piece in found):
        raise CannotCompile(f"{type(step).__name__} refuses what it takes column by column")
    got = np.concatenate([piece for piece in found if piece is not None])
    for j, i in enumerate(owner):
        foretold = answers[i].table[drawn[i], j]
        if not ((got[:, j] == foretold) | ((got[:, j] != got[:, j]) & (foretold != foretold))).all():
            raise CannotCompile(f"{type(step).__name__} mixes columns")


def _column(cells: list[Any]) -> NDArray[Any]:
    return np.array(cells, dtype=object if any(isinstance(cell, str) for cell in cells) else np.float64)


def _transform(step: Any, columns: list[NDArray[Any]]) -> list[NDArray[Any] | None]:
    """What `step` answers for the rows, in pieces; None for a row that it refuses (an unseen category, say)."""
    table: Any = np.stack(columns, axis=1)
    if hasattr(step, "feature_names_in_"):
        import pandas as pd  # only at sealing, with the libraries that need it

        table = pd.DataFrame(dict(zip(step.feature_names_in_, columns, strict=True)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unseen category may be warned about; it is asked for here
            answer = step.transform(table)
    except (ValueError, TypeError):
        if len(table) == 1:
            return [None]
        half = len(table) // 2
        return [
            *_transform(step, [column[:half] for column in columns]),
            *_transform(step, [column[half:] for column in columns]),
        ]
    if np.prod(answer.shape) > LARGEST_TABLE:
        raise CannotCompile(f"{type(step).__name__} makes too many columns of too many values to be tabulated")
    return [answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)]


def _encode(feature: Feature, answers: _Answers, outputs: NDArray[np.int64]) -> list[Feature]:
    """The outputs that follow one feature. Where each value sets at most one of them to 1, they share one look-up."""
    block = answers.table[:, outputs]
    if block.dtype == object and any(isinstance(value, str) for value in block.ravel()):
        return [_as_text(feature, column) for column in block.T]
    numbers = block.astype(np.float64)
    answered = numbers[~answers.refused]
    if len(outputs) > 1 and np.isin(answered, (0.0, 1.0)).all() and (answered.sum(axis=1) <= 1).all():
        which = np.where(answered.any(axis=1), answered.argmax(axis=1), -1)
        places = np.full(len(numbers), REFUSED)
        places[~answers.refused] = which
        place = _as_number(feature, answers.keys, places)
        return [place.then(Op.EQUALS, j) for j in range(len(outputs))]
    numbers[answers.refused] = REFUSED
    return [_as_number(feature, answers.keys, column) for column in numbers.T]


def _as_text(feature: Feature, answers: Sequence[Any]) -> Feature:
    if feature.texts is None:
        raise CannotCompile(f"{feature.column} turns from a number into text")
    return replace(feature, texts=tuple(None if is_missing(answer) else str(answer) for answer in answers))


def _as_number(feature: Feature, keys: list[Any], values: NDArray[np.float64]) -> Feature:
    if feature.texts is not None:
        return feature.look_up(values.tolist())
    known = len(keys) - 2
    return feature.then(Op.MATCH, values[-2], values[-1], *keys[:known], *values[:known])
