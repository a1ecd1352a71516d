"""LightGBM's text format, checked before LightGBM sees it.

Its reader takes as many numbers from one line as another line says, whether they are there or not, and its trees lead
wherever their numbers point: of a damaged text it makes whatever the memory behind it holds. So nothing is handed to it
whose lines do not fit one another. What is checked is what the reader, and the walk through its trees, rely on; whether
the model is a good one is not asked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import SealError

__all__ = ["check_lightgbm_text"]

_VERSIONS = ("v2", "v3", "v4")
_TREE_KEYS = (
    "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count",
    "cat_boundaries", "cat_threshold", "is_linear", "leaf_const", "num_features", "leaf_features", "leaf_coeff",
    "shrinkage",
)  # fmt: skip
"""The reader stops after as many lines as these, so there is no room for any other."""
_MOST_CLASSES = 100_000
_MOST_LEAVES = 2**17
"""LightGBM's own limit of num_leaves."""
_LARGEST_INT = 2**31 - 1
_BY_SET = 1
_LARGEST_DECISION = 11
"""By a set or not, missing to the left or not, and the last of three kinds of missing: 1 + 2 + 4 * 2."""

_WHOLE = r"-?[0-9]{1,10}"
_REAL = r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,4})?"
_ANY_REAL = rf"(?:{_REAL}|[-+]?(?:nan|inf))"
_OBJECTIVE = re.compile(rf"[a-z0-9_]+(?: [a-z_]+(?::{_REAL})?)*")
_FEATURE_INFO = re.compile(rf"none|\[{_ANY_REAL}:{_ANY_REAL}\]|{_WHOLE}(?::{_WHOLE})*")
_PARAMETER = re.compile(r"\[[a-z0-9_]+: .*\]")
_FIRST_TREE = re.compile(r"^(?:Tree=|end of trees$)", re.MULTILINE)
_NEWLINES = re.compile(r"\n*")


class _Damaged(Exception):
    """What does not fit, and where within the text."""

    def __init__(self, message: str, available: Iterable[str] | None = None) -> None:
        super().__init__(message)
        self.available = available


def check_lightgbm_text(content: bytes, where: object) -> None:
    r"""SealError, naming the tree and the key, where the lines of a text of LightGBM's do not fit one another.

    >>> check_lightgbm_text(b"tree\nversion=v4\nnum_class=x\n", "model.txt")
    Traceback (most recent call last):
    roadworthy.errors.SealError: model.txt: is no whole LightGBM model: header: num_class is 'x', and no whole number
      mend: save it again with Booster.save_model, and copy it byte for byte
    """
    try:
        _check(content.decode("latin-1"))  # one character a byte, as tree_sizes counts
    except _Damaged as damage:
        raise SealError(
            f"is no whole LightGBM model: {damage}",
            where=where,
            available=damage.available,
            mend="save it again with Booster.save_model, and copy it byte for byte",
        ) from None


class _Lines:
    """The `key=value` lines of the header, or of one tree."""

    def __init__(self, place: str, lines: Iterable[str], keys: Sequence[str] | None = None) -> None:
        self.place = place
        self.texts: dict[str, str] = {}
        for line in lines:
            key, equals, text = line.partition("=")
            if keys is not None and not (equals and key in keys):
                raise _Damaged(f"{place}: {line[:40]!a} is no line of a tree", keys)
            if key in self.texts:
                raise _Damaged(f"{place}: {key[:40]!a} is there twice")
            self.texts[key] = text

    def text(self, key: str) -> str:
        if key not in self.texts:
            raise _Damaged(f"{self.place}: there is no {key}", [ascii(each[:40])[1:-1] for each in self.texts])
        return self.texts[key]

    def whole(self, key: str, low: int, high: int) -> int:
        """One whole number."""
        text = self.text(key)
        if not re.fullmatch(_WHOLE, text):
            raise _Damaged(f"{self.place}: {key} is {text[:40]!a}, and no whole number")
        if not low <= int(text) <= high:
            raise _Damaged(f"{self.place}: {key} is {text}, and not within {low} to {high}")
        return int(text)

    def wholes(self, key: str, count: int, low: int, high: int) -> NDArray[np.int64]:
        """So many whole numbers."""
        values = np.fromstring(self._numbers(key, count, _WHOLE), dtype=np.int64, sep=" ")
        outside = values[(values < low) | (values > high)]
        if len(outside):
            raise _Damaged(f"{self.place}: {key} has {outside[0]}, which is not within {low} to {high}")
        return values

    def reals(self, key: str, count: int) -> NDArray[np.float64]:
        """So many finite numbers."""
        values = np.fromstring(self._numbers(key, count, _REAL), dtype=np.float64, sep=" ")
        if not np.isfinite(values).all():
            raise _Damaged(f"{self.place}: {key} has a number that is larger than any")
        return values

    def check_told(self, key: str, count: int) -> None:
        """Numbers that tell of the training and decide nothing: an older tree may have none, nor one of one leaf."""
        if self.texts.get(key, "") or (key in self.texts and count > 1):
            self._numbers(key, count, _ANY_REAL)

    def _numbers(self, key: str, count: int, pattern: str) -> str:
        words = _split(self.text(key))
        if len(words) != count:
            raise _Damaged(f"{self.place}: {key} has {len(words):,} values, and {count:,} belong there")
        numbers = " ".join(words)
        if words and not re.fullmatch(rf"{pattern}(?: {pattern})*", numbers):
            odd = next(word for word in words if not re.fullmatch(pattern, word))
            kind = "whole number" if pattern == _WHOLE else "number"
            raise _Damaged(f"{self.place}: {key} has {odd[:40]!a}, which is no {kind}")
        return numbers


