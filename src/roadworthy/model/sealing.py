"""From a trained model and rows it was not trained on, to a sealed package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from platform import machine, python_version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract, check_table, infer_contract, to_arrow
from roadworthy.errors import SealError
from roadworthy.measures import auc
from roadworthy.model.compiling import compile_model
from roadworthy.model.composed import ComposedEngine
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.engine_parts import COMPOSED, engine_parts
from roadworthy.model.evaluate import evaluate
from roadworthy.model.forest import Forest
from roadworthy.model.formats import class_name
from roadworthy.model.formats.files import find_model
from roadworthy.model.formats.frames import contract_columns, frame_columns, make_frame
from roadworthy.model.formats.native import NativeEngine
from roadworthy.model.formats.reading import refuse_other_reading
from roadworthy.model.formats.stored import dump_native
from roadworthy.model.formats.takes import bad_position, known_categories, model_columns, takes_names
from roadworthy.model.made_columns import find_made_columns
from roadworthy.model.package import EngineNote, Golden, Package, from_parts, pack_parts
from roadworthy.model.plain_batch import plain_batch
from roadworthy.model.reference import find_medoid, profile_inputs
from roadworthy.model.true_reasons import measure_true_reasons

__all__ = ["seal"]

COMPARED_ROWS = 20_000
ASKED_FIRST = 50
GOLDEN_ROWS = 40
EXPLAINED, EXPLAINED_BY_ASKING = 2_000, 20
RECORDED = ("roadworthy", "numpy", "scipy", "numba", "scikit-learn", "lightgbm", "xgboost-cpu", "xgboost", "catboost",
            "treelite", "onnxruntime")  # fmt: skip


def seal(
    model: Any,
    X: Any,
    bad: Any,
    *,
    name: str,
    weights: Any | None = None,
    cut_offs: Sequence[float] = (),
    contract: Contract | None = None,
    bad_class: Any | None = None,
    reference: int | None = None,
    population: str = "rows given at sealing",
    lineage: Mapping[str, str] | None = None,
    trusted_types: Sequence[str] = (),
    reasons: str = "reference",
) -> Package:
    """Seal `model` with the proof that the package answers as it does.

    Parameters
    ----------
    model
        A fitted binary classifier or pipeline (scikit-learn, LightGBM, XGBoost, CatBoost) that takes the columns of
        `X`, an ONNX model, or the path of a model file: .skops, LightGBM's .txt, XGBoost's .json or .ubj, CatBoost's
        .cbm or .json, .onnx.
    X
        (n, k) raw columns as pandas, polars, Arrow or a Batch: best those held out from training, since the package
        carries how well the model did on them.
    bad
        (n,) 0/1, 1 the bad outcome.
    name
        The model's name.
    weights
        (n,) non-negative sampling weights, or None.
    cut_offs
        PDs at which an answer changes; parity then also counts changed answers at each.
    contract
        The declared contract; inferred from `X` where None.
    bad_class
        Which of `model.classes_` means bad, where that is not plain (1, True, "bad", "default", ...).
    reference
        Position in `X` of the applicant that reasons are measured against; by default the medoid of the goods whose PD
        is below the lowest cut-off.
    population
        What the rows are, in words; it is printed with every figure of the evaluation.
    lineage
        What the model came from: digests of data and code, by name.
    trusted_types
        Classes of this deployment that a natively run model may hold.
    reasons
        How contributions are computed: "reference", Shapley values against the reference applicant, or "path", what
        TreeSHAP and `pred_contrib` give, for one ensemble of trees. Stated reasons are tested against the reference
        applicant either way.

    Raises
    ------
    SealError
        Not fitted, not a binary classifier, columns that are not in the contract, an outcome that is not 0/1, a model
        that ranks bad rows as the safest, or one that can be neither compiled nor stored without pickle.

    """
    model = find_model(model, trusted_types)
    given = _read(X, contract, name)
    batch, contract = given.batch, given.batch.contract
    columns = model_columns(model, given.names, contract)
    outcome = _outcome(bad, given.count)[given.rows]
    weight = None if weights is None else _weights(weights, given.count)[given.rows]
    _refuse_odd_cut_offs(cut_offs)
    if given.frame is not None:
        frame = frame_columns(given.frame, columns)
    else:
        frame = contract_columns(contract, columns, known_categories(model))
    native = NativeEngine(model, frame, takes_names(model), bad_position(model, bad_class))
    rows = np.linspace(0, len(batch) - 1, min(COMPARED_ROWS, len(batch))).astype(np.int64)
    compared = batch.take(rows)
    _refuse_silent(native, compared)
    own = native.pd_at_once(compared)
    _refuse_no_probability(own)
    if given.frame is not None:
        refuse_other_reading(native, given.frame, compared, given.rows[rows], own)
    engine, parity, why = compile_model(native, compared, own, cut_offs)
    if engine is None and getattr(model, "only_compiled", False):
        raise SealError(
            f"the ONNX graph cannot be compiled: {why}",
            mend="seal the model that it was made of; a graph in float32 changes answers, and is never run as it is",
        )
    if reasons != "reference":
        engine = _explain_by(reasons, engine, why)
    pd = (engine or native).pd(batch)
    _refuse_reversed(outcome, pd, model)
    row = _reference_row(batch, columns, outcome, pd, cut_offs) if reference is None else given.place(reference)
    typical = batch.take(slice(row, row + 1))
    sample = batch.take(np.linspace(0, len(batch) - 1, min(GOLDEN_ROWS, len(batch))).astype(np.int64))
    golden = Golden(rows=plain_batch(sample), pd=tuple(float(value).hex() for value in (engine or native).pd(sample)))
    parts = {
        "contract.json": msgspec.json.encode(contract),
        "reference.json": msgspec.json.encode(plain_batch(typical)),
        "profile.json": msgspec.json.encode(profile_inputs(batch, columns)),
        "evaluation.json": msgspec.json.encode(
            {
                **evaluate(outcome, pd, weight, cut_offs, population),
                "true_reasons": measure_true_reasons(engine or native, typical, batch, pd, cut_offs),
            }
        ),
        "golden.json": msgspec.json.encode(golden),
    }
    explained = _what_is_explained(engine or native, native, compared, own, typical)
    if engine is None:
        parts["native.skops"] = dump_native(model, trusted_types)
        note = EngineNote(
            kind="native", model=_describe(model), why=why, inputs=columns, bad_at=native.bad_at, named=native.named,
            frame=tuple((column.name, column.dtype, column.categories) for column in frame), **explained,
        )  # fmt: skip
    else:
        parts |= engine_parts(engine)
        note = EngineNote(
            kind="compiled", model=_describe(model), why=why, inputs=engine.inputs, bad_at=native.bad_at,
            **({"scorer": COMPOSED} if isinstance(engine, ComposedEngine) else _scored(engine)), **explained,
        )  # fmt: skip
    sealed = pack_parts(
        parts,
        name=name,
        engine=note,
        parity=parity,
        notes=tuple(_notes(given, columns)),
        environment=_environment(),
        lineage=dict(lineage or {}),
    )
    return from_parts(sealed, where=name, trusted_types=tuple(trusted_types))


def _explain_by(reasons: str, engine: CompiledEngine | ComposedEngine | None, why: str) -> CompiledEngine:
    """The engine with path-dependent reasons; SealError where it has none."""
    if reasons != "path":
        raise SealError(f"reasons by {reasons!r} are unknown", available=("reference", "path"))
    if isinstance(engine, CompiledEngine) and isinstance(engine.scorer, Forest) and len(engine.scorer.cover):
        return replace(engine, reasons=reasons)
    if engine is None:
        because = f"it runs native, since {why}"
    elif isinstance(engine, CompiledEngine) and isinstance(engine.scorer, Forest):
        because = "its trees do not say how many training rows came to every node"
    else:
        because = "it is not one ensemble of trees, whose shares of the training rows they would be made of"
    raise SealError(
        f"path-dependent reasons cannot be computed for the model: {because}",
        mend="leave `reasons` out: they are then measured against the reference applicant",
    )


def _what_is_explained(
    engine: CompiledEngine | ComposedEngine | NativeEngine,
    native: NativeEngine,
    batch: Batch,
    own: NDArray[np.float64],
    reference: Batch,
) -> dict[str, Any]:
    """For the manifest: the method, what it explains, and how far that is from the library's own number of it.

    `own` (n,) are the library's PDs of `batch`. A model made of models has no log-odds of its own to compare with.
    """
    most = EXPLAINED if isinstance(engine, CompiledEngine) else EXPLAINED_BY_ASKING
    few = np.linspace(0, len(batch) - 1, min(most, len(batch))).astype(np.int64)
    said = engine.explain(batch.take(few), reference)
    theirs: NDArray[np.float64] | None = own[few]
    if said.quantity == "margin":
        theirs = native.margin_at_once(batch.take(few)) if isinstance(engine, CompiledEngine) else None
    apart = np.zeros(0) if theirs is None else np.abs(said.output - theirs)
    apart = apart[np.isfinite(apart)]
    return {
        "reasons": said.method,
        "quantity": said.quantity,
        "residual": float(apart.max()) if len(apart) else None,
    }


def _scored(engine: CompiledEngine) -> dict[str, Any]:
    return {"scorer": engine.scorer.kind, "link": engine.link, "bad_is_first": engine.bad_is_first}


@dataclass(frozen=True)
class _Given:
    """X as it was given: the rows that keep to the contract, where they stood, and how the columns were held."""

    batch: Batch
    rows: NDArray[np.int64]
    count: int
    names: tuple[str, ...]
    table: Any | None
    frame: Any | None

    def place(self, row: int) -> int:
        """Where row `row` of X stands in the batch; SealError where it does not."""
        found = np.flatnonzero(self.rows == row)
        if not len(found):
            raise SealError(f"reference={row} is not a row of X that keeps to the contract")
        return int(found[0])


def _read(X: Any, contract: Contract | None, name: str) -> _Given:
    if isinstance(X, Batch):
        if not len(X):
            raise SealError("X has no rows")
        names = tuple(column.name for column in X.contract.columns)
        return _Given(X, np.arange(len(X), dtype=np.int64), len(X), names, None, None)
    table = to_arrow(X)
    checked = check_table(contract or infer_contract(table, name=name), table, unknown="ignore")
    if not len(checked.batch):
        aside = checked.set_aside
        first = f"; the first: {aside.path[0]}: {aside.message[0]}" if len(aside) else ""
        raise SealError(f"no row keeps to the contract{first}")
    names = tuple(table.column_names)
    frame = X.set_axis(list(names), axis=1) if type(X).__module__.partition(".")[0] == "pandas" else None
    return _Given(checked.batch, checked.rows, table.num_rows, names, table, frame)


def _outcome(bad: Any, n: int) -> NDArray[np.float64]:
    outcome = _numbers(bad, n, "bad")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise SealError("`bad` holds values other than 0 and 1", mend="1 for the bad outcome, 0 for the good one")
    return outcome


def _weights(weights: Any, n: int) -> NDArray[np.float64]:
    found = _numbers(weights, n, "weights")
    if not (np.isfinite(found).all() and found.min() >= 0 and found.sum() > 0):
        raise SealError("`weights` holds values that are not finite, below 0, or nothing above 0")
    return found


def _numbers(values: Any, n: int, name: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError):
        raise SealError(f"`{name}` holds values that are not numbers", mend="one number for each row of X") from None
    if numbers.shape != (n,):
        raise SealError(f"`{name}` has shape {numbers.shape} for {n} rows of X", mend="one number for each row of X")
    return numbers


def _refuse_odd_cut_offs(cut_offs: Sequence[float]) -> None:
    odd = [cut for cut in cut_offs if not 0 <= cut <= 1]
    if odd:
        raise SealError(f"cut_offs are PDs in 0..1, not {odd[0]:g}", mend="0.08 for eight percent")


def _refuse_silent(native: NativeEngine, batch: Batch) -> None:
    few = batch.take(np.linspace(0, len(batch) - 1, min(ASKED_FIRST, len(batch))).astype(np.int64))
    if not np.isnan(native.pd_at_once(few)).all():
        return
    try:
        native.ask(make_frame(few, native.frame))
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        message = f"the model answers none of {len(few)} rows: {said}"
        raise SealError(message, mend="give X as the model was trained on it") from error
    raise SealError(f"the model answers none of {len(few)} rows with a number")


def _refuse_no_probability(pd: NDArray[np.float64]) -> None:
    low, high = np.nanmin(pd), np.nanmax(pd)
    if low < 0 or high > 1:
        raise SealError(
            f"the model's answers run from {low:g} to {high:g}: they are no probabilities",
            mend="train with a binary objective (binary, binary:logistic)",
        )


def _notes(given: _Given, columns: Sequence[str]) -> list[str]:
    notes = [] if given.table is None else find_made_columns(given.table, columns)
    set_aside = given.count - len(given.rows)
    if set_aside:
        notes.append(f"{set_aside:,} rows of {given.count:,} broke the contract and were left out at sealing")
    guessed = [column.name for column in given.batch.contract.columns if column.guessed]
    if guessed:
        notes.append(f"the contract of {len(guessed)} columns is guessed from data and confirmed by no person")
    return notes


def _refuse_reversed(bad: NDArray[np.float64], pd: NDArray[np.float64], model: Any) -> None:
    known = ~np.isnan(pd)
    if len(np.unique(bad[known])) == 2 and float(auc(bad[known], pd[known])) < 0.4:
        raise SealError(
            f"the model ranks the bad rows as the safest (AUC {float(auc(bad[known], pd[known])):.3f})",
            available=getattr(model, "classes_", None),
            mend="name the bad class with bad_class=..., or check that bad is 1 for the bad outcome",
        )


def _reference_row(
    batch: Batch, columns: Sequence[str], bad: NDArray[np.float64], pd: NDArray[np.float64], cut_offs: Sequence[float]
) -> int:
    good = (bad == 0) & ~np.isnan(pd)
    if not good.any():
        raise SealError("there is no good row to take a reference applicant from")
    limit = min(cut_offs) if len(cut_offs) else float(np.median(pd[good]))
    approved = good & (pd < limit)
    return find_medoid(batch, columns, approved if approved.any() else good)


def _describe(model: Any) -> str:
    steps = getattr(model, "steps", None)
    return " -> ".join(class_name(step) for _, step in steps) if steps else class_name(model)


def _environment() -> dict[str, str]:
    found = {"python": python_version(), "machine": machine()}
    for library in RECORDED:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
