"""From a model to the engine's arrays, kept only where they are found to be the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.errors import PackageError
from roadworthy.model.composed import ComposedEngine, Started
from roadworthy.model.crossings import find_crossings
from roadworthy.model.curves import Curve
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.forest import Forest
from roadworthy.model.formats import CannotCompile
from roadworthy.model.formats.compose import compile_estimator
from roadworthy.model.formats.feature import start_features
from roadworthy.model.formats.native import NativeEngine
from roadworthy.model.parity import LINEAR_TOLERANCE, Parity, compare, make_hard_rows
from roadworthy.model.plan import Op

__all__ = ["NOT_AS_KNOWN", "compile_model"]

NOT_AS_KNOWN = (CannotCompile, PackageError, ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What compiling raises where a model is not laid out as known."""


def compile_model(
    native: NativeEngine, batch: Batch, own: NDArray[np.float64], cut_offs: Sequence[float]
) -> tuple[CompiledEngine | ComposedEngine | None, Parity | None, str]:
    """The compiled engine where it is the model, with the comparison; else None with the reason.

    `own` (n,) are the model's own PDs of `batch`. Compared are these rows and made-up hard ones.
    """
    try:
        engine = _compile(native, batch)
        hard = make_hard_rows(batch, native.inputs, find_crossings(engine, batch))
        _refuse_amplified(engine, (batch, hard))
    except CannotCompile as reason:
        return None, None, str(reason)
    except NOT_AS_KNOWN as fault:
        # Some other version of a library may hold its parts otherwise. Compiling is never needed to answer right.
        return None, None, f"its parts are not laid out as known: {type(fault).__name__}: {fault}"
    answers = (own, native.pd_at_once(hard))
    tolerance = getattr(native.model, "linear_tolerance", LINEAR_TOLERANCE)
    parity = compare(engine, (batch, hard), answers, cut_offs=cut_offs, linear_tolerance=tolerance)
    if not parity.holds:
        return None, parity, f"the compiled form differs from the model{_suspect(engine)}: {parity.sentence()}"
    return engine, parity, parity.sentence()


_ROUGH = (Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10, Op.EXP, Op.EXPM1, Op.CBRT, Op.TANH, Op.YEO_JOHNSON)


def _suspect(engine: CompiledEngine | ComposedEngine) -> str:
    """The usual reason why trees behind a logarithm differ."""
    if np.isin(engine.plan.code, _ROUGH).any():
        return " where trees split on a logarithm or power, of which NumPy's own last bit is another"
    return ""


def _compile(native: NativeEngine, batch: Batch) -> CompiledEngine | ComposedEngine:
    features = start_features(batch.contract, native.frame)
    engine = compile_estimator(native.model, features, native.inputs, native.bad_at == 0)
    engine.check()
    return engine


def _refuse_amplified(engine: CompiledEngine | ComposedEngine, batches: Sequence[Batch]) -> None:
    """CannotCompile where a last bit of a linear sum grows on its way to the PD: BLAS has its own last bits."""
    if not isinstance(engine, ComposedEngine) or engine.is_exact:
        return
    m = len(engine.plan.outputs)
    up, down = (np.concatenate([engine.registers(batch, nudge) for batch in batches]) for nudge in (1.0, -1.0))
    with np.errstate(invalid="ignore"):
        moved = np.nan_to_num(np.abs(up - down)).max(axis=0, initial=0.0)
    for part in engine.parts:
        split = part.sources[:-1] if isinstance(part.what, Started) else part.sources
        if isinstance(part.what, (Forest, Started)) and any(moved[j] > 0.0 for j in split if j >= m):
            raise CannotCompile("trees split on the answer of a linear model, and a last bit of it may turn them")
        if isinstance(part.what, Curve) and part.what.steepest() > 0.0:
            j = part.sources[0]
            within = (up[:, j] >= part.what.params[0]) & (up[:, j] <= part.what.params[len(part.what.params) // 2 - 1])
            grown = part.what.steepest() * np.abs(up - down)[within, j].max(initial=0.0)
            if grown > LINEAR_TOLERANCE:
                raise CannotCompile(
                    f"the isotonic calibrator is so steep (slope {part.what.steepest():.3g}) that a last bit of the "
                    f"linear model may move the PD by {grown:.2g}"
                )
    if moved[-1] > LINEAR_TOLERANCE:
        raise CannotCompile(f"a last bit of a linear model within it may move the PD by {moved[-1]:.2g}")
