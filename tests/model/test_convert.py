"""A pickle is opened in a process apart, without network, which imports what is listed; nothing of it runs here (R10).

Each process takes some seconds to start, so the ordinary run opens a few files and `LONG_TESTS=1` all of them.
"""

from __future__ import annotations

import builtins
import os
import pickle  # noqa: TID251  # files of strangers are made here, and read nowhere
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib  # noqa: TID251  # it makes the files that the command converts
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

from roadworthy.cli import obey
from roadworthy.errors import SealError
from roadworthy.model import convert_pickle, read_model_file
from roadworthy.model.formats.pickled import is_known, list_imports
from roadworthy.testing import make_applications

LONG = pytest.mark.skipif(not os.environ.get("LONG_TESTS"), reason="LONG_TESTS=1 opens every kind of file")


class Calls:
    """A pickle of it calls what it was made with."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


def write(path: Path, content: Any) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    return path


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(SealError) as raised:
        convert_pickle(path, **options)
    assert raised.value.where == str(path)
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    return str(raised.value)


def make_models() -> dict[str, Any]:
    X, bad = make_applications(300, seed=3)
    numbers = X[["age", "amount"]].astype("float64")
    log = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    columns = make_column_transformer((log, ["amount"]), (StandardScaler(), ["age"]), (OneHotEncoder(), ["region"]))
    return {
        "pipeline": make_pipeline(columns, LogisticRegression()).fit(X, bad),
        "forest": RandomForestClassifier(3, max_depth=3, random_state=0).fit(numbers, bad),
        "hist": HistGradientBoostingClassifier(max_iter=3).fit(numbers, bad),
        "lightgbm": LGBMClassifier(n_estimators=3, verbose=-1).fit(numbers, bad),
        "xgboost": XGBClassifier(n_estimators=3).fit(numbers, bad),
    }


@pytest.mark.parametrize(
    "kind", ["pipeline", *(pytest.param(kind, marks=LONG) for kind in ("forest", "hist", "lightgbm", "xgboost"))]
)
def test_a_joblib_file_becomes_a_file_that_is_read_and_answers_the_same(kind: str, tmp_path: Path) -> None:
    model, path = make_models()[kind], tmp_path / "model.joblib"
    joblib.dump(model, path, compress=("zlib", 3) if kind == "pipeline" else 0)
    made = convert_pickle(path)
    assert made.path == tmp_path / "model.skops"
    assert made.model == f"{type(model).__module__}.{type(model).__name__}"
    assert made.types == ()
    assert f"{type(model).__module__}.{type(model).__name__}" in {*made.imports, made.model}
    X, _ = make_applications(50, seed=4)
    asked = X if kind == "pipeline" else X[["age", "amount"]].astype("float64")
    np.testing.assert_array_equal(read_model_file(made.path).predict_proba(asked), model.predict_proba(asked))


@LONG
def test_a_plain_pickle_of_a_booster_becomes_the_library_s_own_file(tmp_path: Path) -> None:
    models = make_models()
    for name, suffix, booster in (
        ("light", ".txt", models["lightgbm"].booster_),
        ("x", ".ubj", models["xgboost"].get_booster()),
    ):
        made = convert_pickle(write(tmp_path / f"{name}.pkl", booster))
        assert made.path == tmp_path / f"{name}{suffix}"
        assert type(read_model_file(made.path)) is type(booster)
    with pytest.raises(SealError, match="is there already"):
        convert_pickle(tmp_path / "light.pkl")
    with pytest.raises(SealError, match=r"which is stored as \.ubj"):
        convert_pickle(tmp_path / "x.pkl", tmp_path / "x.skops")


RAN = "ran"


def attacks(trap: Path) -> dict[str, Any]:
    touch = f"open({str(trap)!r}, 'w').close()"
    return {
        "posix.system": Calls(os.system, f"touch {trap}"),
        "builtins.exec": Calls(exec, touch),
        "builtins.eval": Calls(eval, touch),
        "io.open": Calls(open, str(trap), "w"),
        "builtins.getattr": Calls(getattr, "", "join"),
        "subprocess.Popen": Calls(subprocess.Popen, ["touch", str(trap)]),
        "socket.create_connection": Calls(socket.create_connection, ("127.0.0.1", 9)),
        "pathlib.Path.touch": Calls(Path.touch, trap),
        "_pickle.loads": Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch {trap}"))),
        "joblib.numpy_pickle.load": Calls(joblib.load, str(trap)),
        "numpy.load": b"\x80\x04\x8c\x05numpy\x8c\x04load\x93\x8c\x01x\x85R.",
        "numpy.testing._private.utils.runstring": (
            b"cnumpy.testing._private.utils\nrunstring\n(V" + touch.encode() + b"\n}tR."
        ),
        "sklearn.utils.os.system": b"\x80\x04\x8c\rsklearn.utils\x8c\tos.system\x93\x8c\x04true\x85R.",
        "sklearn.datasets._base.load_files": b"csklearn.datasets._base\nload_files\n(V/etc\ntR.",
        "lightgbm.basic._load_lib": b"clightgbm.basic\n_load_lib\n(tR.",
    }


def test_what_is_on_no_list_is_named_and_never_runs_anywhere(tmp_path: Path) -> None:
    trap = tmp_path / RAN
    for name, attack in attacks(trap).items():
        found = list_apart(attack if isinstance(attack, bytes) else pickle.dumps(attack))
        assert (name, False) in found, (name, found)
        assert not trap.exists(), name


def test_what_would_import_anything_else_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    trap = tmp_path / RAN
    path = write(tmp_path / "model.pkl", [Calls(os.system, f"touch {trap}"), Calls(exec, "1"), LogisticRegression()])
    said = refusal(path)
    assert "reading it would import what is on no list: posix.system, builtins.exec" in said
    assert "--trust posix.system,builtins.exec" in said
    assert not trap.exists()


def list_apart(content: bytes) -> list[tuple[str, bool]]:
    """What the process apart would say, asked here: nothing that is named is imported or run by it."""
    with TemporaryDirectory() as folder:
        return [(name, is_known(*name.rsplit(".", 1))) for name in list_imports(write(Path(folder, "x.pkl"), content))]


def test_an_array_of_objects_within_a_joblib_file_is_read_by_the_same_rules(tmp_path: Path) -> None:
    """joblib itself reads such an array with a reader of its own, which finds anything."""
    trap, path = tmp_path / RAN, tmp_path / "model.joblib"
    joblib.dump([np.array([1.5, 2.5]), np.array([Calls(os.system, f"touch {trap}")], dtype=object)], path)
    assert "posix.system" in refusal(path)
    assert not trap.exists()
    joblib.load(path)  # the trap does work
    assert trap.exists()


def test_what_is_trusted_runs_apart_and_still_has_neither_programs_nor_network_nor_files(tmp_path: Path) -> None:
    trap = tmp_path / RAN
    for attack, name, said in (
        (Calls(os.system, f"touch {trap}"), "posix.system", "reading it would os.system"),
        (Calls(open, str(trap), "w"), "io.open", f"reading it would write {trap}"),
        (Calls(socket.socket), "socket.socket", "reading it would socket.__new__"),
        (Calls(os.abort), "posix.abort", "ends by signal 6"),
    ):
        path = write(tmp_path / "model.pkl", attack)
        assert said in refusal(path, trusted=[name])
        assert not trap.exists()


def test_a_class_from_a_notebook_is_said_with_the_mend(tmp_path: Path) -> None:
    path = write(tmp_path / "model.pkl", b"c__main__\nRatio\n)\x81.")
    assert "put it into a module, and store the model again" in refusal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", None),
        (b"age,bad\n41,0\n", None),
        (pickle.dumps(list(range(100)))[:-9], None),
        (b"\x80\x04\x8c\x02os\x8c\x04join\x93(\x8c\x01atR\x8c\x06system\x93.", "STACK_GLOBAL requires str"),
        (b"\x80\x04X\xff\xff\xff\x7fa.", None),
        (b"\x80\x02Pos.system\n.", "refers to something outside itself"),
    ],
    ids=range(6),
)
def test_what_is_no_sound_pickle_is_refused(content: bytes, message: str | None) -> None:
    with pytest.raises(Exception, match=message) as raised:
        list_apart(content)
    assert not isinstance(raised.value, (SystemError, MemoryError))


@pytest.mark.parametrize(
    "content", [b"age,bad\n41,0\n", pytest.param(b"]" * 300_000 + b"a" * 299_999 + b".", marks=LONG)]
)
def test_a_file_that_cannot_be_read_is_said_without_a_traceback(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "model.pkl", content)
    with pytest.raises(SealError, match=r"cannot be read|nested too deeply|whatever reads it ends"):
        convert_pickle(path)


@LONG
def test_a_packed_file_that_unpacks_without_end_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "bomb.joblib"
    joblib.dump(np.zeros(200_000_000, dtype=np.uint8), path, compress=("zlib", 9))
    assert path.stat().st_size < 1_000_000
    assert convert_pickle(path).model == "numpy.ndarray"  # large, and within what the process may have
    missing = tmp_path / "absent.pkl"
    with pytest.raises(SealError, match="there is no such file"):
        convert_pickle(missing)


def test_the_command_lists_and_converts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(make_models()["forest"], path)
    assert obey(["convert", str(path), "--only-list"]) == 0
    assert "known            sklearn.ensemble._forest.RandomForestClassifier" in capsys.readouterr().out
    assert obey(["convert", str(path)]) == 0
    assert "next: roadworthy seal" in capsys.readouterr().out
    assert obey(["convert", str(write(tmp_path / "evil.pkl", Calls(builtins.eval, "1")))]) == 3
    assert "builtins.eval" in capsys.readouterr().err


def test_nothing_of_the_kind_is_loaded_where_models_are_sealed_or_decide() -> None:
    code = "import sys, roadworthy.app; print('roadworthy.model.formats.pickled' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
