"""A sealed package and newer outcomes: the same model with a calibrator behind it, as a new package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, check_table, to_arrow
from roadworthy.errors import SealError
from roadworthy.measures import Calibration, calibration
from roadworthy.model.attribution import find_line
from roadworthy.model.calibrating import FOLDS, LEAST_FOR_STEPS, METHODS, Line, Steps, Trial, choose, cross_fit, fit
from roadworthy.model.composed import ComposedEngine, Part
from roadworthy.model.curves import Curve
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.engine_parts import COMPOSED, engine_parts
from roadworthy.model.evaluate import evaluate
from roadworthy.model.package import Golden, Package, from_parts, pack_parts
from roadworthy.model.plain_batch import plain_batch
from roadworthy.model.true_reasons import measure_true_reasons

__all__ = ["Recalibrated", "recalibrate"]

LEAST = 50
EXPLAINED = 20
_NONE = np.zeros(0)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Recalibrated:
    """The new package, and what it was chosen by.

    `before` and `after` are the calibration of the newer rows, `after` by calibrators that did not see them; `trials`
    are all methods tried, `chosen` that which was taken; `changed` counts, by cut-off, the rows that change sides.
    """

    package: Package
    before: Calibration
    after: Calibration
    trials: tuple[Trial, ...]
    chosen: str
    changed: Mapping[float, int]

    def sentence(self) -> str:
        """The finding in words."""
        gain = next(trial for trial in self.trials if trial.method == self.chosen)
        return (
            f"{self.chosen}: predicted {self.before.predicted_rate:.2%}, now {self.after.predicted_rate:.2%}, observed "
            f"{self.before.observed_rate:.2%}; expected calibration error "
            f"{self.before.expected_calibration_error:.4f}, now {self.after.expected_calibration_error:.4f}; log loss "
            f"lower by {gain.gain:.5f} "
            f"(standard error {gain.gain_error:.5f}), on rows that the calibrator did not see"
        )


def recalibrate(
    package: Package,
    X: Any,
    bad: Any,
    *,
    method: str = "auto",
    weights: Any | None = None,
    cut_offs: Sequence[float] | None = None,
    population: str = "newer outcomes",
    lineage: Mapping[str, str] | None = None,
    left_out: int = 0,
) -> Recalibrated:
    """Fit a calibrator to newer applications with outcomes, behind the model as it is.

    Parameters
    ----------
    package
        A compiled package. One that runs natively is recalibrated before it is sealed.
    X
        (n, k) newer rows of the package's contract; rows that break it are left out, and counted.
    bad
        (n,) 0/1, 1 the bad outcome.
    method
        "intercept" (a shift of the log-odds), "sigmoid" (a line of them), "isotonic" (steps), or "auto": the fewest
        parameters that lower the log loss by over two standard errors, unless more of them lower it by one more;
        isotonic from 1,000 rows on.
    weights
        (n,) sampling weights above 0, or None.
    cut_offs
        PDs at which an answer changes; by default those the package was sealed with.
    population
        What the rows are, in words.
    lineage
        What they came from: digests, by name.
    left_out
        How many rows were left out before.

    Raises
    ------
    SealError
        Fewer than 50 bad or 50 good rows, outcomes that are not 0/1, a native package, or no method that makes the log
        loss lower on rows it did not see: what is worse is never sealed.

    """
    engine = package.engine
    if not isinstance(engine, (CompiledEngine, ComposedEngine)):
        raise SealError(
            f"{package.name} runs natively, and a calibrator cannot be put behind it",
            mend="wrap the original in scikit-learn's CalibratedClassifierCV(FrozenEstimator(model)), and seal that",
        )
    batch, outcome, weight, broken = _read(package, X, bad, weights)
    pd = engine.pd(batch)
    known = ~np.isnan(pd)
    batch, pd, outcome, weight = batch.take(np.flatnonzero(known)), pd[known], outcome[known], weight[known]
    _refuse_few(outcome)
    trials = [cross_fit(each, pd, outcome, weight) for each in _asked(method, len(pd))]
    chosen = choose(trials, beyond_chance=method == "auto")
    if chosen is None:
        figures = "; ".join(f"{t.method}: {-t.gain:+.5f} (standard error {t.gain_error:.5f})" for t in trials)
        by_chance = " by more than chance does" if method == "auto" else ""
        raise SealError(
            f"no calibrator lowers the log loss on rows that it did not see{by_chance}: {figures}",
            mend="leave the package as it is; if it ranks worse than it did, train anew",
        )
    calibrator = fit(chosen.method, pd, outcome, weight)
    made = _behind(engine, calibrator)
    made.check()
    points = _cut_offs(package) if cut_offs is None else tuple(cut_offs)
    now = made.pd(batch)
    before, after = (calibration(outcome, each, weights=weight, population=population) for each in (pd, chosen.pd))
    count = f"{population}, n = {len(pd):,}, judged by {FOLDS}-fold cross-fitting"
    evaluation = {
        **evaluate(outcome, chosen.pd, weight, points, count),
        "true_reasons": measure_true_reasons(made, package.reference, batch, now, points),
    }
    sealed = _pack(
        package, made, evaluation, calibrator, chosen, batch, left_out + broken + int(np.sum(~known)), lineage or {}
    )
    changed = {float(point): int(np.sum((pd < point) != (now < point))) for point in points}
    return Recalibrated(sealed, before, after, tuple(trials), chosen.method, changed)


def _read(package: Package, X: Any, bad: Any, weights: Any | None) -> tuple[Batch, Numbers, Numbers, int]:
    """The rows that keep to the contract, their outcomes and weights, and how many do not."""
    if isinstance(X, Batch):
        batch, rows, count = package.batch(X), np.arange(len(X)), len(X)
    else:
        table = to_arrow(X)
        checked = check_table(package.contract, table, unknown="ignore")
        batch, rows, count = checked.batch, checked.rows, table.num_rows
    outcome = _numbers(bad, count, "bad")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise SealError("`bad` holds values other than 0 and 1", mend="1 for the bad outcome, 0 for the good one")
    weight = np.ones(count) if weights is None else _numbers(weights, count, "weights")
    if not ((weight > 0) & (weight < np.inf)).all():
        raise SealError("`weights` holds values that are not above 0 and finite", mend="leave rows of no weight out")
    return batch, outcome[rows], weight[rows], count - len(rows)


def _numbers(values: Any, n: int, name: str) -> Numbers:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError):
        raise SealError(f"`{name}` holds values that are not numbers", mend="one number for each row of X") from None
    if numbers.shape != (n,):
        raise SealError(f"`{name}` has shape {numbers.shape} for {n} rows of X", mend="one number for each row of X")
    return numbers


def _refuse_few(outcome: Numbers) -> None:
    bads, goods = int(outcome.sum()), int(np.sum(outcome == 0))
    if min(bads, goods) < LEAST:
        raise SealError(
            f"{bads:,} bad and {goods:,} good rows are too few to calibrate by, and {LEAST} of each are the least",
            mend="wait for more outcomes, or take a longer period",
        )


def _asked(method: str, rows: int) -> list[str]:
    if method != "auto":
        return [method]
    return [name for name in METHODS if name != "isotonic" or rows >= LEAST_FOR_STEPS]


def _cut_offs(package: Package) -> tuple[float, ...]:
    return tuple(float(line["cut_off"]) for line in package.evaluation.get("confusion", ()))


def _behind(engine: CompiledEngine | ComposedEngine, calibrator: Line | Steps) -> ComposedEngine:
    """The engine with the calibrator last. A line of log-odds that are a line of a sum becomes one line of that sum."""
    whole = engine if isinstance(engine, ComposedEngine) else _as_parts(engine)
    m = len(whole.plan.outputs)
    last = m + len(whole.parts) - 1
    if isinstance(calibrator, Steps):
        points = np.concatenate([calibrator.knots, calibrator.levels])
        return replace(whole, parts=(*whole.parts, Part(Curve("isotonic", points), (last,))))
    straight = find_line(whole, last)
    if straight is None:
        parts = [*whole.parts, Part(Curve("logit", np.array([1e-12])), (last,))]
        source, slope, shift = last + 1, calibrator.slope, calibrator.shift
    else:
        source, a, b = straight
        slope, shift = calibrator.slope * a, calibrator.slope * b + calibrator.shift
        parts = list(whole.parts[: source - m + 1])  # what stood between the sum and the PD is in the new line
    parts.append(Part(Curve("platt", np.array([-slope, -shift])), (source,)))
    return replace(whole, parts=tuple(parts))


def _as_parts(engine: CompiledEngine) -> ComposedEngine:
    m = len(engine.plan.outputs)
    parts = [Part(engine.scorer, tuple(range(m))), Part(Curve(engine.link, _NONE), (m,))]
    if engine.bad_is_first:
        narrow = engine.link.endswith("float32")
        parts.append(Part(Curve("complement_float32" if narrow else "complement", _NONE), (m + 1,)))
    return ComposedEngine(engine.plan, tuple(parts))


def _pack(
    package: Package, engine: ComposedEngine, evaluation: Mapping[str, Any], calibrator: Line | Steps, chosen: Trial,
    batch: Batch, left_out: int, lineage: Mapping[str, str],
) -> Package:  # fmt: skip
    rows, _ = package.golden()
    golden = Golden(rows=plain_batch(rows), pd=tuple(float(value).hex() for value in engine.pd(rows)))
    kept = {name: package.parts[name] for name in ("contract.json", "reference.json", "profile.json")}
    parts = {
        **kept,
        "evaluation.json": msgspec.json.encode(evaluation),
        "golden.json": msgspec.json.encode(golden),
        **engine_parts(engine),
    }
    few = batch.take(np.linspace(0, len(batch) - 1, min(EXPLAINED, len(batch))).astype(np.int64))
    said = engine.explain(few, package.reference)
    manifest = package.manifest
    note = _note_of(manifest.engine, said.method, said.quantity, chosen.method)
    notes = [*manifest.notes, f"recalibrated ({_describe(calibrator, chosen.method)}) on {len(batch):,} rows"]
    if left_out:
        notes.append(f"{left_out:,} newer rows broke the contract or got no PD, and were left out of recalibration")
    if manifest.engine.reasons == "path":
        notes.append("reasons are against the reference applicant since it was recalibrated, not path-dependent")
    sealed = pack_parts(
        parts,
        name=manifest.name,
        engine=note,
        parity=manifest.parity,
        notes=tuple(notes),
        environment=manifest.environment,
        lineage={**manifest.lineage, **lineage, "recalibrated_from": package.digest},
    )
    return from_parts(sealed, where=manifest.name)


def _note_of(note: Any, reasons: str, quantity: str, method: str) -> Any:
    """The manifest's note of the engine with a calibrator behind it."""
    why = f"recalibrated by {method}; the model behind it: {note.why.partition('the model behind it: ')[2] or note.why}"
    return msgspec.structs.replace(
        note, scorer=COMPOSED, link="", bad_is_first=False, why=why, reasons=reasons, quantity=quantity, residual=None
    )


def _describe(calibrator: Line | Steps, method: str) -> str:
    if isinstance(calibrator, Steps):
        return f"{method}, {len(calibrator.knots)} points"
    return f"{method}: log-odds x {calibrator.slope:.4g} {calibrator.shift:+.4g}"
