"""The original model, kept and asked as it is, where no exact compiled form exists.

It is stored with skops, which writes no pickle and constructs only types on an allow-list. Rows are asked in batches
of one fixed size, padded, so that a row's answer does not depend on who came with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, UNSEEN, Batch, Contract
from roadworthy.errors import MissingExtra, PackageError, SealError
from roadworthy.model.engine import Explanation
from roadworthy.model.formats.trace import UNSEEN_TEXT
from roadworthy.model.sampling import explain_by_asking

__all__ = [
    "FrameColumn",
    "NativeEngine",
    "ask_model",
    "contract_columns",
    "dump_native",
    "frame_columns",
    "load_native",
    "make_frame",
    "training_frame",
]

PADDED_TO = 64
TRUSTED_TYPES = (
    "functools.partial", "sklearn.utils.validation.check_array", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration", "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "xgboost.core.Booster",
                 "xgboost.sklearn.XGBClassifier", "collections.OrderedDict", "collections.defaultdict")  # fmt: skip


@dataclass(frozen=True)
class FrameColumn:
    """A column as the model's own library saw it in training: its pandas dtype, and the vocabulary of a categorical."""

    name: str
    dtype: str
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class NativeEngine:
    """The original model behind the engine's protocol. `bad_at` is the position of the bad class in its answers."""

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
        out = np.full(len(batch), np.nan)
        for start in range(0, len(batch), padded_to):
            rows = np.arange(start, min(start + padded_to, len(batch)))
            try:
                out[rows] = self._ask(batch, rows, padded_to)
            except Exception:  # noqa: BLE001  # a model may raise anything; its rows are asked one by one
                for row in rows:
                    try:
                        out[row] = self._ask(batch, np.array([row]), padded_to)[0]
                    except Exception:  # noqa: BLE001, S112  # this row stays NaN: it is referred, never an error
                        continue
        return out

    def _ask(self, batch: Batch, rows: NDArray[np.int64], padded_to: int) -> NDArray[np.float64]:
        padded = np.concatenate([rows, np.full(padded_to - len(rows), rows[-1])])
        frame = make_frame(batch.take(padded), self.frame)
        with warnings.catch_warnings(), _one_thread():
            warnings.simplefilter("ignore")  # an unseen category is what the contract refers; no need to warn per batch
            answer = ask_model(self.model, frame if self.named else frame.to_numpy(dtype=np.float64), self.bad_at)
        return answer[: len(rows)]

    def explain(self, batch: Batch, reference: Batch) -> Explanation:
        """Shapley values by asking the model: exact for few columns, else sampled with their error."""
        return explain_by_asking(self.pd, batch, reference, self.inputs)


def ask_model(model: Any, frame: Any, bad_at: int) -> NDArray[np.float64]:
    """The library's own PD (n,) for a frame: predict_proba, or what a plain Booster calls predict."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(frame), dtype=np.float64)[:, bad_at]
    if type(model).__module__.startswith("xgboost."):
        import xgboost  # loads on use

        frame = xgboost.DMatrix(frame)
    probability = np.asarray(model.predict(frame), dtype=np.float64)
    return probability if bad_at == 1 else 1.0 - probability


def _one_thread() -> Any:
    """Small batches gain nothing from the library's own threads, and the order of its sums stays the same."""
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    return threadpool_limits(limits=1)


def _pandas() -> Any:
    try:
        import pandas as pd  # loads on use: compiled packages need none of it
    except ImportError:
        raise MissingExtra.of("pandas", "train") from None
    return pd


def frame_columns(X: Any, names: Sequence[str]) -> tuple[FrameColumn, ...]:
    """How the pandas frame `X` holds the columns `names`."""
    return tuple(
        FrameColumn(
            name,
            str(X[name].dtype),
            tuple(str(v) for v in X[name].cat.categories) if str(X[name].dtype) == "category" else None,
        )
        for name in names
    )


def make_frame(batch: Batch, columns: Sequence[FrameColumn]) -> Any:
    """A pandas frame of a batch as the model saw its training data."""
    pd = _pandas()
    out: dict[str, Any] = {}
    for column in columns:
        kind = batch.contract[column.name].type
        values = batch.columns[column.name]
        if kind == "category":
            vocabulary = np.array([*(batch.contract[column.name].allowed or ()), UNSEEN_TEXT, np.nan], dtype=object)
            texts = vocabulary[np.where(values == MISSING, -1, np.where(values == UNSEEN, -2, values))]
            out[column.name] = (
                pd.Categorical(texts, list(column.categories)) if column.categories is not None else texts
            )
        elif column.dtype == "bool":
            out[column.name] = values == 1.0
        elif kind in ("number", "integer", "boolean"):
            out[column.name] = values.astype(np.float32) if column.dtype == "float32" else values
        else:
            raise SealError(
                f"the model reads {column.name}, which is {kind}", mend="make a number of it before training"
            )
    return pd.DataFrame(out, columns=[column.name for column in columns])


def training_frame(batch: Batch, names: Sequence[str]) -> Any:
    """The columns `names` as a pandas frame to train on: numbers float64, categories text, NaN where missing."""
    return make_frame(batch, contract_columns(batch.contract, names))


def contract_columns(contract: Contract, names: Sequence[str]) -> tuple[FrameColumn, ...]:
    """How `training_frame` holds the columns `names`."""
    return tuple(FrameColumn(name, "object" if contract[name].type == "category" else "float64") for name in names)


def _skops() -> Any:
    try:
        import skops.io  # loads on use
    except ImportError:
        raise MissingExtra.of("skops", "train") from None
    return skops.io


def dump_native(model: Any, trusted_types: Sequence[str] = ()) -> bytes:
    """The model as skops bytes; SealError where it holds types that a server would not construct."""
    io = _skops()
    try:
        content: bytes = io.dumps(model)
    except Exception as error:  # noqa: BLE001  # skops raises many kinds for what it cannot write
        raise SealError(f"the model cannot be stored without pickle: {error}") from None
    unknown = sorted(set(io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES, *trusted_types})
    if unknown:
        raise SealError(
            f"the model holds types that are not trusted: {', '.join(unknown[:5])}",
            mend="list them in trusted_types if they are this deployment's own, or use scikit-learn's own steps",
        )
    return content


def load_native(content: bytes, trusted_types: Sequence[str] = ()) -> Any:
    """The model from skops bytes; only types on the allow-list are ever constructed."""
    io = _skops()
    try:
        return io.loads(content, trusted=[*TRUSTED_TYPES, *trusted_types])
    except Exception as error:  # noqa: BLE001  # anything odd in a package is a package error
        raise PackageError(f"the original model cannot be read: {error}") from None
