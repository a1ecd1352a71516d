"""Decisions as frozen column arrays, and what they look like to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.policy import ANSWERS

__all__ = ["Decisions", "Reason", "flatten_decisions"]


@dataclass(frozen=True)
class Reason:
    """One entry of a release's catalogue of reasons. `column` is None where a rule reads several or none.

    `texts` are those of other languages, by language, where they differ.
    """

    code: str
    text: str
    column: str | None
    texts: Mapping[str, str] = field(default_factory=dict)

    def say(self, language: str | None) -> str:
        """The text in a language, or in the policy's own where there is none."""
        return self.texts.get(language or "", self.text)


@dataclass(frozen=True)
class Decisions:
    """n decisions of one release, every array read-only. `method` is how contributions were computed, by its name.

    application_id   object (n,): str or None
    answer           int8 (n,): position in ANSWERS (approve, refer, decline)
    pd               float64 (n,): NaN where the model failed on the row
    score            float64 (n,): points
    rules            bool (n, r): which of `rule_codes` fired
    reason           int32 (n, m): positions in `catalogue`, most important first; -1 for none
    contribution     float64 (n, m): what the reason's column adds, in `quantity`; NaN for a rule's reason
    error            float64 (n, m): the contribution's standard error; NaN for a rule's reason, 0 where it is exact
    close            bool (n, m): another column's contribution is nearer than their error: which comes first is open
    pd_at_reference  float64 (n,): the PD with the stated columns at the reference; NaN where none is stated
    adjusted         bool (n,): the stated columns were chosen by PD drop
    """

    application_id: NDArray[Any]
    answer: NDArray[np.int8]
    pd: NDArray[np.float64]
    score: NDArray[np.float64]
    rules: NDArray[np.bool_]
    reason: NDArray[np.int32]
    contribution: NDArray[np.float64]
    error: NDArray[np.float64]
    close: NDArray[np.bool_]
    pd_at_reference: NDArray[np.float64]
    adjusted: NDArray[np.bool_]
    rule_codes: tuple[str, ...]
    catalogue: tuple[Reason, ...]
    quantity: str
    method: str
    release: str

    def __post_init__(self) -> None:
        for array in (self.application_id, self.answer, self.pd, self.score, self.rules, self.reason,
                      self.contribution, self.error, self.close, self.pd_at_reference, self.adjusted):  # fmt: skip
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.answer)

    def answers(self) -> NDArray[np.str_]:
        """The answers as words (n,)."""
        return np.array(ANSWERS)[self.answer]

    def to_arrow(self) -> pa.Table:
        """One row a decision: `rules` lists codes, `reasons` lists code, text, column, contribution, error and close.

        `error` is null where the contribution is exact.
        """
        columns = np.nonzero(self.rules)[1]
        rules = pa.ListArray.from_arrays(
            _offsets(self.rules.sum(axis=1)), pa.array(np.array(self.rule_codes, dtype=object)[columns], pa.string())
        )
        stated = self.reason >= 0
        entries = self.reason[stated]
        contribution, error = self.contribution[stated], self.error[stated]
        reasons = pa.ListArray.from_arrays(
            _offsets(stated.sum(axis=1)),
            pa.StructArray.from_arrays(
                [
                    *(pa.array(self._field(name)[entries], pa.string()) for name in ("code", "text", "column")),
                    pa.array(contribution, mask=np.isnan(contribution)),
                    pa.array(error, mask=~(error > 0.0)),
                    pa.array(self.close[stated]),
                ],
                names=["code", "text", "column", "contribution", "error", "close"],
            ),
        )
        return pa.table(
            {
                "application_id": pa.array(self.application_id, pa.string()),
                "answer": pa.array(self.answers(), pa.string()),
                "pd": pa.array(self.pd, mask=np.isnan(self.pd)),
                "score": pa.array(self.score, mask=np.isnan(self.score)),
                "rules": rules,
                "reasons": reasons,
                "pd_at_reference": pa.array(self.pd_at_reference, mask=np.isnan(self.pd_at_reference)),
                "adjusted": pa.array(self.adjusted),
            }
        )

    def to_flat_arrow(self) -> pa.Table:
        """One row a decision without lists, for CSV and spreadsheets; see `flatten_decisions`."""
        return flatten_decisions(self.to_arrow(), self.reason.shape[1])

    def row(self, i: int) -> dict[str, Any]:
        """Decision `i` as plain data; as in a reply, a reason has `error` and `close` only where there is one."""
        found: dict[str, Any] = self.to_arrow().slice(i, 1).to_pylist()[0]
        found["reasons"] = [
            {name: value for name, value in reason.items() if value or name not in ("error", "close")}
            for reason in found["reasons"]
        ]
        return found

    def _field(self, name: str) -> NDArray[np.object_]:
        values = np.empty(max(len(self.catalogue), 1), dtype=object)
        for i, reason in enumerate(self.catalogue):
            values[i] = getattr(reason, name)
        return values


def flatten_decisions(decisions: pa.Table, most: int) -> pa.Table:
    """`Decisions.to_arrow` without lists: `rules` joined by a space, then `reason_1_code`, `reason_1` to `most`.

    >>> reasons = [[{"code": "age", "text": "Age is too low", "column": "age", "contribution": 0.5}], []]
    >>> kinds = pa.list_(pa.struct({"code": "string", "text": "string", "column": "string", "contribution": "double"}))
    >>> table = pa.table({"rules": [["a", "b"], []], "reasons": pa.array(reasons, kinds)})
    >>> flatten_decisions(table, 1).to_pylist()[0]
    {'rules': 'a b', 'reason_1_code': 'age', 'reason_1': 'Age is too low'}
    """
    rules = pc.binary_join(decisions["rules"].cast(pa.list_(pa.string())), " ")
    flat = decisions.drop_columns(["rules", "reasons"]).append_column("rules", rules)
    # Every list cut or filled up to the same length, laid end to end: place i of each row is every `most`-th entry.
    padded = pc.list_slice(decisions["reasons"].combine_chunks(), 0, most, return_fixed_size_list=True).values
    for place in range(most):
        entries = padded.take(pa.array(np.arange(place, len(padded), most)))
        flat = flat.append_column(f"reason_{place + 1}_code", pc.struct_field(entries, "code"))
        flat = flat.append_column(f"reason_{place + 1}", pc.struct_field(entries, "text"))
    return flat


def _offsets(lengths: NDArray[Any]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
