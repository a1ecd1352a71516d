"""A trained model as a sealed package: what it holds, how it runs, and the proof that it is the model."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from roadworthy.model.card import card_lines, describe_card, inspect_package, true_reasons_sentence
from roadworthy.model.columns import move_to_reference
from roadworthy.model.engine import METHODS, Engine, Explanation
from roadworthy.model.package import Package, load, load_bytes
from roadworthy.model.true_reasons import ColumnReasons, choose_columns

if TYPE_CHECKING:
    from roadworthy.model.formats.convert import convert_pickle, list_pickle
    from roadworthy.model.formats.files import read_model_file
    from roadworthy.model.formats.frames import training_frame
    from roadworthy.model.recalibrating import Recalibrated, recalibrate
    from roadworthy.model.sealing import seal

__all__ = [
    "METHODS",
    "ColumnReasons",
    "Engine",
    "Explanation",
    "Package",
    "Recalibrated",
    "card_lines",
    "choose_columns",
    "convert_pickle",
    "describe_card",
    "inspect_package",
    "list_pickle",
    "load",
    "load_bytes",
    "move_to_reference",
    "read_model_file",
    "recalibrate",
    "seal",
    "training_frame",
    "true_reasons_sentence",
]


def __getattr__(name: str) -> Any:
    """What sealing and training need loads on use: it brings the formats, and serving needs none of them."""
    where = {
        "seal": "sealing",
        "recalibrate": "recalibrating",
        "Recalibrated": "recalibrating",
        "training_frame": "formats.frames",
        "read_model_file": "formats.files",
        "convert_pickle": "formats.convert",
        "list_pickle": "formats.convert",
    }.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{where}"), name)