def _split(text: str) -> list[str]:
    """The values of a line: linear trees leave several spaces between theirs."""
    return [word for word in text.split(" ") if word]


def _check(text: str) -> None:
    if "\r" in text or "\0" in text:
        raise _Damaged("its line ends were changed" if "\r" in text else "it has bytes that no text has")
    first = _FIRST_TREE.search(text)
    header = _check_header(text[: first.start()] if first else text)
    if first is None:
        raise _Damaged("it ends before its trees begin")
    starts, end = _check_trees(text, first.start(), header.whole("max_feature_idx", 0, _LARGEST_INT))
    each = header.whole("num_tree_per_iteration", 1, _MOST_CLASSES)
    if len(starts) % each:
        raise _Damaged(f"header: num_tree_per_iteration is {each}, and {len(starts):,} trees are no whole iterations")
    if "tree_sizes" in header.texts:
        sizes = header.wholes("tree_sizes", len(starts), 1, len(text))
        others = np.flatnonzero(np.diff([*starts, end]) != sizes)
        if len(others):
            raise _Damaged(f"tree {others[0]}: tree_sizes says another size than it has")
    _check_parameters(text[end:])
    _check_categories(text)


def _check_header(text: str) -> _Lines:
    kind, *lines = text.split("\n")
    if kind != "tree":
        raise _Damaged(f"it begins with {kind[:40]!a}, and not with 'tree'")
    header = _Lines("header", filter(None, lines))
    if header.text("version") not in _VERSIONS:
        raise _Damaged(f"header: version is {header.text('version')[:40]!a}", _VERSIONS)
    classes = header.whole("num_class", 1, _MOST_CLASSES)
    header.whole("num_tree_per_iteration", classes, classes)
    header.whole("label_index", -_LARGEST_INT, _LARGEST_INT)
    columns = header.whole("max_feature_idx", 0, _LARGEST_INT) + 1
    for key in ("feature_names", "feature_infos"):
        named = len(_split(header.text(key)))
        if named != columns:
            raise _Damaged(f"header: {key} has {named:,} values, and max_feature_idx is {columns - 1:,}")
    for info in _split(header.text("feature_infos")):
        if not _FEATURE_INFO.fullmatch(info):
            raise _Damaged(f"header: feature_infos has {info[:40]!a}, which is neither a range nor categories")
    if "monotone_constraints" in header.texts:
        header.wholes("monotone_constraints", columns, -1, 1)
    if "objective" in header.texts:  # a function of one's own is none
        _check_objective(header.text("objective"), classes)
    return header


def _check_objective(objective: str, classes: int) -> None:
    if not _OBJECTIVE.fullmatch(objective):
        raise _Damaged(f"header: objective is {objective[:40]!a}")
    name, *settings = objective.split(" ")
    said = [setting for setting in settings if setting.startswith("num_class")]
    if said != ([f"num_class:{classes}"] if name.startswith("multiclass") else []):
        raise _Damaged(f"header: objective is {objective[:40]!a}, and num_class is {classes}")


