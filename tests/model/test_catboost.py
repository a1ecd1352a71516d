"""CatBoost's models answer from our arrays to the bit, or say why not; its files are read as strangers' (R9)."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import SealError
from roadworthy.model import Package, load_bytes, read_model_file, seal
from roadworthy.model.compiling import NOT_AS_KNOWN
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.formats.catboost_json import read_catboost
from roadworthy.model.formats.city_hash import category_number, city_hash
from roadworthy.model.formats.feature import CannotCompile
from roadworthy.model.formats.grow import join_trees
from roadworthy.testing import make_applications
from tests.model.mutating import mutate_file

catboost = pytest.importorskip("catboost", reason="catboost is of the extra `boosters`")

ROWS = 400
QUIET = {"iterations": 25, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
WORDS = ["housing", "region"]
Frame: TypeAlias = pd.DataFrame


@pytest.fixture(scope="module")
def rows() -> tuple[Frame, Any]:
    frame, bad = make_applications(ROWS)
    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    words = frame[WORDS].astype(object).where(frame[WORDS].notna(), "none")
    return frame.assign(**{name: words[name] for name in WORDS}), np.asarray(bad)


def numbers_of(rows: tuple[Frame, Any]) -> Frame:
    return rows[0].drop(columns=WORDS).astype("float64")


def sealed(model: Any, X: Frame, bad: Any) -> Package:
    """The package, which answers as the library does, row by row and read again from its bytes."""
    package = seal(model, X, bad, name="cat", cut_offs=(0.2, 0.4))
    own = model.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(package.pd(X), own)
    again = load_bytes(package.to_bytes())
    np.testing.assert_array_equal(again.pd(X.iloc[:7]), own[:7])
    np.testing.assert_array_equal(np.concatenate([again.pd(X.iloc[i : i + 1]) for i in range(5)]), own[:5])
    return package


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nan_mode": "Max"},
        {"boost_from_average": True},
        {"grow_policy": "Depthwise"},
        {"grow_policy": "Lossguide"},
        {"loss_function": "CrossEntropy"},
        {"depth": 1},
        {"class_weights": [1.0, 3.0]},
    ],
    ids=str,
)
def test_trees_on_numbers_are_compiled_to_the_bit(rows: tuple[Frame, Any], options: dict[str, Any]) -> None:
    X, bad = numbers_of(rows), rows[1]
    package = sealed(catboost.CatBoostClassifier(**QUIET, **options).fit(X, bad), X, bad)
    assert package.manifest.engine.kind == "compiled"
    assert package.manifest.parity is not None
    assert package.manifest.parity.bit_equal == package.manifest.parity.rows
    said = package.explain(X.iloc[:20])
    np.testing.assert_allclose(said.contributions.sum(axis=1), said.output - said.reference_output, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"one_hot_max_size": 20},
        {"max_ctr_complexity": 1},
        {"max_ctr_complexity": 1, "simple_ctr": ["Borders:TargetBorderCount=1", "Counter", "BinarizedTargetMeanValue"]},
        {"max_ctr_complexity": 1, "simple_ctr": ["Buckets"], "counter_calc_method": "Full"},
    ],
    ids=str,
)
def test_categories_asked_for_by_name_or_by_one_columns_statistics_are_compiled(
    rows: tuple[Frame, Any], options: dict[str, Any]
) -> None:
    X, bad = rows
    package = sealed(catboost.CatBoostClassifier(**QUIET, cat_features=WORDS, **options).fit(X, bad), X, bad)
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    never = X.iloc[:3].assign(region="nowhere at all, and a text of more than sixty-four letters to be hashed in full")
    batch = package.batch(never)  # what no training row had is referred, and gets the number the library gives it
    assert not np.isnan(package.engine.pd(batch)).any()


def test_statistics_of_columns_together_stay_native_and_say_what_would_compile() -> None:
    draw = np.random.default_rng(3)
    one, other = draw.integers(0, 8, (2, ROWS))
    letters = np.array(list("abcdefgh"), dtype=object)
    frame = pd.DataFrame({"one": letters[one], "other": letters[other], "x": draw.normal(size=ROWS)})
    both = (draw.random(ROWS) < 1 / (1 + np.exp(-3 * draw.normal(size=(8, 8))[one, other]))).astype(int)
    mixing = {**QUIET, "iterations": 60, "max_ctr_complexity": 4, "model_size_reg": 0}
    model = catboost.CatBoostClassifier(**mixing, cat_features=["one", "other"]).fit(frame, both)
    package = sealed(model, frame, both)
    assert package.manifest.engine.kind == "native"
    assert "max_ctr_complexity=1" in package.manifest.engine.why


def test_the_plain_class_and_text_labels_answer_too(rows: tuple[Frame, Any]) -> None:
    X, bad = numbers_of(rows), rows[1]
    plain = catboost.CatBoost({"loss_function": "Logloss", **QUIET}).fit(X, bad)
    package = seal(plain, X, bad, name="plain")
    np.testing.assert_array_equal(package.pd(X), plain.predict(X, prediction_type="Probability")[:, 1])
    words = catboost.CatBoostClassifier(**QUIET).fit(X, np.where(bad == 1, "bad", "good"))
    package = seal(words, X, bad, name="words")
    assert package.manifest.engine.kind == "compiled"
    np.testing.assert_array_equal(package.pd(X), words.predict_proba(X)[:, 0])


def test_a_missing_category_is_refused_as_the_library_refuses_it(rows: tuple[Frame, Any]) -> None:
    X, bad = rows
    model = catboost.CatBoostClassifier(**QUIET, cat_features=WORDS, max_ctr_complexity=1).fit(X, bad)
    with_gap = X.assign(region=X.region.where(np.arange(ROWS) > 4))
    package = seal(model, with_gap, bad, name="gaps")
    assert package.manifest.engine.kind == "compiled"
    assert np.isnan(package.pd(with_gap)).tolist() == (np.arange(ROWS) <= 4).tolist()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda *_: catboost.CatBoostClassifier(), "not fitted"),
        (lambda X, bad: catboost.CatBoostRegressor(**QUIET).fit(X, bad), "not a classifier"),
        (lambda X, bad: catboost.CatBoostClassifier(**QUIET).fit(X, bad + (np.arange(len(X)) % 2)), "knows 3 classes"),
        (
            lambda X, bad: catboost.CatBoostClassifier(**QUIET, cat_features=["age"]).fit(X.assign(age=1), bad),
            "type: category",
        ),
    ],
)
def test_what_is_no_binary_classifier_is_refused(
    rows: tuple[Frame, Any], make: Callable[[Frame, Any], Any], words: str
) -> None:
    X, bad = numbers_of(rows), rows[1]
    with pytest.raises(SealError, match=words):
        seal(make(X, bad), X, bad, name="no")


@pytest.mark.parametrize("kind", ["cbm", "json"])
def test_its_files_are_sealed(rows: tuple[Frame, Any], tmp_path: Path, kind: str) -> None:
    X, bad = rows
    model = catboost.CatBoostClassifier(**QUIET, cat_features=WORDS, max_ctr_complexity=1).fit(X, bad)
    path = tmp_path / f"model.{kind}"
    model.save_model(str(path), format=kind)
    read = read_model_file(path)
    package = sealed(read, X, bad)
    assert package.manifest.engine.kind == "compiled"
    # The library reads its own JSON with some last bits off, its .cbm without.
    np.testing.assert_allclose(package.pd(X), model.predict_proba(X)[:, 1], rtol=0, atol=0 if kind == "cbm" else 1e-15)


def test_a_file_that_is_none_or_of_another_kind_is_refused(rows: tuple[Frame, Any], tmp_path: Path) -> None:
    X, bad = numbers_of(rows), rows[1]
    regressor = tmp_path / "regressor.cbm"
    catboost.CatBoostRegressor(**QUIET).fit(X, bad).save_model(str(regressor))
    for name, content in (
        ("regressor.cbm", None),
        ("empty.cbm", b""),
        ("odd.cbm", b"CBM1" + bytes(40)),
        ("odd.json", b'{"features_info": {}, "oblivious_trees": 7}'),
        ("deep.json", b'{"features_info": ' + b"[" * 100_000),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SealError) as refusal:
            read_model_file(path)
        assert str(path) in str(refusal.value)


def export_of(model: Any, folder: Path) -> dict[str, Any]:
    model.save_model(str(folder / "model.json"), format="json")
    found: dict[str, Any] = json.loads((folder / "model.json").read_text())
    return found


def test_an_export_laid_out_otherwise_is_not_compiled(rows: tuple[Frame, Any], tmp_path: Path) -> None:
    X, bad = rows
    model = catboost.CatBoostClassifier(**QUIET, cat_features=WORDS, max_ctr_complexity=1).fit(X, bad)
    content = json.dumps(export_of(model, tmp_path))
    assert read_catboost(content.encode()).trees

    def refuse(change: Callable[[dict[str, Any]], Any], words: str) -> None:
        export = json.loads(content)
        change(export)
        with pytest.raises(CannotCompile, match=words):
            read_catboost(json.dumps(export).encode())

    refuse(lambda e: e["oblivious_trees"][0]["leaf_values"].pop(), "leaf values")
    refuse(lambda e: e["oblivious_trees"][0]["splits"][0].update(split_index=10**6), "not there")
    refuse(lambda e: e["oblivious_trees"][0]["splits"][0].update(border=0.123), "order that is not known")
    refuse(lambda e: e["features_info"]["float_features"][0]["borders"].__setitem__(0, 0.1), "no float32")
    refuse(lambda e: e.update(scale_and_bias=[2, [0]]), "scaled")
    refuse(lambda e: e.update(scale_and_bias=[1, [0, 0]]), "MultiClass")
    refuse(lambda e: e.update(oblivious_trees=[]), "without a tree")
    refuse(lambda e: e.pop("features_info"), "not laid out")
    refuse(lambda e: e["features_info"].update(text_features=[{}]), "free text")
    with pytest.raises(CannotCompile, match="not laid out"):
        read_catboost(b'{"features_info":{},"trees":[' + b'{"left":' * 100_000)


def test_leaves_and_splits_are_by_hand(tmp_path: Path) -> None:
    """Bit k of a leaf's number is the answer to split k: x0 > 1 is worth 1, x1 > 5 is worth 2."""
    export = {
        "features_info": {
            "float_features": [
                {"feature_index": 0, "flat_feature_index": 0, "borders": [1.0], "nan_value_treatment": "AsTrue"},
                {"feature_index": 1, "flat_feature_index": 1, "borders": [5.0], "nan_value_treatment": "AsFalse"},
            ]
        },
        "oblivious_trees": [
            {
                "splits": [
                    {"split_index": 0, "split_type": "FloatFeature", "border": 1.0},
                    {"split_index": 1, "split_type": "FloatFeature", "border": 5.0},
                ],
                "leaf_values": [0.0, 1.0, 2.0, 3.0],
                "leaf_weights": [1.0, 2.0, 3.0, 4.0],
            }
        ],
        "scale_and_bias": [1, [10.0]],
    }
    found = read_catboost(json.dumps(export).encode())
    forest = join_trees(found.trees, float32_inputs=True)
    rows = np.array([[1.0, 5.0], [1.1, 5.0], [1.0, 5.1], [1.1, 5.1], [np.nan, 0.0], [0.0, np.nan]])
    assert forest.margin(rows).tolist() == [10.0, 11.0, 12.0, 13.0, 11.0, 10.0]
    assert found.trees[0].cover is not None
    assert found.trees[0].cover.tolist() == [10.0, 4.0, 6.0, 1.0, 3.0, 2.0, 4.0]


