"""A trained model as a sealed package: what it holds, how it runs, and the proof that it is the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadworthy.model.columns import move_to_reference
from roadworthy.model.engine import Engine, Explanation
from roadworthy.model.package import Package, load

if TYPE_CHECKING:
    from roadworthy.model.seal import seal

__all__ = ["Engine", "Explanation", "Package", "load", "move_to_reference", "seal"]


def __getattr__(name: str) -> Any:
    """`seal` loads on use: it brings the formats, and serving needs none of them."""
    if name == "seal":
        from roadworthy.model.seal import seal

        return seal
    raise AttributeError(name)
