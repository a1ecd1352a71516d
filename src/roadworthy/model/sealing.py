"""From a trained model and rows it was not trained on, to a sealed package."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from platform import machine, python_version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract, check_table, infer_contract, to_arrow
from roadworthy.errors import SealError
from roadworthy.measures import auc
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.evaluate import evaluate
from roadworthy.model.forest import Forest
from roadworthy.model.formats import CannotCompile, class_name, find_format
from roadworthy.model.formats.native import NativeEngine, contract_columns, dump_native, frame_columns
from roadworthy.model.formats.trace import start_features, trace
from roadworthy.model.made_columns import find_made_columns
from roadworthy.model.package import EngineNote, Package, batch_json, from_parts, pack_parts
from roadworthy.model.parity import Parity, compare, make_hard_rows
from roadworthy.model.plan import build_plan
from roadworthy.model.reference import find_medoid, profile_inputs

__all__ = ["seal"]

BAD_WORDS = ("1", "1.0", "true", "bad", "default", "yes", "y", "charged off", "chgoff")
COMPARED_ROWS = 20_000
GOLDEN_ROWS = 40
RECORDED = ("roadworthy", "numpy", "scipy", "numba", "scikit-learn", "lightgbm", "xgboost-cpu", "xgboost", "treelite")


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
) -> Package:
    """Seal `model` with the proof that the package answers as it does.

    Parameters
    ----------
    model
        A fitted binary classifier or pipeline (scikit-learn, LightGBM, XGBoost) that takes the columns of `X`.
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

    Raises
    ------
    SealError
        Not fitted, not a binary classifier, columns that are not in the contract, an outcome that is not 0/1, a model
        that ranks bad rows as the safest, or one that can be neither compiled nor stored without pickle.

    """
    given = _read(X, contract, name)
    batch, contract = given.batch, given.batch.contract
    columns = _model_columns(model, given.names, contract)
    outcome = _outcome(bad, given.count)[given.rows]
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)[given.rows]
    notes = _notes(given, columns)
    position = _bad_position(model, bad_class)
    frame = contract_columns(contract, columns) if given.frame is None else frame_columns(given.frame, columns)
    native = NativeEngine(model, frame, hasattr(model, "feature_names_in_") or _wants_names(model), position)
    engine, parity, why = _compile(model, native, batch, contract, columns, cut_offs)
    pd = (engine or native).pd(batch)
    _refuse_reversed(outcome, pd, model)
    row = _reference_row(batch, columns, outcome, pd, cut_offs) if reference is None else reference
    sample = batch.take(np.linspace(0, len(batch) - 1, min(GOLDEN_ROWS, len(batch))).astype(np.int64))
    parts = {
        "contract.json": msgspec.json.encode(contract),
        "reference.json": msgspec.json.encode(batch_json(batch.take(slice(row, row + 1)))),
        "profile.json": msgspec.json.encode(profile_inputs(batch, columns)),
        "evaluation.json": msgspec.json.encode(evaluate(outcome, pd, weight, cut_offs, population)),
        "golden.json": msgspec.json.encode(
            {"rows": batch_json(sample), "pd": [float(value).hex() for value in (engine or native).pd(sample)]}
        ),
    }
    if engine is None:
        parts["native.skops"] = dump_native(model, trusted_types)
        note = EngineNote(
            kind="native", model=_describe(model), why=why, inputs=columns, bad_at=position, named=native.named,
            frame=tuple((column.name, column.dtype, column.categories) for column in frame),
        )  # fmt: skip
    else:
        parts |= {f"plan/{key}.npy": _npy(array) for key, array in engine.plan.arrays().items()}
        parts |= {f"scorer/{key}.npy": _npy(array) for key, array in engine.scorer.arrays().items()}
        note = EngineNote(
            kind="compiled", model=_describe(model), why=why, link=engine.link, scorer=engine.scorer.kind,
            inputs=engine.inputs, bad_is_first=engine.bad_is_first, bad_at=position,
        )  # fmt: skip
    sealed = pack_parts(
        parts,
        name=name,
        engine=note,
        parity=parity,
        notes=tuple(notes),
        environment=_environment(),
        lineage=dict(lineage or {}),
    )
    return from_parts(sealed, where=name, trusted_types=tuple(trusted_types))


@dataclass(frozen=True)
class _Given:
    """X as it was given: the rows that keep to the contract, where they stood, and how the columns were held."""

    batch: Batch
    rows: NDArray[np.int64]
    count: int
    names: tuple[str, ...]
    table: Any | None
    frame: Any | None


def _read(X: Any, contract: Contract | None, name: str) -> _Given:
    if isinstance(X, Batch):
        names = tuple(column.name for column in X.contract.columns)
        return _Given(X, np.arange(len(X), dtype=np.int64), len(X), names, None, None)
    table = to_arrow(X)
    checked = check_table(contract or infer_contract(table, name=name), table, unknown="ignore")
    if not len(checked.batch):
        aside = checked.set_aside
        first = f"; the first: {aside.path[0]}: {aside.message[0]}" if len(aside) else ""
        raise SealError(f"no row keeps to the contract{first}")
    frame = X if type(X).__module__.startswith("pandas.") else table.to_pandas()
    return _Given(checked.batch, checked.rows, table.num_rows, tuple(table.column_names), table, frame)


def _outcome(bad: Any, n: int) -> NDArray[np.float64]:
    outcome = np.asarray(bad, dtype=np.float64)
    if outcome.shape != (n,):
        raise SealError(f"`bad` has shape {outcome.shape} for {n} rows of X")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise SealError("`bad` holds values other than 0 and 1", mend="1 for the bad outcome, 0 for the good one")
    return outcome


def _wants_names(model: Any) -> bool:
    return type(model).__module__.partition(".")[0] in ("lightgbm", "xgboost")


def _model_columns(model: Any, given: Sequence[str], contract: Contract) -> tuple[str, ...]:
    if not hasattr(model, "predict_proba") and not type(model).__name__ == "Booster":
        raise SealError(
            f"{class_name(model)} has no predict_proba: it is not a classifier",
            mend="seal a classifier, or wrap it in one that gives probabilities",
        )
    try:
        names = getattr(model, "feature_names_in_", None)
        width = getattr(model, "n_features_in_", None)
    except AttributeError:
        names = width = None
    if names is None and width is None and not hasattr(model, "feature_name") and not hasattr(model, "feature_names"):
        raise SealError(f"{class_name(model)} is not fitted", mend="call fit(X, bad) first")
    wanted = tuple(str(name) for name in (names if names is not None else given))
    if names is None and width is not None and width != len(wanted):
        raise SealError(
            f"the model takes {width} columns without names and X has {len(wanted)}",
            mend="fit the model on a table with column names, or give X with exactly its columns in order",
        )
    absent = [name for name in wanted if name not in given]
    if absent:
        raise SealError(
            f"the model takes columns that X does not have: {', '.join(absent[:5])}", available=given,
            mend="if they are made before the pipeline, no caller can send them: make them inside it",
        )  # fmt: skip
    undeclared = [name for name in wanted if name not in contract]
    if undeclared:
        raise SealError(
            f"no caller can send what the model takes: {', '.join(undeclared[:5])}",
            available=[column.name for column in contract.columns],
            mend="make them inside the pipeline from the contract's columns, or declare them in contract.yaml",
        )
    return wanted


def _notes(given: _Given, columns: Sequence[str]) -> list[str]:
    notes = [] if given.table is None else find_made_columns(given.table, columns)
    set_aside = given.count - len(given.rows)
    if set_aside:
        notes.append(f"{set_aside:,} rows of {given.count:,} broke the contract and were left out at sealing")
    guessed = [column.name for column in given.batch.contract.columns if column.guessed]
    if guessed:
        notes.append(f"the contract of {len(guessed)} columns is guessed from data and confirmed by no person")
    return notes


def _bad_position(model: Any, bad_class: Any | None) -> int:
    classes = getattr(model, "classes_", None)
    if classes is None:
        return 1
    if len(classes) != 2:
        raise SealError(
            f"the model knows {len(classes)} classes: a decision needs one bad outcome",
            available=classes,
            mend="train on bad against not bad",
        )
    words = [str(value).strip().lower() for value in classes]
    if bad_class is not None:
        for i, value in enumerate(classes):
            if value == bad_class or words[i] == str(bad_class).strip().lower():
                return i
        raise SealError(f"bad_class={bad_class!r} is not a class of the model", available=classes)
    found = [i for i, word in enumerate(words) if word in BAD_WORDS]
    if len(found) != 1:
        raise SealError("which class is the bad one is not plain", available=classes, mend="bad_class=...")
    return found[0]


def _compile(
    model: Any,
    native: NativeEngine,
    batch: Batch,
    contract: Contract,
    columns: tuple[str, ...],
    cut_offs: Sequence[float],
) -> tuple[CompiledEngine | None, Parity | None, str]:
    """The compiled engine where it is the model, with the comparison; else None with the reason."""
    try:
        features = start_features(contract, columns)
        estimator = model
        while type(estimator).__name__ == "Pipeline":
            for _, step in estimator.steps[:-1]:
                features = trace(step, features)
            estimator = estimator.steps[-1][1]
        compiled = find_format(estimator).compile_model(estimator, features, native.bad_at == 0)
    except CannotCompile as reason:
        return None, None, str(reason)
    read = tuple(name for name in columns if name in {feature.column for feature in compiled.features})
    plan = build_plan(read, [(feature.column, feature.steps) for feature in compiled.features])
    engine = CompiledEngine(plan, compiled.scorer, compiled.link, compiled.bad_is_first)
    engine.check()
    rows = np.linspace(0, len(batch) - 1, min(COMPARED_ROWS, len(batch))).astype(np.int64)
    given = batch.take(rows)
    hard = make_hard_rows(given, columns, _thresholds(engine))
    parity = _joined(engine, native, given, hard, cut_offs)
    if not parity.holds:
        return None, parity, f"the compiled form differs from the model: {parity.sentence()}"
    return engine, parity, parity.sentence()


def _joined(
    engine: CompiledEngine, native: NativeEngine, given: Batch, hard: Batch, cut_offs: Sequence[float]
) -> Parity:
    both = join_batches(given, hard)
    return compare(engine, both, native.pd(both), hard_rows=len(hard), cut_offs=cut_offs)


def join_batches(first: Batch, second: Batch) -> Batch:
    """Two batches of one contract, one after the other."""
    return Batch(
        contract=first.contract,
        columns={name: np.concatenate([array, second.columns[name]]) for name, array in first.columns.items()},
        application_id=np.concatenate([first.application_id, second.application_id]),
        applicant_id=np.concatenate([first.applicant_id, second.applicant_id]),
        applied_at=np.concatenate([first.applied_at, second.applied_at]),
    )


def _thresholds(engine: CompiledEngine) -> dict[str, NDArray[np.float64]]:
    """The split points of trees on columns that reach them unchanged: the places where a last bit decides."""
    scorer = engine.scorer
    if not isinstance(scorer, Forest):
        return {}
    found: dict[str, NDArray[np.float64]] = {}
    for j, register in enumerate(engine.plan.outputs):
        if register < len(engine.inputs):
            at = (scorer.feature == j) & (scorer.category_begin < 0)
            found[engine.inputs[register]] = np.unique(scorer.threshold[at])
    return found


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


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _environment() -> dict[str, str]:
    found = {"python": python_version(), "machine": machine()}
    for library in RECORDED:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
