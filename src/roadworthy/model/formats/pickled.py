"""A pickle or joblib file as the process sees it that may open one: what it would import, and then the object in it.

Only ever run by `inside.py`, in a process of its own. To read a pickle is to run what it names, so first it is read
with everything it names replaced by something that does nothing; and when it is read in earnest, nothing is found but
what is on the list below and what a person has named.
"""

from __future__ import annotations

import pickle  # noqa: TID251  # the one place that may, in a process apart
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from joblib import numpy_pickle  # noqa: TID251  # the one place that may

__all__ = ["is_known", "list_imports", "read_pickle"]

_PLAIN = {
    "builtins": {
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range", "set",
        "slice", "str", "tuple",
    },
    "_codecs": {"encode"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor", "__newobj__"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "functools": {"partial"},
    "joblib.numpy_pickle": {"NumpyArrayWrapper"},
    "lightgbm.basic": {"Booster"},
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy.random._mt19937": {"MT19937"},
    "numpy.random._pcg64": {"PCG64"},
    "numpy.random._pickle": {"__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"},
    "scipy.interpolate._interpolate": {"interp1d"},
    "sklearn.utils.validation": {"check_array"},
    "xgboost.core": {"Booster"},
}  # fmt: skip
"""Neither calls what it is given nor reads a file."""
_LIBRARIES = ("catboost", "lightgbm", "numpy", "scipy", "sklearn", "xgboost")
_REAL = {"joblib.numpy_pickle.NumpyArrayWrapper", "numpy.dtype", "numpy.ndarray"}
"""What has to be itself even in the first reading: joblib's arrays lie between the instructions; these skip them."""
_NOT_FOR_USE = {"__main__", "conftest", "setup", "testing", "tests", "_testing", "f2py", "distutils"}


class NotOnList(Exception):
    """Something a pickle names that is neither on the list nor named by a person."""


def is_known(module: str, name: str) -> bool:
    """Whether `module.name` is on the list: plain values, and the classes of the libraries that models are made of.

    Of the libraries only classes (estimators, and what they keep) and NumPy's own functions of numbers count, each
    under the module that it was defined in: none of the functions of a library, which may open files or run text.
    """
    if name in _PLAIN.get(module, ()):
        return True
    path = module.split(".")
    if path[0] not in _LIBRARIES or "." in name or _NOT_FOR_USE & set(path):
        return False
    try:
        found = getattr(import_module(module), name)
    except Exception:  # noqa: BLE001  # what cannot be had is not on the list
        return False
    if path[0] == "numpy":
        return isinstance(found, np.ufunc) or (isinstance(found, type) and issubclass(found, np.generic))
    if not isinstance(found, type) or found.__module__ != module:
        return False
    return path[0] == "sklearn" or module.startswith("scipy.sparse") or _is_estimator(found)


def _is_estimator(kind: type) -> bool:
    from sklearn.base import BaseEstimator

    return issubclass(kind, BaseEstimator) or kind.__module__.startswith("catboost.")


class _Nothing:
    """Stands for whatever a pickle names: it takes everything and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> _Nothing:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> _Nothing:
        return _Nothing()

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, *_: Any) -> None:
        pass

    append = extend = add = update = __call__


class _Reader(numpy_pickle.NumpyUnpickler, ABC):  # type: ignore[misc]  # joblib ships no types
    """joblib's reader, which reads plain pickles too, with the arrays of objects read by the same rules."""

    dispatch = numpy_pickle.NumpyUnpickler.dispatch.copy()

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"it refers to something outside itself: {str(pid)[:60]!r}")

    def load_build(self) -> None:
        holder = self.stack[-2] if len(self.stack) > 1 else None
        state = self.stack[-1]
        if type(holder) is numpy_pickle.NumpyArrayWrapper and isinstance(state, dict):
            dtype = state.get("dtype")
            if isinstance(dtype, np.dtype) and dtype.hasobject:
                # joblib would read these with a reader of its own, which finds anything.
                self.stack.pop()
                self.stack.pop()
                self.stack.append(self.again().load())
                return
            if not isinstance(dtype, np.dtype) or state.get("subclass") is not np.ndarray:
                raise pickle.UnpicklingError("it holds an array that is no plain one")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build

    @abstractmethod
    def again(self) -> _Reader:
        """One that reads on by the same rules where this one is."""


class _Lister(_Reader):
    def __init__(self, file: Any, found: dict[str, None]) -> None:
        super().__init__("", file, ensure_native_byte_order=False)
        self.found = found

    def find_class(self, module: str, name: str) -> Any:
        if type(module) is not str or type(name) is not str:
            raise pickle.UnpicklingError("it makes up what it imports while it is read")
        self.found[f"{module}.{name}"] = None
        if f"{module}.{name}" in _REAL:
            return getattr(import_module(module), name)
        return type("Nothing", (_Nothing,), {})

    def again(self) -> _Lister:
        return _Lister(self.file_handle, self.found)


class _Maker(_Reader):
    def __init__(self, file: Any, trusted: Collection[str]) -> None:
        super().__init__("", file, ensure_native_byte_order=True)
        self.trusted = trusted

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in self.trusted and not is_known(module, name):
            raise NotOnList(f"{module}.{name}")
        return super().find_class(module, name)

    def again(self) -> _Maker:
        return _Maker(self.file_handle, self.trusted)


def list_imports(path: Path) -> list[str]:
    """Every `module.name` that reading the file would import, in order; nothing of it is imported or run."""
    found: dict[str, None] = {}
    with _opened(path) as file:
        _Lister(file, found).load()
    return list(found)


def read_pickle(path: Path, trusted: Collection[str] = ()) -> Any:
    """The object in the file; NotOnList for what is neither known nor named in `trusted`."""
    with _opened(path) as file:
        return _Maker(file, trusted).load()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, unpacked as it is read where joblib packed it."""
    with path.open("rb") as raw, numpy_pickle._validate_fileobject_and_memmap(raw, str(path), None) as (file, _):
        if isinstance(file, str):
            raise pickle.UnpicklingError("it is of a joblib before 0.10, whose arrays are files of their own")
        yield file
