"""LightGBM's own texts are all taken; one whose lines do not fit is refused before LightGBM sees it (R29)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.errors import SealError
from roadworthy.model import read_model_file
from roadworthy.model.formats import files
from roadworthy.model.formats.lightgbm_text import check_lightgbm_text

VENDOR = (Path(__file__).parent / "packages" / "vendor" / "lightgbm.txt").read_bytes()
N = 300
random = np.random.default_rng(6)
NUMBERS = pd.DataFrame({"monthly income": random.normal(size=N), "days": random.integers(0, 60, N)})
MIXED = NUMBERS.assign(region=pd.Categorical(random.choice(list("abcdef"), N)), fixed=1.0)
MIXED.loc[:40, "monthly income"] = np.nan
BAD = ((NUMBERS["days"] > 20) ^ (random.random(N) < 0.2)).astype(int).to_numpy()
SHARE = random.random(N).clip(0.01, 0.99)
CLASSES = random.integers(0, 3, N)


def slope(predicted: NDArray[Any], data: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    return predicted - SHARE, np.ones_like(predicted)


def train(X: Any = MIXED, y: Any = BAD, rounds: int = 3, **settings: Any) -> lightgbm.Booster:
    settings = {"objective": "binary", "num_leaves": 5, "min_data_in_leaf": 5, "min_data_per_group": 2} | settings
    settings |= {"verbose": -1, "num_threads": 1}
    group = [N // 3] * 3 if settings["objective"] in ("lambdarank", "rank_xendcg") else None
    named: Any = settings.pop("categorical", "auto")
    data = lightgbm.Dataset(X, y, group=group, categorical_feature=named, params=settings, free_raw_data=False)
    return lightgbm.train(settings, data, rounds)


def stopped_early() -> lightgbm.Booster:
    data = lightgbm.Dataset(MIXED[:200], BAD[:200], free_raw_data=False)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1}
    stop = lightgbm.early_stopping(2, verbose=False)
    return lightgbm.train(settings, data, 60, [data.create_valid(MIXED[200:], BAD[200:])], callbacks=[stop])


def continued() -> lightgbm.Booster:
    first = train()
    return lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(MIXED, BAD), 4, init_model=first)


REAL: dict[str, Callable[[], lightgbm.Booster]] = {
    "numbers without names": lambda: train(NUMBERS.to_numpy()),
    "many sets": lambda: train(categorical=["days", "region"], cat_smooth=1, num_leaves=31),
    "dart": lambda: train(boosting="dart", rounds=20),
    "an averaging forest": lambda: train(boosting="rf", bagging_freq=1, bagging_fraction=0.5),
    "goss": lambda: train(data_sample_strategy="goss", rounds=15),
    "extra trees": lambda: train(extra_trees=True),
    "zero as missing": lambda: train(zero_as_missing=True),
    "nothing missing": lambda: train(use_missing=False),
    "quantised": lambda: train(use_quantized_grad=True),
    "monotone": lambda: train(NUMBERS, monotone_constraints=[1, -1]),
    "interactions": lambda: train(interaction_constraints=[[0, 1], [2]]),
    "gains as importance": lambda: train(saved_feature_importance_type=1),
    "infinite numbers": lambda: train(np.where(random.random((N, 2)) < 0.1, np.inf, NUMBERS)),
    "one leaf": lambda: train(min_data_in_leaf=N),
    "one class": lambda: train(y=np.zeros(N)),
    "linear": lambda: train(NUMBERS, linear_tree=True, rounds=6),
    "linear with sets": lambda: train(linear_tree=True, rounds=6),
    "linear of one leaf": lambda: train(NUMBERS, linear_tree=True, min_data_in_leaf=N),
    "linear of classes": lambda: train(NUMBERS, CLASSES, objective="multiclass", num_class=4, linear_tree=True),
    "three classes": lambda: train(y=CLASSES, objective="multiclass", num_class=3),
    "one against all": lambda: train(y=CLASSES, objective="multiclassova", num_class=3),
    "a function of one's own": lambda: train(objective=slope),
    "another sigmoid": lambda: train(sigmoid=2.5, scale_pos_weight=3.0),
    "square roots": lambda: train(objective="regression", reg_sqrt=True),
    "stopped early": stopped_early,
    "continued": continued,
    "refitted": lambda: train().refit(MIXED, BAD),
    "saved twice": lambda: lightgbm.Booster(model_str=train().model_to_string()),
    "without trees": lambda: lightgbm.Booster({"verbose": -1}, lightgbm.Dataset(MIXED, BAD)),
    "odd names": lambda: train(MIXED.set_axis(["Tree", "parameters", "à la carte", "höhe"], axis=1)),
} | {
    objective: lambda objective=objective: train(y=SHARE, objective=objective)
    for objective in (
        "regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie",
        "cross_entropy", "cross_entropy_lambda",
    )
} | {
    objective: lambda objective=objective: train(objective=objective)
    for objective in ("lambdarank", "rank_xendcg")
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # what LightGBM says of a training is not asked here
@pytest.mark.parametrize("kind", REAL)
def test_what_lightgbm_writes_is_taken(kind: str, tmp_path: Path) -> None:
    booster = REAL[kind]()
    path = tmp_path / "model.txt"
    for part in ({}, {"num_iteration": 2}, {"start_iteration": 1, "num_iteration": 1}, {"importance_type": "gain"}):
        booster.save_model(path, **part)
        check_lightgbm_text(path.read_bytes(), path)
    again = files.read_here(path)
    assert again.num_trees() == lightgbm.Booster(model_file=str(path)).num_trees()


def refusal(content: bytes) -> str:
    with pytest.raises(SealError) as caught:
        check_lightgbm_text(content, "model.txt")
    error = caught.value
    assert error.where == "model.txt"
    assert error.mend is not None
    assert "save_model" in error.mend
    return error.message.removeprefix("is no whole LightGBM model: ")


def split_trees(content: bytes) -> tuple[list[bytes], bytes]:
    """The header's lines with each tree's after it, and what follows them."""
    body, end, rest = content.partition(b"end of trees\n")
    return re.split(rb"(?m)^(?=Tree=)", body), end + rest


def with_sizes(content: bytes) -> bytes:
    """The text with tree_sizes as they are: what a change does beside is what is to be found."""
    (header, *trees), rest = split_trees(content)
    sizes = b" ".join(b"%d" % len(tree) for tree in trees)
    return re.sub(rb"(?m)^tree_sizes=.*", b"tree_sizes=" + sizes, header) + b"".join(trees) + rest


def change(tree: int, key: str, text: str | None, content: bytes = VENDOR) -> bytes:
    """The text with another value of one key of one tree, or of the header (-1); without the line for None."""
    parts, rest = split_trees(content)
    line = b"" if text is None else f"{key}={text}\n".encode()
    parts[tree + 1], times = re.subn(rf"(?m)^{key}=.*\n".encode(), line, parts[tree + 1])
    assert times == 1
    return with_sizes(b"".join(parts) + rest)


@cache
def linear_text() -> bytes:
    return str(train(NUMBERS, linear_tree=True).model_to_string()).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it begins with '', and not with 'tree'"),
        (VENDOR.replace(b"num_class=1", b"version=v4"), "header: 'version' is there twice"),
        (VENDOR[:500], "tree 0: the text ends within it"),
        (VENDOR.replace(b"\n", b"\r\n"), "its line ends were changed"),
        (VENDOR.replace(b"age", b"a\0e"), "it has bytes that no text has"),
        (change(-1, "version", "v99"), "header: version is 'v99'"),
        (change(-1, "num_class", None), "header: there is no num_class"),
        (change(-1, "num_class", "2"), "header: num_tree_per_iteration is 1, and not within 2 to 2"),
        (change(-1, "num_class", "99999999999"), "header: num_class is '99999999999', and no whole number"),
        (change(-1, "num_tree_per_iteration", "3"), "header: num_tree_per_iteration is 3, and not within 1 to 1"),
        (change(-1, "label_index", None), "header: there is no label_index"),
        (change(-1, "max_feature_idx", "0"), "header: feature_names has 3 values, and max_feature_idx is 0"),
        (change(-1, "max_feature_idx", "-1"), "header: max_feature_idx is -1, and not within 0"),
        (change(-1, "feature_infos", "none none"), "header: feature_infos has 2 values"),
        (change(-1, "feature_infos", "none none [3"), r"header: feature_infos has '\[3', which is neither"),
        (change(-1, "objective", "multiclass num_class:3"), "header: objective is .*, and num_class is 1"),
        (change(-1, "objective", "multiclass"), "header: objective is .*, and num_class is 1"),
        (change(-1, "objective", "binary sigmoid:"), "header: objective is 'binary sigmoid:'"),
        (VENDOR.replace(b"sizes=667", b"sizes=668"), "tree 0: tree_sizes says another size than it has"),
        (VENDOR.replace(b"sizes=667 ", b"sizes="), "header: tree_sizes has 2 values, and 3 belong there"),
        (VENDOR.replace(b"Tree=1", b"Tree=7"), "tree 1: it is called 'Tree=7'"),
        (VENDOR.replace(b"Tree=1", b"Free=1"), "after tree 0 there is 'Free=1'"),
        (VENDOR.replace(b"end of trees", b"end"), "after tree 2 there is 'end'"),
        (VENDOR.replace(b"num_cat=1", b"um_cat=1", 1), "tree 0: 'um_cat=1' is no line of a tree"),
        (change(1, "num_leaves", "2000000000"), "tree 1: num_leaves is 2000000000, and not within 1 to 131072"),
        (change(1, "num_leaves", "6"), "tree 1: split_feature has 4 values, and 5 belong there"),
        (change(1, "num_leaves", "0"), "tree 1: num_leaves is 0"),
        (change(1, "num_cat", "5"), "tree 1: num_cat is 5, and not within 0 to 4"),
        (change(1, "num_cat", "0"), "tree 1: threshold of a split by categories is 0, and num_cat is 0"),
        (change(1, "num_cat", "2"), "tree 1: cat_boundaries has 2 values, and 3 belong there"),
        (change(1, "cat_boundaries", "0 2"), "tree 1: cat_boundaries has 2, which is not within 0 to 1"),
        (change(1, "cat_boundaries", "1 1"), "tree 1: cat_boundaries do not rise from 0 to the 1 values"),
        (change(1, "cat_boundaries", None), "tree 1: there is no cat_boundaries"),
        (change(1, "cat_threshold", "2 2"), "tree 1: cat_boundaries do not rise from 0 to the 2 values"),
        (change(1, "cat_threshold", "4294967296"), "tree 1: cat_threshold has 4294967296"),
        (change(1, "threshold", "42.5 0.5 3 4"), "tree 1: threshold of a split by categories is 0.5"),
        (change(1, "threshold", "42.5 1 3 4"), "tree 1: threshold of a split by categories is 1, and num_cat is 1"),
        (change(1, "threshold", "42.5 0 nan 4"), "tree 1: threshold has 'nan', which is no number"),
        (change(1, "threshold", "42.5 0 1e999 4"), "tree 1: threshold has a number that is larger than any"),
        (change(1, "leaf_value", "1 2 3 4 inf"), "tree 1: leaf_value has 'inf', which is no number"),
        (change(1, "leaf_value", "1 2 3 4 1_0"), "tree 1: leaf_value has '1_0', which is no number"),
        (change(1, "leaf_count", "1 2 3 4"), "tree 1: leaf_count has 4 values, and 5 belong there"),
        (change(1, "split_gain", "1 2 x 4"), "tree 1: split_gain has 'x', which is no number"),
        (change(1, "split_feature", "1 0 3 1"), "tree 1: split_feature has 3, which is not within 0 to 2"),
        (change(1, "split_feature", "1 0 1.0 1"), "tree 1: split_feature has '1.0', which is no whole number"),
        (change(1, "decision_type", "2 1 12 2"), "tree 1: decision_type has 12, which is not within 0 to 11"),
        (change(1, "left_child", "1 -1 -3 4"), "tree 1: left_child has 4, which is not within -5 to 3"),
        (change(1, "left_child", "1 -6 -3 -2"), "tree 1: left_child has -6, which is not within -5 to 3"),
        (change(1, "left_child", "1 0 -3 -2"), "tree 1: left_child leads from split 1 back to split 0"),
        (change(1, "left_child", "1 -1 -3 3"), "tree 1: left_child leads from split 3 back to split 3"),
        (change(1, "left_child", "1 -1 -3 -3"), "tree 1: left_child and right_child lead to leaf 2 2 times"),
        (change(1, "left_child", "2 -1 -3 -2"), "tree 1: left_child and right_child lead to split 2 2 times"),
        (change(1, "is_linear", "2"), "tree 1: is_linear is 2"),
        (change(1, "is_linear", "1"), "tree 1: there is no leaf_const"),
        (change(1, "shrinkage", "a"), "tree 1: shrinkage has 'a', which is no number"),
        (VENDOR.replace(b"[max_bin: 255]", b"[max_bin 255]"), r"its parameters have the line '\[max_bin 255\]'"),
        (VENDOR.replace(b"end of parameters", b""), "its parameters have no end"),
        (VENDOR.replace(b"categorical:[]", b"categorical:["), "pandas_categorical is no JSON"),
        (VENDOR.replace(b"categorical:[]", b"categorical:5"), "pandas_categorical are no lists"),
    ],
)  # fmt: skip
def test_a_text_whose_lines_do_not_fit_is_refused_by_tree_and_key(content: bytes, said: str) -> None:
    assert re.match(said, refusal(content))


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("leaf_const", "1 2 3", "leaf_const has 3 values, and 5 belong there"),
        ("num_features", "99 0 0 0 0", "num_features has 99, which is not within 0 to 2"),
        ("leaf_features", "0", "leaf_features has 1 values"),
        ("leaf_coeff", "", "leaf_coeff has 0 values"),
    ],
)
def test_the_lines_of_a_linear_tree_are_held_to_one_another(key: str, text: str, said: str) -> None:
    assert refusal(change(2, key, text, linear_text())).startswith(f"tree 2: {said}")


def test_the_trees_are_whole_iterations() -> None:
    content = train(y=CLASSES, objective="multiclass", num_class=3).model_to_string().encode()
    parts, rest = split_trees(content)
    said = refusal(with_sizes(b"".join(parts[:-1]) + rest))
    assert said == "header: num_tree_per_iteration is 3, and 8 trees are no whole iterations"


def test_the_kept_text_holds_what_the_changes_need() -> None:
    check_lightgbm_text(VENDOR, "model.txt")
    assert with_sizes(VENDOR) == VENDOR
    assert change(1, "num_cat", "1") == VENDOR
    assert b"left_child=1 -1 -3 -2\nright_child=3 2 -4 -5\n" in split_trees(VENDOR)[0][2]


NEEDED = {"num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child"}
NEEDED |= {"leaf_value", "shrinkage", "cat_boundaries", "cat_threshold"}


def test_no_line_of_a_tree_can_go_or_come_twice_or_lose_a_value_unseen() -> None:
    """All lines of the first tree; those that only tell of the training may go, and none may lose a value."""
    tree = split_trees(VENDOR)[0][1].decode()
    lines = dict(line.split("=") for line in tree.split("\n")[1:] if line)
    for key, text in lines.items():
        dropped = change(0, key, None)
        if key in NEEDED:
            assert refusal(dropped) == f"tree 0: there is no {key}"
        else:
            check_lightgbm_text(dropped, "model.txt")
        assert refusal(change(0, key, f"{text}\n{key}={text}")) == f"tree 0: {key!r} is there twice"
        assert refusal(change(0, key, text.rpartition(" ")[0])).startswith("tree 0: ")
        assert refusal(change(0, key, f"{text} 0")).startswith("tree 0: ")
        assert refusal(change(0, key, "9" * 400)).startswith("tree 0: ")


def is_tree(left: list[int], right: list[int]) -> bool:
    """Whether a walk from the first split reaches each split and each leaf once."""
    reached: list[int] = []
    ahead = [0]
    while ahead and len(reached) <= 2 * len(left):
        node = ahead.pop()
        reached.append(node)
        if node >= 0:
            ahead += [left[node], right[node]]
    return sorted(reached) == list(range(-len(left) - 1, len(left)))


@settings(max_examples=50)
@given(st.data())
def test_children_are_taken_where_a_walk_reaches_each_once(data: st.DataObject) -> None:
    """Later splits lie below earlier ones, as LightGBM numbers them: each such tree is taken, and nothing else."""
    ends = [1, 2, 3, *range(-5, 0)]
    drawn = data.draw(st.one_of(st.permutations(ends), st.lists(st.sampled_from([0, *ends]), min_size=8, max_size=8)))
    left, right = drawn[:4], drawn[4:]
    rises = all(child < 0 or child > split for side in (left, right) for split, child in enumerate(side))
    content = change(2, "left_child", " ".join(map(str, left)))
    content = change(2, "right_child", " ".join(map(str, right)), content)
    if rises and is_tree(left, right):
        check_lightgbm_text(content, "model.txt")
    else:
        assert re.match("tree 2: (left|right)_child ", refusal(content))


@given(st.binary(max_size=60), st.integers(0, len(VENDOR)), st.integers(0, 60))
def test_any_bytes_anywhere_are_refused_in_words_or_taken(odd: bytes, place: int, over: int) -> None:
    said = ""
    try:
        check_lightgbm_text(VENDOR[:place] + odd + VENDOR[place + over :], "model.txt")
    except SealError as error:
        said = error.message
    assert said.isascii()
    assert len(said) < 300


def test_what_is_refused_lightgbm_never_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("it is read")

    path = tmp_path / "model.txt"
    path.write_bytes(VENDOR.replace(b"num_cat=0", b"um_cat=0"))
    monkeypatch.setitem(sys.modules, "lightgbm", None)  # to import it fails
    monkeypatch.setattr(files, "do_apart", never)
    with pytest.raises(SealError, match="tree 2: 'um_cat=0' is no line of a tree") as caught:
        read_model_file(path)
    assert caught.value.available is not None
    assert "num_cat" in caught.value.available
