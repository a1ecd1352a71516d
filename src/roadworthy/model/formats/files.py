"""Model files that their libraries wrote without pickle."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from roadworthy.errors import MissingExtra, PackageError, SealError
from roadworthy.model.formats.apart import do_apart
from roadworthy.model.formats.stored import load_native

__all__ = ["READERS", "read_model_file"]


def read_model_file(path: Path) -> Any:
    """A model from .skops, LightGBM's .txt, or XGBoost's .json or .ubj; SealError for anything else."""
    reader = READERS.get(path.suffix)
    if reader is None:
        raise SealError("is not a kind of model file that is read", where=path, available=READERS)
    if not path.is_file():
        raise SealError("there is no such file", where=path)
    if reader is not _read_skops:
        with TemporaryDirectory() as folder:  # a library that a damaged file makes crash does so elsewhere first
            do_apart("try", path, Path(folder))
    return reader(path)


def _read_skops(path: Path) -> Any:
    try:
        return load_native(path.read_bytes())
    except PackageError as error:
        raise SealError(error.message, where=path) from None


def _read_lightgbm(path: Path) -> Any:
    try:
        import lightgbm
    except ImportError:
        raise MissingExtra.of("lightgbm", "boosters") from None
    try:
        return lightgbm.Booster(model_file=str(path))
    except lightgbm.basic.LightGBMError as error:
        raise SealError(f"is not a LightGBM model: {error}", where=path) from None


def _read_xgboost(path: Path) -> Any:
    try:
        import xgboost
    except ImportError:
        raise MissingExtra.of("xgboost", "boosters") from None
    booster = xgboost.Booster()
    try:
        booster.load_model(str(path))
    except xgboost.core.XGBoostError as error:
        raise SealError(f"is not an XGBoost model: {str(error).splitlines()[0]}", where=path) from None
    return booster


READERS = {".skops": _read_skops, ".txt": _read_lightgbm, ".json": _read_xgboost, ".ubj": _read_xgboost}
