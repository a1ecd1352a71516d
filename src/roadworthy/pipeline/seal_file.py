"""Sealing a model of one's own from the command line: an object named by module, or a file written without pickle."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from roadworthy.contract import Contract, infer_contract, read_contract
from roadworthy.errors import SealError
from roadworthy.model import Package, read_model_file, seal
from roadworthy.pipeline.read_labelled import read_labelled

__all__ = ["seal_file"]


def seal_file(
    model: str,
    data: Path,
    *,
    target: str,
    out: Path | None = None,
    name: str | None = None,
    weight: str | None = None,
    cut_offs: Sequence[float] = (),
    bad_class: str | None = None,
    contract: Path | None = None,
    reasons: str = "reference",
    trusted_types: Sequence[str] = (),
) -> tuple[Package, Path]:
    """Seal `model` on the rows of `data` and write the package; returns it with its path."""
    fitted, called = _find_model(model, trusted_types)

    def choose(inputs: pa.Table) -> Contract:
        return read_contract(contract) if contract is not None else infer_contract(inputs, name=name or called)

    labelled = read_labelled(data, choose, target=target, weight=weight)
    package = seal(
        fitted,
        labelled.batch,
        labelled.bad,
        name=name or called,
        weights=labelled.weights,
        cut_offs=cut_offs,
        bad_class=bad_class,
        reasons=reasons,
        trusted_types=trusted_types,
        population=f"{data.name}, n = {len(labelled.batch):,}",
        lineage={"data": labelled.digest, "data_file": data.name},
    )
    path = out if out is not None else Path(f"{package.name}.rw")
    package.save(path)
    return package, path


def _find_model(model: str, trusted_types: Sequence[str]) -> tuple[Any, str]:
    path = Path(model)
    if path.suffix in (".pkl", ".pickle", ".joblib"):
        raise SealError(
            "is a pickle, and reading one runs whatever is in it",
            where=model,
            mend=f"roadworthy convert {model}, which makes a file of it that can be sealed",
        )
    if path.is_file():
        return read_model_file(path, trusted_types), path.stem
    module, colon, name = model.partition(":")
    if not colon:
        raise SealError("there is no such file", where=model, mend="name a model file, or an object as module:object")
    sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise SealError(
            f"{module} cannot be imported: {type(error).__name__}: {error}",
            where=model,
            mend=f"name what `python -c 'import {module}'` can import where you stand",
        ) from error
    finally:
        sys.path.remove("")
    if not hasattr(found, name):
        public = [each for each in vars(found) if not each.startswith("_")]
        raise SealError(f"{module} has no {name}", where=model, available=public)
    return getattr(found, name), name
