"""The process apart: one file of a stranger's, one task, one line of JSON. Started by `apart.py`.

`list FILE` says what a pickle would import; `make FILE FOLDER NAME...` stores the object in it without pickle, in
FOLDER; `try FILE FOLDER NAME...` reads a booster's file with its library, asks it once, and has what else reads it do
so too; a model stored without pickle it reads with the boosters in it.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from roadworthy.guard import Forbidden, give_up, leave_network, limit_resources

__all__ = ["main"]

_WIDEST = 100_000
_TEXT = 8
"""What ONNX calls text."""


def main(arguments: Sequence[str]) -> None:
    """Do the task, and say what came of it."""
    task, file, folder, *trusted = arguments
    # What a library prints goes nowhere; the answer alone leaves.
    answer = os.dup(1)
    os.dup2(2, 1)
    leave_network()
    limit_resources()
    path, place = Path(file).resolve(), Path(folder)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            said = _TASKS[task](path, place, trusted)
        said["warnings"] = sorted({str(warning.message)[:300] for warning in warned})[:5]
    except Forbidden as tried:
        said = {"forbidden": str(tried)[:200]}
    except RecursionError:
        said = {"fault": "it is nested too deeply"}
    except MemoryError:
        said = {"fault": "it takes more memory than there is for it"}
    except Exception as fault:  # noqa: BLE001  # a stranger's file may raise anything
        said = {"fault": f"{type(fault).__name__}: {fault}"[:300]}
    os.write(answer, json.dumps(said).encode())


def _list(path: Path, folder: Path, _: Sequence[str]) -> dict[str, Any]:
    from roadworthy.model.formats.pickled import is_known, list_imports

    found = list_imports(path)
    _load_libraries(found)
    give_up(folder)
    return {"imports": [[name, is_known(*name.rsplit(".", 1))] for name in found]}


def _make(path: Path, folder: Path, trusted: Sequence[str]) -> dict[str, Any]:
    """What it would import; and only where all of that is known or trusted, the object in it."""
    from roadworthy.model.formats.pickled import read_pickle
    from roadworthy.model.formats.stored import TRUSTED_TYPES

    import_module("skops.io")
    _load_trusted(trusted)
    listed = _list(path, folder, ())
    if any(not known and name not in trusted for name, known in listed["imports"]):
        return listed
    import skops.io

    model = read_pickle(path, trusted)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if kind == "lightgbm.basic.Booster":
        content, suffix = model.model_to_string().encode(), ".txt"
    elif kind == "xgboost.core.Booster":
        content, suffix = bytes(model.save_raw("ubj")), ".ubj"
    else:
        content, suffix = skops.io.dumps(model), ".skops"
    (folder / f"model{suffix}").write_bytes(content)
    others = set(skops.io.get_untrusted_types(data=content)) - {*TRUSTED_TYPES} if suffix == ".skops" else set()
    return listed | {"model": kind, "file": f"model{suffix}", "types": sorted(others)[:50]}


def _try(path: Path, folder: Path, trusted: Sequence[str]) -> dict[str, Any]:
    if path.suffix == ".skops":
        return _try_stored(path, folder, trusted)
    import numpy as np

    from roadworthy.model.formats.boosters import load_booster
    from roadworthy.model.formats.feature import CannotCompile
    from roadworthy.model.formats.files import library_of, read_here

    library = library_of(path)
    for name in (library, "onnxruntime" if library == "onnx" else "treelite"):
        with suppress(ImportError):
            import_module(name)
    give_up(folder)
    model = read_here(path)
    if library == "onnx":
        kinds = [kind for _, kind, width in model.inputs for _ in range(min(width, _WIDEST))]
        model.predict_proba([["0" if kind == _TEXT else 0.0 for kind in kinds]])
        return {}
    if library == "catboost":
        words = set(model.get_cat_feature_indices())
        model.predict_proba([["0" if i in words else 0.0 for i in range(min(len(model.feature_names_), _WIDEST))]])
        return {}
    width = model.num_feature() if hasattr(model, "num_feature") else model.num_features()
    rows: Any = np.zeros((2, min(int(width), _WIDEST)))
    if library == "xgboost":
        import xgboost

        rows = xgboost.DMatrix(rows, feature_names=model.feature_names, feature_types=model.feature_types)
    model.predict(rows)
    with suppress(CannotCompile):
        load_booster(model)
    return {}


def _try_stored(path: Path, folder: Path, trusted: Sequence[str]) -> dict[str, Any]:
    import numpy as np
    import skops.io

    from roadworthy.model.formats.stored import load_native

    import_module("joblib").cpu_count(only_physical_cores=True)  # asks another program, once
    _load_trusted(trusted)
    content = path.read_bytes()
    _load_libraries([*skops.io.get_untrusted_types(data=content), "sklearn.", "scipy."])
    give_up(folder)
    model = load_native(content, trusted, first_apart=False)
    with suppress(Exception):  # rows of other columns than it was fitted on; what matters is that nothing dies
        model.predict_proba(np.zeros((2, min(int(model.n_features_in_), _WIDEST))))
    return {}


def _load_trusted(names: Sequence[str]) -> None:
    """The modules of a deployment's own types, from where it keeps them."""
    if names:
        sys.path.insert(0, "")
    for name in names:
        with suppress(ImportError):  # then reading it fails, and says so
            import_module(name.rpartition(".")[0])


def _load_libraries(names: Sequence[str]) -> None:
    """The libraries among `names` that bring compiled code of their own: none is loaded once a file is read."""
    for library in ("catboost", "lightgbm", "scipy.sparse", "sklearn.ensemble", "sklearn.pipeline", "xgboost"):
        if any(name.startswith(library.partition(".")[0] + ".") for name in names):
            with suppress(ImportError):
                import_module(library)


_TASKS = {"list": _list, "make": _make, "try": _try}

if __name__ == "__main__":
    main(sys.argv[1:])
