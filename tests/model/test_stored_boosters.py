"""A native package with a booster in it: what its library reads is checked first, and read apart first (R29)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from roadworthy.errors import PackageError, SealError
from roadworthy.model.formats import stored_boosters
from roadworthy.model.formats.stored import dump_native, load_native


def rows() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    X = np.random.default_rng(0).normal(size=(200, 3))
    return X, X[:, 0] > 0


def stored_lightgbm() -> bytes:
    return dump_native(lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1).fit(*rows()))


def stored_xgboost() -> bytes:
    return dump_native(xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(*rows()))


def changed(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The container, whose schema's one booster was changed; every checksum is right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(entries["schema.json"])
    change(schema["content"]["content"]["_Booster"]["content"])
    entries["schema.json"] = json.dumps(schema).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return stream.getvalue()


def in_text(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        text = state["content"]["_handle"]
        assert old in text["content"]
        text["content"] = text["content"].replace(old, new, 1)

    return change


def rename(state: dict[str, Any]) -> None:
    state["content"]["handle"] = state["content"].pop("_handle")


def no_text(state: dict[str, Any]) -> None:
    state["content"]["_handle"]["content"] = "7"


def half_a_letter(state: dict[str, Any]) -> None:
    state["content"]["_handle"]["content"] = '"tree\ud800"'


def other_loader(state: dict[str, Any]) -> None:
    state["content"]["_handle"]["__loader__"] = "ListNode"


def not_there(state: dict[str, Any]) -> None:
    del state["content"]["_handle"]


@pytest.mark.parametrize("make", [stored_lightgbm, stored_xgboost])
def test_a_stored_booster_comes_back_and_answers_as_before(make: Callable[[], bytes]) -> None:
    X, _ = rows()
    content = make()
    again = load_native(content)
    assert load_native(content, first_apart=False).predict_proba(X).tolist() == again.predict_proba(X).tolist()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (in_text("num_cat=0", "um_cat=0"), "tree 0: 'um_cat=0' is no line of a tree"),
        (in_text("split_feature=0", "split_feature=7"), "tree 0: split_feature has 7"),
        (rename, "not stored as skops stores one"),
        (no_text, "not stored as skops stores one"),
        (half_a_letter, "not stored as skops stores one"),
        (other_loader, "cannot be read"),
        (not_there, "not stored as skops stores one"),
    ],
)
def test_lightgbm_sees_no_text_that_does_not_fit(
    change: Callable[[dict[str, Any]], None], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = changed(stored_lightgbm(), change)
    monkeypatch.setattr(lightgbm.Booster, "__setstate__", lambda *_: pytest.fail("LightGBM was asked"))
    with pytest.raises(PackageError, match=says):
        load_native(content)


def test_what_dies_apart_is_not_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    content = stored_xgboost()
    monkeypatch.setattr(xgboost.Booster, "__setstate__", lambda *_: pytest.fail("XGBoost was asked"))

    def die(task: str, path: object, folder: object, names: object) -> None:
        raise SealError(f"whatever does {task} ends by signal 11", where=path)

    monkeypatch.setattr(stored_boosters, "do_apart", die)
    with pytest.raises(PackageError, match="whatever does try ends by signal 11"):
        load_native(content)
    plain = dump_native(LogisticRegression().fit(*rows()))
    assert load_native(plain).n_features_in_ == 3  # no booster, so no process


def test_bytes_that_are_no_booster_are_refused_in_words() -> None:
    """Read apart by XGBoost itself."""
    with zipfile.ZipFile(io.BytesIO(stored_xgboost())) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, b"{}" if name.endswith(".bin") else entry)
    with pytest.raises(PackageError, match="the original model cannot be read"):
        load_native(stream.getvalue())
