"""The original model, kept and asked as it is, where no exact compiled form exists.

Rows are asked in batches of one fixed size, padded, in one thread, so that a row's answer does not depend on who came
with it or on how many cores there are.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.model.engine import Explanation, keep_probabilities
from roadworthy.model.formats.feature import FrameColumn
from roadworthy.model.formats.frames import make_frame
from roadworthy.model.sampling import PADDED_TO, explain_by_asking

__all__ = ["NativeEngine", "ask_model"]

ASKED_AT_ONCE = 4_096


@dataclass(frozen=True)
class NativeEngine:
    """The original model behind the engine's protocol.

    `frame` says how the model saw its training data, `named` whether with column names, `bad_at` (0 or 1) which of its
    two answers is the bad one.
    """

    kind: ClassVar[str] = "native"
    model: Any
    frame: tuple[FrameColumn, ...]
    named: bool
    bad_at: int

    @property
    def inputs(self) -> tuple[str, ...]:
        """The contract columns read, in order."""
        return tuple(column.name for column in self.frame)

    def pd(self, batch: Batch, padded_to: int = PADDED_TO) -> NDArray[np.float64]:
        """PD (n,) from predict_proba; a row that the model refuses is NaN and takes no other row with it."""

        def ask(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            padded = np.concatenate([rows, np.full(padded_to - len(rows), rows[-1])])
            return self.ask(make_frame(batch.take(padded), self.frame))[: len(rows)]

        return keep_probabilities(_answer(ask, np.arange(len(batch)), padded_to))

    def pd_at_once(
        self, batch: Batch, frame_of: Callable[[NDArray[np.int64]], Any] | None = None
    ) -> NDArray[np.float64]:
        """PD (n,) like `pd`, but many rows at a time and not padded; for sealing.

        `frame_of` makes the frame of rows given by position, where it is not that of the batch. A linear model's last
        bits may differ from those of `pd`.
        """
        frame_of = frame_of or (lambda rows: make_frame(batch.take(rows), self.frame))
        return _answer(lambda rows: self.ask(frame_of(rows)), _by_gaps(batch, self.inputs), ASKED_AT_ONCE)

    def margin_at_once(self, batch: Batch) -> NDArray[np.float64] | None:
        """The library's own log-odds of bad (n,), NaN where it refuses a row; None where it gives none."""
        with suppress(Exception):  # a first row that is refused says nothing of the others
            if ask_margin(self.model, make_frame(batch.take(slice(0, 1)), self.frame), named=self.named) is None:
                return None

        def ask(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            margin = ask_margin(self.model, make_frame(batch.take(rows), self.frame), named=self.named)
            return np.asarray(margin if self.bad_at == 1 else -1.0 * np.asarray(margin))

        return _answer(ask, _by_gaps(batch, self.inputs), ASKED_AT_ONCE)

    def ask(self, frame: Any) -> NDArray[np.float64]:
        """The library's own PD (n,) for a frame; raises whatever the library raises."""
        return ask_model(self.model, frame, named=self.named, bad_at=self.bad_at)

    def explain(self, batch: Batch, reference: Batch) -> Explanation:
        """Shapley values by asking the model: exact for few columns, else sampled with their error."""
        return explain_by_asking(self.pd, batch, reference, self.inputs)


def _answer(
    ask: Callable[[NDArray[np.int64]], NDArray[np.float64]], order: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """The answers to all rows, in `order` and `size` at a time; where some are refused, halves are asked anew."""
    out = np.full(len(order), np.nan)
    waiting = [order[start : start + size] for start in range(0, len(order), size)]
    while waiting:
        rows = waiting.pop()
        try:
            out[rows] = ask(rows)
        except Exception:  # noqa: BLE001  # a model may raise anything; a row that it refuses stays NaN
            if len(rows) > 1:
                waiting += np.array_split(rows, 2)
    return out


def _by_gaps(batch: Batch, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The rows, those with the same gaps together: where one is refused, its neighbours mostly are."""
    matrix = batch.matrix(names)
    is_category = np.array([batch.contract[name].type == "category" for name in names], dtype=np.bool_)
    return np.lexsort((np.isnan(matrix) | ((matrix < 0) & is_category)).T) if len(names) else np.arange(len(batch))


def ask_model(model: Any, frame: Any, *, named: bool, bad_at: int) -> NDArray[np.float64]:
    """The library's own PD (n,) for a frame: predict_proba, or what a plain Booster calls predict."""
    table = frame if named else _unnamed(frame)
    with warnings.catch_warnings(), _one_thread():
        warnings.simplefilter("ignore")  # an unseen category is what the contract refers; no need to warn per batch
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(table), dtype=np.float64)[:, bad_at]
        if type(model).__module__.startswith("xgboost."):
            import xgboost  # loads on use

            table = xgboost.DMatrix(table, enable_categorical=True)
        if type(model).__module__.startswith("catboost."):
            return np.asarray(model.predict(table, prediction_type="Probability"), dtype=np.float64)[:, bad_at]
        probability = model.predict(table)
    return np.asarray(probability if bad_at == 1 else 1 - probability, dtype=np.float64)


def ask_margin(model: Any, frame: Any, *, named: bool) -> NDArray[np.float64] | None:
    """The library's own log-odds of its second class (n,) for a frame; None where it gives none."""
    table = frame if named else _unnamed(frame)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    library, name = type(last).__module__.partition(".")[0], type(last).__name__
    with warnings.catch_warnings(), _one_thread():
        warnings.simplefilter("ignore")
        if name == "LGBMClassifier":
            margin = model.predict_proba(table, raw_score=True)
        elif name.startswith("XGB"):
            margin = model.predict(table, output_margin=True)
        elif library == "catboost":
            margin = model.predict(table, prediction_type="RawFormulaVal")
        elif library == "lightgbm":
            margin = model.predict(table, raw_score=True)
        elif library == "xgboost":
            import xgboost  # loads on use

            margin = model.predict(xgboost.DMatrix(table, enable_categorical=True), output_margin=True)
        elif hasattr(model, "decision_function"):
            margin = model.decision_function(table)
        else:
            return None
    return np.asarray(margin, dtype=np.float64)


def _unnamed(frame: Any) -> NDArray[Any]:
    numeric = all(kind.kind in "fb" for kind in frame.dtypes)
    table: NDArray[Any] = frame.to_numpy(dtype=np.float64 if numeric else object)
    return table


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small batches gain nothing from a library's own threads, and sums keep one order: forests add as threads end."""
    # joblib ships no types; nothing is loaded with it here: it tells a forest to stay in this thread.
    from joblib import parallel_config  # noqa: TID251

    with _pools(len(sys.modules)).limit(limits=1), parallel_config(backend="sequential"):
        yield


@lru_cache(maxsize=1)
def _pools(modules: int) -> Any:  # noqa: ARG001  # what is loaded since may have threads of its own
    """The thread pools of this process, looked for anew when more modules are loaded: looking takes 10 ms."""
    from threadpoolctl import ThreadpoolController  # scikit-learn brings it and joblib

    return ThreadpoolController()
