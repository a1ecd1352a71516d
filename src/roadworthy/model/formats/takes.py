"""What a trained model takes and gives: its columns by name, their categories, and which of its classes is bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roadworthy.contract import Contract
from roadworthy.errors import SealError
from roadworthy.model.formats import class_name, list_formats
from roadworthy.model.formats.feature import Category
from roadworthy.model.formats.optbinning import binned_names

__all__ = ["bad_position", "known_categories", "model_columns", "takes_names"]

BAD_WORDS = ("true", "bad", "default", "yes", "y", "charged off", "chgoff")
_BOOSTERS = ("lightgbm", "xgboost")
_PLAIN = ("Booster", "CatBoost")
"""What the boosting libraries call the class that is no scikit-learn classifier."""


def model_columns(model: Any, given: Sequence[str], contract: Contract) -> tuple[str, ...]:
    """The columns of X, whose names are `given`, that `model` takes, in its order.

    SealError where the model is no fitted classifier, or takes what X does not have or no caller can send.
    """
    if getattr(model, "voting", None) == "hard":
        raise SealError(
            f"{class_name(model)} votes hard: it counts its members' classes and gives no probability",
            mend="voting='soft', and fit again",
        )
    if not hasattr(model, "predict_proba") and not _is_booster(model):
        raise SealError(
            f"{class_name(model)} has no predict_proba: it is not a classifier",
            mend="seal a classifier, or wrap it in one that gives probabilities",
        )
    fitted = not hasattr(model, "is_fitted") or model.is_fitted()  # CatBoost answers nothing before it is
    names, width = (_names(model), _width(model)) if fitted else (None, None)
    if names is None and width is None and not (fitted and hasattr(model, "classes_")):
        raise SealError(f"{class_name(model)} is not fitted", mend="call fit(X, bad) first")
    if names is None and width is not None and width != len(given):
        raise SealError(
            f"the model takes {width} columns without names and X has {len(given)}",
            mend="fit the model on a table with column names, or give X with exactly its columns in order",
        )
    wanted = tuple(given) if names is None else _as_given(names, given)
    absent = [name for name in wanted if name not in given]
    if absent:
        raise SealError(
            f"the model takes columns that X does not have: {', '.join(absent[:5])}", available=given,
            mend="if they are made before the pipeline, no caller can send them: make them inside it",
        )  # fmt: skip
    undeclared = [name for name in wanted if name not in contract]
    if undeclared:
        raise SealError(
            f"no caller can send what the model takes: {', '.join(undeclared[:5])}",
            available=[column.name for column in contract.columns],
            mend="make them inside the pipeline from the contract's columns, or declare them in contract.yaml",
        )
    for name in _as_categories(model, wanted):
        if contract[name].type != "category":
            raise SealError(
                f"the model takes {name} as a category, and in the contract it is of type {contract[name].type}",
                mend=f"declare `{name}` in contract.yaml with type: category, its numbers as they are written",
            )
    for name in wanted:
        column = contract[name]
        if column.role == "group":
            raise SealError(
                f"the model takes {name}, which has the role group: it is there to monitor fairness, not to decide",
                mend="train without it; with a recorded legal basis, change its role in contract.yaml",
            )
        if column.type in ("text", "date"):
            raise SealError(
                f"the model takes {name}, which is a {column.type}",
                mend="make a number or a category of it before training, or declare it so in contract.yaml",
            )
    return wanted


def takes_names(model: Any) -> bool:
    """Whether the model was trained on named columns, and so wants a frame rather than an array."""
    return _names(model) is not None or type(model).__module__.partition(".")[0] in _BOOSTERS


def known_categories(model: Any) -> dict[int, tuple[Category, ...]]:
    """The categories that the model itself was trained on, by the position of their column; mostly none."""
    estimator = model.steps[-1][1] if hasattr(model, "steps") and len(model.steps) == 1 else model
    for module in list_formats():
        if class_name(estimator) in module.NAMES and hasattr(module, "known_categories"):
            return dict(module.known_categories(estimator))
    return {}


def _as_categories(model: Any, names: Sequence[str]) -> list[str]:
    """The columns that the model itself takes as text or whole numbers only."""
    for module in list_formats():
        if class_name(model) in module.NAMES and hasattr(module, "category_places"):
            return [names[place] for place in module.category_places(model)]
    return []


def bad_position(model: Any, bad_class: Any | None) -> int:
    """Which of the model's two answers, 0 or 1, is for bad; SealError where that is not plain."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        classes = (0, 1)  # what a plain Booster is trained on
    if len(classes) != 2:
        raise SealError(
            f"the model knows {len(classes)} classes: a decision needs one bad outcome",
            available=classes,
            mend="train on bad against not bad",
        )
    words = [str(value).strip().lower().removesuffix(".0") for value in classes]
    if bad_class is not None:
        wanted = str(bad_class).strip().lower().removesuffix(".0")
        if wanted not in words:
            raise SealError(f"bad_class={bad_class!r} is not a class of the model", available=classes)
        return words.index(wanted)
    if words in (["0", "1"], ["-1", "1"]):
        return 1
    found = [i for i, word in enumerate(words) if word in BAD_WORDS]
    if len(found) != 1:
        raise SealError("which class is the bad one is not plain", available=classes, mend="bad_class=...")
    return found[0]


def _is_booster(model: Any) -> bool:
    library = type(model).__module__.partition(".")[0]
    return type(model).__name__ in _PLAIN and library in (*_BOOSTERS, "catboost")


def _names(model: Any) -> list[str] | None:
    """The names that the model was trained with; None where it saw none, or has seen nothing."""
    if hasattr(model, "feature_names_") and type(model).__module__.startswith("catboost."):
        names = model.feature_names_
        names = None if names == [str(i) for i in range(len(names or ()))] else names  # its word for no names
    elif _is_booster(model):
        names = model.feature_name() if hasattr(model, "feature_name") else model.feature_names
    else:
        names = getattr(model, "feature_names_in_", None)
        names = binned_names(model) if names is None else names
    if names is None or list(names) == [f"Column_{i}" for i in range(len(names))]:  # LightGBM's word for no names
        return None
    return [str(name) for name in names]


def _width(model: Any) -> int | None:
    if hasattr(model, "feature_names_") and type(model).__module__.startswith("catboost."):
        return len(model.feature_names_)  # read from a file it has no other width
    if _is_booster(model):
        return int(model.num_feature() if hasattr(model, "num_feature") else model.num_features())
    width = getattr(model, "n_features_in_", None)
    return None if width is None else int(width)


def _as_given(names: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """`names` as X writes them: LightGBM puts _ for a space."""
    written = {name.replace(" ", "_"): name for name in given}
    return tuple(name if name in given else written.get(name, name) for name in names)
