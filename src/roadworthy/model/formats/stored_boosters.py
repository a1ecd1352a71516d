"""Boosters within stored models: their libraries read what they hold with compiled code, which trusts it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec

from roadworthy.errors import PackageError, SealError
from roadworthy.model.formats.apart import do_apart
from roadworthy.model.formats.lightgbm_text import check_lightgbm_text

__all__ = ["check_boosters"]

_LIGHTGBM = "lightgbm.basic.Booster"
_BOOSTERS = frozenset({_LIGHTGBM, "xgboost.core.Booster", "catboost.core.CatBoost", "catboost.core.CatBoostClassifier"})
_ODD = "a booster of the original model is not stored as skops stores one"


class _Text(msgspec.Struct):
    loader: Literal["JsonNode"] = msgspec.field(name="__loader__")
    content: str


class _Held(msgspec.Struct):
    """Where LightGBM looks for the text of a booster that is put together again: an older one's name is not taken."""

    text: _Text | None = msgspec.field(name="_handle", default=None)
    old: msgspec.UnsetType = msgspec.field(name="handle", default=msgspec.UNSET)


class _State(msgspec.Struct):
    loader: Literal["DictNode"] = msgspec.field(name="__loader__")
    content: _Held


class _Booster(msgspec.Struct):
    content: _State


def check_boosters(content: bytes, types: Collection[str], trusted_types: Sequence[str], *, first_apart: bool) -> None:
    """PackageError where a stored model with boosters, among whose `types` theirs are, would harm what reads it.

    LightGBM's text is checked; and where `first_apart`, all of the model is read in a process apart before it is here.
    """
    if not _BOOSTERS.intersection(types):
        return
    try:
        if _LIGHTGBM in types:
            for text in _find_texts(_read_schema(content)):
                check_lightgbm_text(text, "a booster of the original model")
        if first_apart:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "model.skops"
                path.write_bytes(content)
                do_apart("try", path, Path(folder), trusted_types)
    except SealError as error:
        raise PackageError(f"the original model cannot be read: {error.message}") from None


def _read_schema(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("schema.json"))


def _find_texts(schema: Any) -> Iterator[bytes]:
    """The text of every LightGBM booster; PackageError where one is stored otherwise than skops stores it."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            if f"{node.get('__module__')}.{node.get('__class__')}" == _LIGHTGBM:
                yield _read_text(node)


def _read_text(node: dict[str, Any]) -> bytes:
    try:
        held = msgspec.convert(node, _Booster).content.content
        if held.text is None:
            raise PackageError(_ODD)
        return msgspec.json.decode(held.text.content, type=str).encode()
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise PackageError(_ODD) from None
