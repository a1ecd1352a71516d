"""A compiled engine's arrays as parts of a package, and back: which there are and of what type, checked as read.

`plan/NAME.npy` and `scorer/NAME.npy`; a composed model has `scorer/parts.json`, which says what its parts read, and
`scorer/I/NAME.npy` for part I.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from roadworthy.errors import PackageError
from roadworthy.model.composed import ComposedEngine, Mean, Part, Started, Steps, What
from roadworthy.model.curves import CURVES, Curve
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.forest import NODE_DTYPES, Forest
from roadworthy.model.linear import Linear
from roadworthy.model.links import LINKS
from roadworthy.model.plain_array import array_bytes, read_array
from roadworthy.model.plan import PLAN_DTYPES, Plan

__all__ = ["COMPOSED", "PartNote", "engine_parts", "part_names", "read_compiled"]

COMPOSED = "composed"
MOST_COMPOSED = 350
"""Of a dozen arrays each they still fit into a package."""

_Dtypes = dict[str, type[np.generic]]
_FOREST: _Dtypes = {
    "roots": np.int32, **NODE_DTYPES, "category_bits": np.uint32, "base": np.float64, "divisor": np.float64,
    "float32_inputs": np.bool_, "float32_sum": np.bool_, "cover": np.float64,
}  # fmt: skip
_ARRAYS: dict[str, _Dtypes] = {
    "linear": {"coefficients": np.float64, "intercept": np.float64},
    "forest": _FOREST,
    "started": _FOREST,
    "steps": PLAN_DTYPES,
    "mean": {"weights": np.float64, "divisor": np.float64, "float32": np.bool_},
    **{name: {"params": np.float64} for name in CURVES},
}
_ONE_VALUE = ("intercept", "base", "divisor", "float32_inputs", "float32_sum", "float32")
_ALONE = ("linear", "forest")
_SINCE_PROTOCOL_3 = ("cover.npy",)


class PartNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a composed model: its kind, which for a curve is the curve's name, and the registers that it reads."""

    kind: str
    sources: tuple[int, ...]


def engine_parts(engine: CompiledEngine | ComposedEngine) -> dict[str, bytes]:
    """Every part of a package that the engine needs."""
    parts = {f"plan/{name}.npy": array_bytes(array) for name, array in engine.plan.arrays().items()}
    if isinstance(engine, CompiledEngine):
        return parts | {f"scorer/{name}.npy": array_bytes(array) for name, array in engine.scorer.arrays().items()}
    notes = [PartNote(kind=_kind(part.what), sources=part.sources) for part in engine.parts]
    for i, part in enumerate(engine.parts):
        parts |= {f"scorer/{i}/{name}.npy": array_bytes(array) for name, array in part.what.arrays().items()}
    return parts | {"scorer/parts.json": msgspec.json.encode(notes)}


def _kind(what: What) -> str:
    return what.name if isinstance(what, Curve) else what.kind


def part_names(scorer: str, link: str, parts: Mapping[str, bytes], protocol: int = 3) -> list[str]:
    """The parts that an engine of a package must have; PackageError for a scorer or link that there is none of."""
    names = _all_names(scorer, link, parts)
    return names if protocol >= 3 else [name for name in names if not name.endswith(_SINCE_PROTOCOL_3)]


def _all_names(scorer: str, link: str, parts: Mapping[str, bytes]) -> list[str]:
    plan = [f"plan/{name}.npy" for name in PLAN_DTYPES]
    if scorer == COMPOSED and not link:
        composed = (f"scorer/{i}/{name}.npy" for i, note in enumerate(_notes(parts)) for name in _ARRAYS[note.kind])
        return [*plan, "scorer/parts.json", *composed]
    if scorer not in _ALONE or link not in LINKS:
        raise PackageError(f"a scorer {scorer!r} with the link {link!r} is unknown")
    return [*plan, *(f"scorer/{name}.npy" for name in _ARRAYS[scorer])]


def _notes(parts: Mapping[str, bytes]) -> list[PartNote]:
    if "scorer/parts.json" not in parts:
        raise PackageError("scorer/parts.json is missing")
    try:
        notes = msgspec.json.decode(parts["scorer/parts.json"], type=list[PartNote])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a ValidationError is a DecodeError
        raise PackageError(f"scorer/parts.json cannot be read: {error}") from None
    if len(notes) > MOST_COMPOSED:
        raise PackageError(f"scorer/parts.json has {len(notes):,} parts, and {MOST_COMPOSED} is the most")
    for note in notes:
        if note.kind not in _ARRAYS:
            raise PackageError(f"scorer/parts.json has a part of kind {note.kind!r}, which is unknown")
    return notes


def read_compiled(
    inputs: tuple[str, ...],
    scorer: str,
    link: str,
    bad_is_first: bool,
    parts: Mapping[str, bytes],
    reasons: str = "reference",
) -> CompiledEngine | ComposedEngine:
    """The engine whose parts `part_names` are all there; PackageError where its arrays do not fit each other."""
    plan = Plan(inputs=inputs, **_read("plan", PLAN_DTYPES, parts))
    engine: CompiledEngine | ComposedEngine
    if scorer == COMPOSED:
        if bad_is_first:
            raise PackageError("manifest.json: a composed model says within itself which class is bad")
        if reasons != "reference":
            raise PackageError(f"manifest.json: a composed model has no reasons by {reasons!r}")
        notes = enumerate(_notes(parts))
        engine = ComposedEngine(
            plan, tuple(Part(_read_what(note.kind, f"scorer/{i}", parts), note.sources) for i, note in notes)
        )
    else:
        arrays = _read("scorer", _ARRAYS[scorer], parts)
        made = Linear(**arrays) if scorer == "linear" else Forest(**arrays)
        engine = CompiledEngine(plan, made, link, bad_is_first, reasons)
    engine.check()
    return engine


def _read_what(kind: str, folder: str, parts: Mapping[str, bytes]) -> What:
    arrays = _read(folder, _ARRAYS[kind], parts)
    if kind == "started":
        return Started(Forest(**arrays))
    if kind == "steps":
        return Steps(Plan(inputs=("answer",), **arrays))
    if kind in CURVES:
        return Curve(kind, arrays["params"])
    made: Linear | Forest | Mean = {"linear": Linear, "forest": Forest, "mean": Mean}[kind](**arrays)
    return made


def _read(folder: str, dtypes: _Dtypes, parts: Mapping[str, bytes]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, dtype in dtypes.items():
        part = f"{folder}/{name}.npy"
        if part not in parts:  # only what a package of an old protocol has not
            continue
        fields[name] = read_array(parts[part], part, dtype)
        if name in _ONE_VALUE:
            if fields[name].shape != (1,):
                raise PackageError(f"{part} does not hold one value")
            fields[name] = fields[name][0].item()
    return fields