def test_categories_are_numbered_as_the_library_numbers_them(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    letters = list("abcdefXYZ 0123_-äé€漢")
    texts = sorted({"".join(draw.choice(letters, size)) for size in [*range(1, 140), 192, 256, 257, 511, 512, 513]})
    frame = pd.DataFrame({"c": texts})
    pool = catboost.Pool(frame, np.arange(len(texts)) % 2, cat_features=["c"])
    model = catboost.CatBoostClassifier(**{**QUIET, "iterations": 1}, one_hot_max_size=250).fit(pool)
    values = export_of(model, tmp_path)["features_info"]["categorical_features"][0].get("values", [])
    model.save_model(str(tmp_path / "model.py"), format="python", pool=pool)
    written = (tmp_path / "model.py").read_text()
    begin = written.index("cat_features_hashes = {") + len("cat_features_hashes = ")
    known = set(ast.literal_eval(written[begin : written.index("\n}", begin) + 2]).values())
    assert {category_number(text) for text in texts} == known
    assert set(values) <= known


@given(st.binary(max_size=300))
def test_every_text_has_a_number(text: bytes) -> None:
    assert 0 <= city_hash(text) < 2**64


def test_a_compiled_engine_of_it_needs_no_catboost(rows: tuple[Frame, Any]) -> None:
    X, bad = numbers_of(rows), rows[1]
    package = seal(catboost.CatBoostClassifier(**QUIET).fit(X, bad), X, bad, name="alone")
    assert isinstance(package.engine, CompiledEngine)
    assert "native.skops" not in package.parts


def test_exports_changed_at_random_are_refused_or_give_trees_that_the_loader_takes(
    rows: tuple[Frame, Any], tmp_path: Path
) -> None:
    """Whatever a damaged export says, it ends in a refusal or in trees that pass the loader's checks (R13)."""
    X, bad = rows
    small = {**QUIET, "iterations": 3, "depth": 3}
    model = catboost.CatBoostClassifier(**small, cat_features=WORDS, max_ctr_complexity=1).fit(X, bad)
    export = export_of(model, tmp_path)
    content = json.dumps({name: export[name] for name in ("features_info", "oblivious_trees", "scale_and_bias")})
    outcomes = Counter[str]()
    for seed in range(600):
        odd = mutate_file(np.random.default_rng(seed), content.encode())
        try:
            found = read_catboost(odd)
            forest = join_trees(found.trees, float32_inputs=True)
            forest.check(len(found.columns))
        except NOT_AS_KNOWN:
            outcomes["refused"] += 1
        else:
            forest.margin(np.zeros((2, len(found.columns))))
            outcomes["taken"] += 1
    assert outcomes["refused"] > 100
    assert outcomes["taken"] > 10
