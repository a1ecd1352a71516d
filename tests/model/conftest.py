"""What this room's tests share: a contract with every kind of column, rows that try everything, plans followed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.model.forest import Forest
from roadworthy.model.formats.feature import Feature, start_features
from roadworthy.model.formats.frames import contract_columns, make_frame
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.formats.trace import trace
from roadworthy.model.plan import Plan, build_plan

NUMBERS = ("age", "income", "debt")
WORDS = ("region", "grade")
CONTRACT = Contract(
    name="traced",
    columns=(
        Column(name="age", type="integer", missing=True),
        Column(name="income", type="number", missing=True),
        Column(name="debt", type="number", missing=True),
        Column(name="region", type="category", allowed=("N", "S", "E", "W"), missing=True),
        Column(name="grade", type="category", allowed=("a", "b", "c"), missing=True),
    ),
)

Row = dict[str, Any]


def make_batch(rows: int = 300, seed: int = 0, *, gaps: bool = True, unseen: bool = True) -> Batch:
    """Rows of CONTRACT; with `gaps` some values are missing, with `unseen` some categories are no listed ones."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "age": rng.integers(18, 80, rows).astype(float),
        "income": rng.lognormal(8, 1, rows),
        "debt": rng.normal(0, 3, rows).round(1),
        "region": rng.choice(["N", "S", "E", "W"], rows, p=[0.6, 0.3, 0.07, 0.03]).astype(object),
        "grade": rng.choice(["a", "b", "c"], rows).astype(object),
    }
    if gaps:
        for values in columns.values():
            values[rng.random(rows) < 0.15] = None
    if unseen:
        for name in WORDS:
            columns[name][rng.random(rows) < 0.05] = "somewhere else"
    return check_table(CONTRACT, to_arrow(columns)).batch


def follow(step: Any, batch: Batch, names: tuple[str, ...]) -> tuple[Plan, list[Feature]]:
    """The plan of a fitted transformer over the columns `names`, and its features."""
    features = trace(step, start_features(batch.contract, contract_columns(batch.contract, names)))
    return build_plan(names, [(feature.column, feature.steps) for feature in features]), features


def transform_rows(step: Any, frame: Any) -> list[NDArray[np.float64] | None]:
    """What the library itself makes of each row; None where it refuses it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of unseen categories, and they are meant
            answer = step.transform(frame)
    except ValueError:
        if len(frame) == 1:
            return [None]
        half = len(frame) // 2
        return transform_rows(step, frame.iloc[:half]) + transform_rows(step, frame.iloc[half:])
    dense = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
    return list(np.asarray(dense, dtype=np.float64))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The models are small: threads would only wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def batch_of() -> Callable[..., Batch]:
    """Rows of a contract with numbers and categories: `batch_of(rows, seed, gaps=..., unseen=...)`."""
    return make_batch


@pytest.fixture(scope="session")
def frame_of() -> Callable[..., Any]:
    """The same rows as the pandas frame that a model is trained on."""

    def make(names: tuple[str, ...] = NUMBERS + WORDS, **options: Any) -> Any:
        return make_frame(make_batch(**{"unseen": False, **options}), contract_columns(CONTRACT, names))

    return make


@pytest.fixture(scope="session")
def assert_followed() -> Callable[..., Plan]:
    """Fails where the plan of a fitted transformer differs by a bit from the transformer, row by row."""

    def check(step: Any, names: tuple[str, ...] = NUMBERS, **options: Any) -> Plan:
        batch = make_batch(**{"rows": 80, "seed": 7, **options})
        plan, _ = follow(step, batch, names)
        plan.check()
        features, refused = plan.run(batch.matrix(names))
        frame = make_frame(batch, contract_columns(CONTRACT, names))
        for i, own in enumerate(transform_rows(step, frame)):
            assert refused[i] == (own is None), f"row {i}"
            if own is not None:
                np.testing.assert_array_equal(features[i], own, err_msg=f"row {i}", strict=True)
        alone = np.concatenate([plan.run(batch.matrix(names)[i : i + 1])[0] for i in range(len(batch))])
        np.testing.assert_array_equal(alone, features)
        return plan

    return check


def grow_tree(rng: np.random.Generator, features: int, depth: int, categorical: frozenset[int]) -> TreeArrays:
    """A random tree; features in `categorical` split by sets of the categories 0 to 39."""
    nodes: list[dict[str, Any]] = []
    categories: dict[int, NDArray[np.int64]] = {}

    def grow(level: int) -> int:
        place = len(nodes)
        node = {"feature": -1, "threshold": 0.0, "left": -1, "right": -1, "missing_left": 0, "value": 0.0}
        nodes.append(node)
        if level == depth or (level and rng.random() < 0.2):
            node["value"] = float(rng.normal())
            return place
        node["feature"] = int(rng.integers(features))
        node["missing_left"] = int(rng.integers(2))
        if node["feature"] in categorical:
            categories[place] = np.flatnonzero(rng.random(40) < 0.5)
        else:
            node["threshold"] = float(rng.integers(-3, 4)) / 2
        node["left"] = grow(level + 1)
        node["right"] = grow(level + 1)
        return place

    grow(0)
    arrays = {name: np.array([node[name] for node in nodes]) for name in nodes[0]}
    cover = np.where(arrays["feature"] < 0, rng.integers(1, 50, len(nodes)), 0)
    for place in reversed(range(len(nodes))):  # children lie after their parents
        if arrays["feature"][place] >= 0:
            cover[place] = cover[arrays["left"][place]] + cover[arrays["right"][place]]
    return TreeArrays(**arrays, categories=categories, cover=cover)


def grow_forest(
    seed: int, features: int, *, trees: int = 3, depth: int = 4, categorical: tuple[int, ...] = (), **options: Any
) -> Forest:
    """A random forest of random trees."""
    rng = np.random.default_rng(seed)
    return join_trees([grow_tree(rng, features, depth, frozenset(categorical)) for _ in range(trees)], **options)


def draw_rows(seed: int, n: int, features: int, categorical: tuple[int, ...] = ()) -> NDArray[np.float64]:
    """Rows for such a forest: values on and between its split points, categories it has and has not, gaps."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-4, 5, (n, features)) / 2
    for feature in categorical:
        rows[:, feature] = rng.integers(-2, 45, n)
    rows[rng.random((n, features)) < 0.15] = np.nan
    return rows


@pytest.fixture(scope="session")
def forest_of() -> Callable[..., Forest]:
    """A random forest: `forest_of(seed, features, trees=3, depth=4, categorical=(), **options of join_trees)`."""
    return grow_forest


@pytest.fixture(scope="session")
def rows_for() -> Callable[..., NDArray[np.float64]]:
    """Rows for a random forest: `rows_for(seed, n, features, categorical=())`."""
    return draw_rows
