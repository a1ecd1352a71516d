"""The original model as bytes without pickle, and back: nothing but types on a list is ever constructed."""

from __future__ import annotations

import io
import stat
import sys
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from roadworthy.errors import MissingExtra, PackageError, SealError
from roadworthy.model.formats.stored_boosters import check_boosters

__all__ = ["TRUSTED_TYPES", "dump_native", "load_native"]

TRUSTED_TYPES = (
    "catboost.core.CatBoost",
    "catboost.core.CatBoostClassifier",
    "collections.OrderedDict",
    "collections.defaultdict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.impute._iterative._ImputerTriplet",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
"""Beside the types that skops itself trusts. Compiled code walks a tree's arrays, so they are checked on load."""
_LIBRARIES = ("sklearn", "scipy", "numpy", "pandas")
_MOST_ENTRIES = 100_000
_LARGEST_UNPACKED = 2**31
_LARGEST_RATIO = 100
_SMALL = 2**20


def dump_native(model: Any, trusted_types: Sequence[str] = ()) -> bytes:
    """The model as skops bytes; SealError where it holds types that a server would not construct."""
    skops = _skops()
    try:
        content: bytes = skops.dumps(model)
    except Exception as error:  # noqa: BLE001  # skops raises many kinds for what it cannot write
        raise SealError(f"the model cannot be stored without pickle: {error}") from None
    held = set(skops.get_untrusted_types(data=content)) - set(TRUSTED_TYPES)
    homeless = sorted(name for name in held if not _can_be_imported(name))
    if homeless:
        raise SealError(
            f"the model holds {', '.join(homeless[:5])}, which no other process can import: defined in a notebook, "
            "in a script or within a function",
            mend="move it under a name of its own into a module that is installed where decisions are made, import "
            "it from there, fit again, and list it in trusted_types",
        )
    unknown = sorted(held - set(trusted_types))
    if unknown:
        libraries = all(name.partition(".")[0] in _LIBRARIES for name in unknown)
        raise SealError(
            f"the model holds types that are not trusted: {', '.join(unknown[:5])}",
            mend="choose a step or setting that needs none of them: their compiled code would read memory as a "
            "package says (KNeighborsClassifier has algorithm='brute')"
            if libraries
            else f"if they are this deployment's own: trusted_types={unknown[:5]!r} (--trust {','.join(unknown[:5])}), "
            "there and wherever it is loaded",
        )
    return content


def _can_be_imported(name: str) -> bool:
    """Whether another process finds `module.name`; what is defined in __main__ or in a function it does not."""
    module, _, attribute = name.rpartition(".")
    return module != "__main__" and hasattr(sys.modules.get(module), attribute)


def load_native(content: bytes, trusted_types: Sequence[str] = (), *, first_apart: bool = True) -> Any:
    """The model from skops bytes; PackageError where it is not one, or holds what is not trusted.

    What only a booster's own library can read is read in a process apart first, unless this is one.
    """
    skops = _skops()
    _check_container(content)
    try:
        types = frozenset(skops.get_untrusted_types(data=content))
    except Exception as error:  # noqa: BLE001  # anything odd in a package is a package error
        raise PackageError(f"the original model cannot be read: {error}") from None
    if types <= {*TRUSTED_TYPES, *trusted_types}:  # else it is refused in a moment
        check_boosters(content, types, trusted_types, first_apart=first_apart)
    try:
        model = skops.loads(content, trusted=[*TRUSTED_TYPES, *trusted_types])
    except Exception as error:  # noqa: BLE001  # anything odd in a package is a package error
        odd = isinstance(error, skops.exceptions.UntrustedTypesFoundException)
        raise PackageError(
            f"the original model cannot be read: {error}",
            mend="if they are this deployment's own: trusted_types, or --trust NAMES" if odd else None,
        ) from None
    try:
        for tree, width in _find_trees(model, None, set()):
            _check_tree(tree, width)
    except PackageError:
        raise
    except RecursionError:
        raise PackageError("the original model is nested too deeply") from None
    except Exception as error:  # noqa: BLE001  # whatever its attributes are instead of a tree's
        raise PackageError(f"a tree of the original model is none: {error}") from None
    return model


def _check_container(content: bytes) -> None:
    """Refuse a container that would unpack to far more than it is, or whose entries are not plain files of one name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except Exception as error:  # noqa: BLE001  # what zipfile raises on odd bytes is of many kinds
        raise PackageError(f"the original model cannot be read: {error}") from None
    if len(entries) > _MOST_ENTRIES:
        raise PackageError(f"the original model has {len(entries):,} entries")
    names = [entry.filename for entry in entries]
    for entry in entries:
        called = f"{entry.filename[:80]!r} of the original model"
        if entry.flag_bits & 1:
            raise PackageError(f"{called} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PackageError(f"{called} is compressed in a way that is not read")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PackageError(f"{called} is a symbolic link")
        if entry.filename.startswith("/") or "\\" in entry.filename or ".." in entry.filename.split("/"):
            raise PackageError(f"{called} has a name that leads out of the package")
        if entry.file_size > _SMALL and entry.file_size > _LARGEST_RATIO * entry.compress_size:
            raise PackageError(f"{called} says it unpacks to {entry.file_size:,} bytes of {entry.compress_size:,}")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise PackageError(f"{twice[:80]!r} of the original model is there twice")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > min(_LARGEST_UNPACKED, _SMALL + _LARGEST_RATIO * len(content)):
        raise PackageError(f"the original model says it unpacks to {unpacked:,} bytes")


def _find_trees(holder: Any, limit: int | None, seen: set[int]) -> Iterator[tuple[Any, int]]:
    """Every scikit-learn tree within a model, with the number of features that its owner is given at least."""
    if id(holder) in seen or isinstance(holder, (str, bytes, int, float, np.generic)):
        return
    seen.add(id(holder))
    kind = type(holder)
    if kind.__name__ in ("Tree", "TreePredictor") and kind.__module__.startswith("sklearn."):
        yield holder, limit or 0
    elif isinstance(holder, (list, tuple)) or (isinstance(holder, np.ndarray) and holder.dtype == object):
        for each in np.ravel(holder) if isinstance(holder, np.ndarray) else holder:
            yield from _find_trees(each, limit, seen)
    elif isinstance(holder, dict):
        for each in holder.values():
            yield from _find_trees(each, None, seen)
    elif not isinstance(holder, np.ndarray):
        fields = getattr(holder, "__dict__", {})
        own: int | None = fields.get("n_features_in_", limit)
        if own is not None and not isinstance(own, (int, np.integer)):
            raise PackageError("the original model does not say in a whole number how many columns it takes")
        width = own if own is None or limit is None else min(own, limit)
        for name, each in fields.items():
            # An ensemble checks its rows once and hands them to its members as they are.
            yield from _find_trees(each, width if name in ("estimators_", "tree_", "_predictors") else None, seen)


def _check_tree(tree: Any, width: int) -> None:
    """Refuse a tree that reads more than `width` features, or whose nodes lead outside it or round in a circle."""
    if type(tree).__name__ == "Tree":
        if not 0 < tree.node_count <= tree.capacity:
            raise PackageError("a tree of the original model leads outside itself")
        left, right, feature = tree.children_left, tree.children_right, tree.feature
        inner = left != -1
    else:
        nodes = tree.nodes
        left, right, feature = (nodes[name].astype(np.int64) for name in ("left", "right", "feature_idx"))
        inner = nodes["is_leaf"] == 0
        by_set = inner & (nodes["is_categorical"] != 0)
        if np.any(nodes["bitset_idx"][by_set] >= len(tree.raw_left_cat_bitsets)):
            raise PackageError("a tree of the original model leads outside itself")
    here, size = np.flatnonzero(inner), len(left)
    for child in (left[inner], right[inner]):
        if np.any(child <= here) or np.any(child >= size):
            raise PackageError("a tree of the original model leads outside itself")
    if np.any(feature[inner] < 0) or np.any(feature[inner] >= width):
        raise PackageError("a tree of the original model reads more columns than there are")


def _skops() -> Any:
    try:
        import skops.io  # loads on use
    except ImportError:
        raise MissingExtra.of("skops", "train") from None
    return skops.io
