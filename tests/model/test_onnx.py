"""ONNX graphs of trees or a line become our arrays in the width they state, or are refused with the operator (R9).

ONNX Runtime is the oracle: trees agree to the bit, a line to float32's room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from roadworthy.contract import Column, Contract
from roadworthy.errors import PackageError, SealError
from roadworthy.model import Package, load_bytes, read_model_file, seal
from roadworthy.model.compiling import NOT_AS_KNOWN
from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.formats.files import read_here
from roadworthy.model.formats.onnx import compile_model
from roadworthy.model.formats.onnx_file import LARGEST, MOST_GRAPH_NODES, read_onnx
from tests.model.mutating import mutate_file

onnx = pytest.importorskip("onnx", reason="onnx is of the extra `onnx`")
pytest.importorskip("onnxruntime", reason="onnxruntime is of the extra `onnx`")

ROWS = 500
FLOAT, INT64, STRING, BOOL, DOUBLE = 1, 7, 8, 9, 11
ML = "ai.onnx.ml"
Frame: TypeAlias = pd.DataFrame
Attributes: TypeAlias = dict[str, Any]


def node(kind: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, outputs, domain=domain, **attributes)


def graph(
    nodes: list[Any], inputs: dict[str, tuple[int, int]], constants: dict[str, Any] | None = None, ml: int = 3
) -> Any:
    """A model of these operators whose last gives `label` and `probabilities`."""
    made = onnx.helper.make_graph(
        nodes,
        "graph",
        [onnx.helper.make_tensor_value_info(name, kind, [None, width]) for name, (kind, width) in inputs.items()],
        [
            onnx.helper.make_tensor_value_info("label", INT64, [None]),
            onnx.helper.make_tensor_value_info("probabilities", FLOAT, [None, 2]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid(ML, ml)]
    return onnx.helper.make_model(made, opset_imports=opsets, ir_version=8)


def trees_of(forest: Any, mode: str = "BRANCH_LEQ", suffix: str = "") -> Attributes:
    """The attributes of TreeEnsembleClassifier for a fitted forest: one weight for both classes."""
    grown = getattr(forest, "estimators_", [forest])
    out: dict[str, list[Any]] = {
        name: [] for name in ("treeids", "nodeids", "featureids", "modes", "values", "true", "false")
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "weights")}
    for t, one in enumerate(grown):
        tree = one.tree_
        for n in range(tree.node_count):
            leaf = tree.children_left[n] < 0
            ways = (0, 0) if leaf else (int(tree.children_left[n]), int(tree.children_right[n]))
            turned = ways if mode in ("BRANCH_LEQ", "BRANCH_LT") else ways[::-1]
            out["treeids"].append(t)
            out["nodeids"].append(n)
            out["featureids"].append(0 if leaf else int(tree.feature[n]))
            out["modes"].append("LEAF" if leaf else mode)
            out["values"].append(0.0 if leaf else float(np.float32(tree.threshold[n])))
            out["true"].append(turned[0])
            out["false"].append(turned[1])
            if leaf:
                leaves["treeids"].append(t)
                leaves["nodeids"].append(n)
                leaves["weights"].append(float(tree.value[n, 0, 1]) / len(grown))
    return {
        **{f"nodes_{name}": out[name] for name in ("treeids", "nodeids", "featureids", "modes")},
        "nodes_values": out["values"],
        "nodes_truenodeids": out["true"],
        "nodes_falsenodeids": out["false"],
        **{f"class_{name}": values for name, values in leaves.items()},
        "class_ids": [0] * len(leaves["weights"]),
        "classlabels_int64s": [0, 1],
        "post_transform": "NONE",
    }


def classifier(source: str, **attributes: Any) -> Any:
    return node("TreeEnsembleClassifier", [source], ["label", "probabilities"], ML, **attributes)


@pytest.fixture(scope="module")
def rows() -> tuple[Frame, Any]:
    draw = np.random.default_rng(8)
    X = pd.DataFrame(
        {
            "age": draw.integers(18, 80, ROWS).astype(float),
            "debt": draw.lognormal(3, 1, ROWS).round(2),
            "home": draw.choice(["rent", "own", "other"], ROWS).astype(object),
        }
    )
    odds = -2 + 0.02 * X.debt + 0.8 * (X.home == "rent") - 0.01 * X.age
    return X, (draw.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.fixture(scope="module")
def forest(rows: tuple[Frame, Any]) -> Any:
    X, bad = rows
    model = RandomForestClassifier(15, max_depth=5, random_state=0)
    return model.fit(X[["age", "debt"]].to_numpy(), bad)


def two(kind: int = FLOAT) -> dict[str, tuple[int, int]]:
    return {"age": (kind, 1), "debt": (kind, 1)}


JOINED = node("Concat", ["age", "debt"], ["both"], axis=1)


def sealed(model: Any, X: Frame, bad: Any, **options: Any) -> Package:
    """The package, whose answers stay what they are row by row, read again from its bytes."""
    package = seal(model, X, bad, name="graph", cut_offs=(0.2, 0.5), **options)
    own = read_onnx(model.SerializeToString()).predict_proba(X[list(package.engine.inputs)])[:, 1]
    exact = package.manifest.engine.scorer == "forest"
    np.testing.assert_allclose(package.pd(X), own, rtol=0, atol=0 if exact else 1e-6)
    again = load_bytes(package.to_bytes())
    np.testing.assert_array_equal([again.pd(X.iloc[i : i + 1])[0] for i in range(5)], package.pd(X)[:5])
    assert package.manifest.engine.kind == "compiled"
    said = package.explain(X.iloc[:9])
    np.testing.assert_allclose(said.contributions.sum(axis=1), said.output - said.reference_output, atol=1e-6)
    return package


@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"])
@pytest.mark.parametrize("tracks", [0, 1])
def test_trees_are_compiled_to_the_bit_however_they_compare(
    rows: tuple[Frame, Any], forest: Any, mode: str, tracks: int
) -> None:
    X, bad = rows
    attributes = trees_of(forest, mode)
    size = len(attributes["nodes_modes"])
    gaps = X.assign(age=X.age.where(np.arange(ROWS) % 9 > 0))
    model = graph([JOINED, classifier("both", **attributes, nodes_missing_value_tracks_true=[tracks] * size)], two())
    sealed(model, gaps[["age", "debt"]], bad)


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
def test_a_logistic_of_a_sum_that_starts_from_a_base_is_the_runtimes_own(
    rows: tuple[Frame, Any], forest: Any, kind: int
) -> None:
    X, bad = rows
    attributes = trees_of(forest)
    attributes |= {"class_weights": [3 * w - 0.1 for w in attributes["class_weights"]], "post_transform": "LOGISTIC"}
    model = graph([JOINED, classifier("both", **attributes, base_values=[-1.5])], two(kind))
    assert sealed(model, X[["age", "debt"]], bad).manifest.engine.link == "logistic_float32"


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
def test_whole_numbers_and_every_transform_are_followed_as_converters_write_them(
    rows: tuple[Frame, Any], transform: str
) -> None:
    """One weight a leaf and none below 0: a logistic is taken of it, a softmax is not."""
    X, bad = rows
    whole = X[["age", "debt"]].round().astype("int64")
    fitted = RandomForestClassifier(5, max_depth=4, random_state=0).fit(whole.to_numpy(), bad)
    trees = classifier("both", **trees_of(fitted) | {"post_transform": transform})
    package = sealed(graph([JOINED, trees], two(INT64)), whole, bad)
    assert package.manifest.engine.link == ("logistic_float32" if transform == "LOGISTIC" else "to_float32")


def test_whole_numbers_are_scaled_and_a_missing_one_is_refused(rows: tuple[Frame, Any], forest: Any) -> None:
    X, bad = rows
    gaps = X[["age", "debt"]].round().assign(age=X.age.where(np.arange(ROWS) % 9 > 0).round())
    scaler = node("Scaler", ["both"], ["scaled"], ML, offset=[45.0, 30.0], scale=[1 / 20, 1 / 25])
    model = graph([JOINED, scaler, classifier("scaled", **trees_of(forest))], two(INT64))
    contract = Contract(
        name="whole", columns=tuple(Column(name=name, type="integer", missing=True) for name in ("age", "debt"))
    )
    package = seal(model, gaps, bad, name="whole", cut_offs=(0.2, 0.5), contract=contract)
    assert np.isnan(package.pd(gaps)).tolist() == gaps.age.isna().tolist()
    known = gaps.dropna()
    own = read_onnx(model.SerializeToString()).predict_proba(known)[:, 1]
    np.testing.assert_array_equal(package.pd(known), own)


def test_a_softmax_of_two_sums_is_refused_with_what_would_be_taken(rows: tuple[Frame, Any], forest: Any) -> None:
    X, bad = rows
    attributes = trees_of(forest)
    both = {name: [*attributes[name], *attributes[name]] for name in ("class_treeids", "class_nodeids")}
    weights = attributes["class_weights"]
    attributes |= both | {
        "class_ids": [1] * len(weights) + [0] * len(weights),
        "class_weights": [*weights, *(-w for w in weights)],
        "post_transform": "SOFTMAX",
    }
    with pytest.raises(SealError, match=r"operator TreeEnsembleClassifier with post_transform SOFTMAX.*LOGISTIC"):
        seal(graph([JOINED, classifier("both", **attributes)], two()), X[["age", "debt"]], bad, name="softmax")


def test_weights_for_each_class_and_the_other_labels_are_followed(rows: tuple[Frame, Any], forest: Any) -> None:
    X, bad = rows
    attributes = trees_of(forest)
    both = {name: [*attributes[name], *attributes[name]] for name in ("class_treeids", "class_nodeids")}
    weights = attributes["class_weights"]
    attributes |= both | {
        "class_ids": [1] * len(weights) + [0] * len(weights),
        "class_weights": [*weights, *(1 / 15 - w for w in weights)],
    }
    sealed(graph([JOINED, classifier("both", **attributes)], two()), X[["age", "debt"]], bad)
    del attributes["classlabels_int64s"]
    turned = graph([JOINED, classifier("both", **attributes, classlabels_strings=["good", "bad"])], two())
    turned.graph.output[0].type.tensor_type.elem_type = STRING
    sealed(turned, X[["age", "debt"]], bad)


def test_a_line_behind_imputing_scaling_and_encoding_is_compiled(rows: tuple[Frame, Any]) -> None:
    X, bad = rows
    gaps = X.assign(age=X.age.where(np.arange(ROWS) % 9 > 0))
    names = ["rent", "own", "other"]
    hot = np.stack([gaps.home == name for name in names], axis=1).astype(float)
    scaled = (gaps[["age", "debt"]].fillna(40.0) - [45.0, 30.0]) / [20.0, 25.0]
    fitted = LogisticRegression().fit(np.hstack([scaled, hot]), bad)
    line = fitted.coef_[0].tolist()
    model = graph(
        [
            JOINED,
            node("Imputer", ["both"], ["full"], ML, imputed_value_floats=[40.0, 40.0], replaced_value_float=np.nan),
            node("Scaler", ["full"], ["scaled"], ML, offset=[45.0, 30.0], scale=[1 / 20, 1 / 25]),
            node("OneHotEncoder", ["home"], ["cube"], ML, cats_strings=names, zeros=1),
            node("Reshape", ["cube", "flat"], ["hot"]),
            node("Concat", ["scaled", "hot"], ["all"], axis=1),
            node(
                "LinearClassifier", ["all"], ["label", "probabilities"], ML, classlabels_ints=[0, 1],
                coefficients=[*(-c for c in line), *line], intercepts=[-fitted.intercept_[0], fitted.intercept_[0]],
                post_transform="LOGISTIC", multi_class=0,
            ),
        ],
        {**two(), "home": (STRING, 1)},
        {"flat": np.array([-1, 3])},
    )  # fmt: skip
    package = sealed(model, gaps, bad)
    np.testing.assert_allclose(package.pd(gaps), fitted.predict_proba(np.hstack([scaled, hot]))[:, 1], atol=1e-6)


def test_arithmetic_choices_and_codes_are_followed_in_float32(rows: tuple[Frame, Any]) -> None:
    X, bad = rows
    codes = {"rent": 3, "own": 1, "other": 2}
    made = np.column_stack([(X.debt - 3.3) * 0.7 / 1.1 + 0.01, X.home.map(codes), X.age]).astype(np.float32)
    tree = DecisionTreeClassifier(max_depth=6, random_state=0).fit(made, bad)
    nodes = [
        JOINED,
        node("Gather", ["both", "second"], ["debts"], axis=1),
        node("Sub", ["debts", "c1"], ["d1"]),
        node("Mul", ["d1", "c2"], ["d2"]),
        node("Div", ["d2", "c3"], ["d3"]),
        node("Add", ["d3", "c4"], ["d4"]),
        node("LabelEncoder", ["home"], ["code"], ML, keys_strings=list(codes), values_int64s=list(codes.values())),
        node("Cast", ["code"], ["number"], to=FLOAT),
        node("ArrayFeatureExtractor", ["both", "first"], ["ages"], ML),
        node("FeatureVectorizer", ["d4", "number", "ages"], ["all"], ML, inputdimensions=[1, 1, 1]),
        classifier("all", **trees_of(tree)),
    ]
    constants = {
        "second": np.array([1]),
        "first": np.array([0]),
        **{f"c{i + 1}": np.array([value], dtype=np.float32) for i, value in enumerate((3.3, 0.7, 1.1, 0.01))},
    }
    sealed(graph(nodes, {**two(), "home": (STRING, 1)}, constants), X, bad)


def test_columns_without_names_go_by_position_and_files_by_path(
    rows: tuple[Frame, Any], forest: Any, tmp_path: Path
) -> None:
    X, bad = rows
    model = graph([classifier("X", **trees_of(forest))], {"X": (FLOAT, 2)})
    path = tmp_path / "forest.onnx"
    path.write_bytes(model.SerializeToString())
    package = seal(path, X[["age", "debt"]], bad, name="file")
    X = X[["age", "debt"]]
    np.testing.assert_array_equal(package.pd(X), read_model_file(path).predict_proba(X)[:, 1])
    with pytest.raises(SealError, match="takes 2 columns without names"):
        seal(str(path), X.assign(other=1.0), bad, name="file")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Normalizer", ["both"], ["x"], ML, norm="L2")], "Normalizer.*mixes columns"),
        ([node("Binarizer", ["both"], ["x"], ML, threshold=1.0)], "Binarizer"),
        ([node("Mul", ["age", "both"], ["x"])], "mixes them"),
        ([node("Softmax", ["both"], ["x"])], "Softmax"),
    ],
)
def test_an_operator_without_a_compiled_form_is_refused_by_name(
    rows: tuple[Frame, Any], forest: Any, nodes: list[Any], words: str
) -> None:
    X, bad = rows
    model = graph([JOINED, *nodes, classifier("x", **trees_of(forest))], two())
    with pytest.raises(SealError, match=words) as refusal:
        seal(model, X[["age", "debt"]], bad, name="no")
    assert "never run as it is" in str(refusal.value)


def change(model: Any, name: str, values: list[Any]) -> Any:
    (tree,) = (each for each in model.graph.node if each.op_type == "TreeEnsembleClassifier")
    (held,) = (each for each in tree.attribute if each.name == name)
    field = held.ints or held.floats
    del field[:]
    field.extend(values)
    return model


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("nodes_truenodeids", [1, 0, 0, 0, 0], "circle"),
        ("nodes_truenodeids", [9, 2, 0, 0, 0], "outside"),
        ("nodes_featureids", [7, 0, 0, 0, 0], "not there"),
        ("nodes_nodeids", [0, 0, 2, 3, 4], "of one number"),
        ("class_ids", [0, 1, 2], "classes"),
        ("nodes_values", [float("nan"), 0.0, 0.0, 0.0, 0.0], "thresholds"),
        ("class_weights", [float("inf"), 0.0, 0.0], "no number"),
        ("nodes_values", [1.0], "one length"),
    ],
)
def test_trees_that_lead_nowhere_or_in_a_circle_are_refused(
    rows: tuple[Frame, Any], name: str, values: list[Any], words: str
) -> None:
    attributes: Attributes = {
        "nodes_treeids": [0] * 5, "nodes_nodeids": list(range(5)), "nodes_featureids": [0, 1, 0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"], "nodes_values": [1.0, 2.0, 0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 2, 0, 0, 0], "nodes_falsenodeids": [4, 3, 0, 0, 0], "class_treeids": [0] * 3,
        "class_nodeids": [2, 3, 4], "class_ids": [0] * 3, "class_weights": [0.1, 0.2, 0.3],
        "classlabels_int64s": [0, 1], "post_transform": "NONE",
    }  # fmt: skip
    features = [Feature("age"), Feature("debt")]

    def compiled(model: Any) -> Any:
        return compile_model(read_onnx(model.SerializeToString()), features, False)

    assert compiled(graph([JOINED, classifier("both", **attributes)], two())).scorer.margin(
        np.array([[1.0, 2.0], [1.0, 3.0], [2.0, 0.0]])
    ).astype(np.float32).tolist() == [np.float32(0.1), np.float32(0.2), np.float32(0.3)]
    with pytest.raises(CannotCompile, match=words):
        compiled(change(graph([JOINED, classifier("both", **attributes)], two()), name, values))


def outside(model: Any) -> Any:
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type, tensor.data_location = "w", FLOAT, 1
    tensor.external_data.add().key = "location"
    return model


def foreign(model: Any) -> Any:
    model.graph.node.append(node("Do", ["both"], ["y"], "com.example"))
    return model


def nested(model: Any) -> Any:
    model.graph.node.append(node("If", ["age"], ["y"], then_branch=model.graph))
    return model


def yes_or_no(model: Any) -> Any:
    model.graph.input[0].type.tensor_type.elem_type = BOOL
    return model


def shapeless(model: Any) -> Any:
    del model.graph.input[0].type.tensor_type.shape.dim[:]
    return model


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (outside, "other files"),
        (foreign, "no standard"),
        (nested, "graphs within itself"),
        (yes_or_no, "neither as float"),
        (shapeless, "how many columns"),
    ],
)
def test_what_reaches_outside_itself_is_refused(forest: Any, spoil: Callable[[Any], Any], words: str) -> None:
    model = spoil(graph([JOINED, classifier("both", **trees_of(forest))], two()))
    with pytest.raises(SealError, match=words):
        read_onnx(model.SerializeToString())


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, forest: Any) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # takes no room on the disk
    with pytest.raises(SealError, match="536,870,913 bytes, and 536,870,912 is the most"):
        read_here(path)
    content = graph([JOINED, classifier("both", **trees_of(forest))], two())
    content.graph.node.extend([JOINED] * MOST_GRAPH_NODES)
    with pytest.raises(SealError, match="has 10,002 operators"):
        read_onnx(content.SerializeToString())


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x08\x08" * 50])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    with pytest.raises(SealError) as refusal:
        read_model_file(path)
    assert str(path) in str(refusal.value)


def test_graphs_changed_at_random_are_refused_or_compiled() -> None:
    """Whatever a damaged graph says, it ends in a refusal or in trees that pass the loader's checks (R13)."""
    small = DecisionTreeClassifier(max_depth=3, random_state=0)
    draw = np.random.default_rng(2)
    X = draw.normal(size=(200, 2))
    attributes = trees_of(small.fit(X, X[:, 0] + X[:, 1] > 0))
    content = graph([JOINED, classifier("both", **attributes)], two()).SerializeToString()
    features = [Feature("age"), Feature("debt")]
    outcomes = Counter[str]()
    for seed in range(800):
        odd = mutate_file(np.random.default_rng(seed), content)
        try:
            compiled = compile_model(read_onnx(odd), features, False)
        except SealError:
            outcomes["refused"] += 1
        except NOT_AS_KNOWN:
            outcomes["not compiled"] += 1
        else:
            try:
                compiled.scorer.check(len(compiled.features))
                compiled.scorer.margin(np.zeros((2, len(compiled.features))))
                outcomes["compiled"] += 1
            except PackageError:
                outcomes["refused"] += 1
    assert outcomes["refused"] > 100
    assert outcomes["not compiled"] > 10
    assert outcomes["compiled"] > 10