def _check_trees(text: str, start: int, last_column: int) -> tuple[list[int], int]:
    """Where each tree begins and the last one ends."""
    starts: list[int] = []
    while text.startswith("Tree=", start):
        place = f"tree {len(starts)}"
        end = text.find("\n\n", start)
        if end < 0:
            raise _Damaged(f"{place}: the text ends within it")
        first, *lines = text[start:end].split("\n")
        if first != f"Tree={len(starts)}":
            raise _Damaged(f"{place}: it is called {first[:40]!a}")
        _check_tree(_Lines(place, lines, _TREE_KEYS), last_column)
        starts.append(start)
        newlines = _NEWLINES.match(text, end)
        start = newlines.end() if newlines else end
    if not text.startswith("end of trees\n", start):
        found = text[start:].partition("\n")[0]
        raise _Damaged(f"after tree {len(starts) - 1} there is {found[:40]!a}", ["Tree=", "end of trees"])
    return starts, start


def _check_tree(tree: _Lines, last_column: int) -> None:
    leaves = tree.whole("num_leaves", 1, _MOST_LEAVES)
    splits = leaves - 1
    sets = tree.whole("num_cat", 0, splits)
    tree.wholes("split_feature", splits, 0, last_column)
    threshold = tree.reals("threshold", splits)
    decision = tree.wholes("decision_type", splits, 0, _LARGEST_DECISION)
    tree.reals("leaf_value", leaves)
    tree.reals("shrinkage", 1)
    for key in ("split_gain", "internal_value", "internal_weight", "internal_count"):
        tree.check_told(key, splits)
    for key in ("leaf_weight", "leaf_count"):
        tree.check_told(key, leaves)
    _check_children(tree, leaves)
    _check_sets(tree, sets, threshold[(decision & _BY_SET) != 0])
    if "is_linear" in tree.texts and tree.whole("is_linear", 0, 1):
        tree.reals("leaf_const", leaves)
        terms = int(tree.wholes("num_features", leaves, 0, last_column + 1).sum())
        tree.wholes("leaf_features", terms, 0, last_column)
        tree.reals("leaf_coeff", terms)


def _check_children(tree: _Lines, leaves: int) -> None:
    """Every split but the first, and every leaf, is a child once, and of an earlier split: that is a tree."""
    splits = np.arange(leaves - 1)
    sides = {key: tree.wholes(key, leaves - 1, -leaves, leaves - 2) for key in ("left_child", "right_child")}
    for key, child in sides.items():
        back = np.flatnonzero((child >= 0) & (child <= splits))
        if len(back):
            raise _Damaged(f"{tree.place}: {key} leads from split {back[0]} back to split {child[back[0]]}")
    times = np.bincount(np.concatenate(list(sides.values())) + leaves, minlength=2 * leaves - 1)
    twice = np.flatnonzero(times > 1)
    if len(twice):
        node = int(twice[0]) - leaves
        called = f"split {node}" if node >= 0 else f"leaf {-node - 1}"
        raise _Damaged(f"{tree.place}: left_child and right_child lead to {called} {times[twice[0]]} times")


def _check_sets(tree: _Lines, sets: int, places: NDArray[np.float64]) -> None:
    """Each split by categories names one of the sets, and each of these a part of cat_threshold."""
    outside = places[(places < 0) | (places >= sets) | (places != np.floor(places))]
    if len(outside):
        raise _Damaged(f"{tree.place}: threshold of a split by categories is {outside[0]:g}, and num_cat is {sets}")
    if not sets:
        return
    words = len(_split(tree.text("cat_threshold")))
    borders = tree.wholes("cat_boundaries", sets + 1, 0, words)
    if borders[0] or borders[-1] != words or np.any(np.diff(borders) < 0):
        raise _Damaged(f"{tree.place}: cat_boundaries do not rise from 0 to the {words:,} values of cat_threshold")
    tree.wholes("cat_threshold", words, 0, 2**32 - 1)


def _check_parameters(text: str) -> None:
    """The lines of the training's parameters, which LightGBM takes apart without looking."""
    _, begun, text = text.partition("\nparameters:\n")
    text, ended, _ = text.partition("\nend of parameters")
    if begun and not ended:
        raise _Damaged("its parameters have no end")
    odd = next((line for line in text.split("\n") if line and not _PARAMETER.fullmatch(line)), None)
    if begun and odd is not None:
        raise _Damaged(f"its parameters have the line {odd[:40]!a}")


def _check_categories(text: str) -> None:
    """The categories that pandas had: a list for each column, or none."""
    _, begun, last = text.rpartition("\npandas_categorical:")
    try:
        lists = json.loads(last) if begun else None
    except (ValueError, RecursionError):
        raise _Damaged("pandas_categorical is no JSON") from None
    if lists is not None and not (isinstance(lists, list) and all(isinstance(each, list) for each in lists)):
        raise _Damaged("pandas_categorical are no lists")
