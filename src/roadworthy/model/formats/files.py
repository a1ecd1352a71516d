"""Model files that their libraries wrote without pickle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from roadworthy.errors import MissingExtra, PackageError, SealError
from roadworthy.model.formats.apart import do_apart
from roadworthy.model.formats.lightgbm_text import check_lightgbm_text
from roadworthy.model.formats.stored import load_native

__all__ = ["find_model", "library_of", "read_here", "read_model_file"]

_LIBRARIES = {".skops": "skops", ".txt": "lightgbm", ".ubj": "xgboost", ".cbm": "catboost", ".onnx": "onnx"}
SUFFIXES = (*_LIBRARIES, ".json")
_PICKLED = (".pkl", ".pickle", ".joblib")


def read_model_file(path: Path, trusted_types: Sequence[str] = ()) -> Any:
    """A model from .skops, LightGBM's .txt, XGBoost's .json or .ubj, CatBoost's .cbm or .json, .onnx; or SealError.

    `trusted_types` are the deployment's own classes that a .skops file may hold.
    """
    if path.suffix not in SUFFIXES:
        mend = f"roadworthy convert {path}" if path.suffix in _PICKLED else None
        raise SealError("is not a kind of model file that is read", where=path, available=SUFFIXES, mend=mend)
    if not path.is_file():
        raise SealError("there is no such file", where=path)
    if library_of(path) == "lightgbm":
        check_lightgbm_text(path.read_bytes(), path)
    if path.suffix != ".skops":
        with TemporaryDirectory() as folder:  # a library that a damaged file makes crash does so elsewhere first
            do_apart("try", path, Path(folder))
    return read_here(path, trusted_types)


def find_model(model: Any, trusted_types: Sequence[str] = ()) -> Any:
    """`model` itself; the model in a file where it is a path; ONNX's own object as one that can be asked."""
    if isinstance(model, (str, Path)):
        return read_model_file(Path(model), trusted_types)
    if type(model).__name__ == "ModelProto" and type(model).__module__.partition(".")[0] == "onnx":
        from roadworthy.model.formats.onnx_file import read_onnx

        return read_onnx(model.SerializeToString())
    return model


def library_of(path: Path) -> str:
    """The library that wrote a file, by its ending, and for .json by what it names."""
    return _LIBRARIES.get(path.suffix) or ("catboost" if _has_features_info(path) else "xgboost")


def read_here(path: Path, trusted_types: Sequence[str] = ()) -> Any:
    """The model in a file, read by its library in this process; SealError where it is none."""
    library = library_of(path)
    if library == "skops":
        return _read_skops(path, trusted_types)
    readers = {
        "onnx": _read_onnx,
        "lightgbm": _read_lightgbm,
        "xgboost": _read_xgboost,
        "catboost": _read_catboost,
    }
    return readers[library](path)


class _Names(msgspec.Struct):
    """What a CatBoost model names first, and an XGBoost one never does."""

    features_info: msgspec.Raw


def _has_features_info(path: Path) -> bool:
    try:
        msgspec.json.decode(path.read_bytes(), type=_Names)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _read_skops(path: Path, trusted_types: Sequence[str]) -> Any:
    try:
        return load_native(path.read_bytes(), tuple(trusted_types))
    except PackageError as error:
        raise SealError(error.message, where=path, mend=error.mend) from None


def _read_lightgbm(path: Path) -> Any:
    try:
        import lightgbm
    except ImportError:
        raise MissingExtra.of("lightgbm", "boosters") from None
    check_lightgbm_text(path.read_bytes(), path)  # its reader trusts whatever it is given
    try:
        return lightgbm.Booster(model_file=str(path))
    except (lightgbm.basic.LightGBMError, ValueError) as error:  # also what its parameters give where they are no JSON
        raise SealError(f"is not a LightGBM model: {error}", where=path) from None


def _read_xgboost(path: Path) -> Any:
    try:
        import xgboost
    except ImportError:
        raise MissingExtra.of("xgboost", "boosters") from None
    booster = xgboost.Booster()
    try:
        booster.load_model(str(path))
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:  # its own message may quote the file's bytes
        raise SealError(f"is not an XGBoost model: {str(error).splitlines()[0]}", where=path) from None
    return booster


def _read_onnx(path: Path) -> Any:
    from roadworthy.model.formats.onnx_file import LARGEST, read_onnx

    if path.stat().st_size > LARGEST:
        raise SealError(f"has {path.stat().st_size:,} bytes, and {LARGEST:,} is the most", where=path)
    return read_onnx(path.read_bytes(), path)


def _read_catboost(path: Path) -> Any:
    try:
        import catboost
    except ImportError:
        raise MissingExtra.of("catboost", "boosters") from None
    model = catboost.CatBoostClassifier()
    try:
        model.load_model(str(path), format=path.suffix.removeprefix("."))
        classes = len(model.classes_)
    except (catboost.CatBoostError, ValueError, KeyError, TypeError) as error:
        raise SealError(f"is not a CatBoost classifier: {str(error).splitlines()[0][:200]}", where=path) from None
    if not classes:
        raise SealError("is a CatBoost model, and no classifier", where=path, mend="train with loss_function='Logloss'")
    return model
