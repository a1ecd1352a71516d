"""An ONNX graph followed operator by operator, from its inputs to the numbers that its trees or line take.

Each operator's arithmetic is that of ONNX Runtime: in float32 where the tensor is, by rounding after every step, which
gives what float32 arithmetic gives (Figueroa 1995, doi:10.1145/221332.221334: 53 bits are twice 24 and more).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile, Feature, category_text
from roadworthy.model.formats.onnx_file import LARGEST_WHOLE
from roadworthy.model.plan import REFUSED, Op

__all__ = ["Value", "attributes_of", "follow_operator", "start_value"]

FLOAT, INTEGER, STRING, DOUBLE = 1, 7, 8, 11
_MEND = {
    "Normalizer": "divides each row by its own length, which mixes columns",
    "TfIdfVectorizer": "takes free text",
    "SVMClassifier": "is a support vector machine",
    "TreeEnsemble": "is of a newer layout; export with ai.onnx.ml below 5",
    "MatMul": "mixes columns",
    "Gemm": "mixes columns",
}


@dataclass(frozen=True)
class Value:
    """A tensor (n, m) on its way: one feature for each of its m columns, and its element type."""

    features: tuple[Feature, ...]
    kind: int

    def each(self, *steps: tuple[Op, Sequence[float]]) -> Value:
        """The same with steps done to every column; a step has one parameter for all or one for each."""
        out = []
        for i, feature in enumerate(self.features):
            for op, values in steps:
                own = values[i if len(values) > 1 else 0] if len(values) else None
                feature = feature.then(op) if own is None else feature.then(op, own)
                if self.kind == FLOAT and op in (Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE):
                    feature = feature.then(Op.TO_FLOAT32)
            out.append(feature)
        return Value(tuple(out), self.kind)

    def as_float32(self) -> Value:
        """The same rounded to float32."""
        return Value(self.each((Op.TO_FLOAT32, ())).features, FLOAT)


@dataclass(frozen=True)
class _Operator:
    """An operator with its attributes, the tensors that it takes and its constants."""

    kind: str
    attributes: dict[str, Any]
    values: list[Value]
    given: list[NDArray[Any]]


def start_value(name: str, kind: int, features: Sequence[Feature]) -> Value:
    """An input as the graph takes it: text that the caller must give, or numbers in its width."""
    if kind == STRING:
        texts = [feature.column for feature in features if feature.texts is None]
        if texts:
            raise CannotCompile(f"{texts[0]} is a number, and the graph takes {name} as text")
        return Value(tuple(features), kind)
    out = Value(tuple(features), kind)
    if kind == INTEGER:
        made = (f.then(Op.REQUIRE_KNOWN).then(Op.CLIP, -LARGEST_WHOLE, LARGEST_WHOLE).then(Op.FLOOR) for f in features)
        return Value(tuple(made), kind)
    return out.each((Op.TO_FLOAT32, ())) if kind == FLOAT else out


def attributes_of(node: Any) -> dict[str, Any]:
    """An operator's attributes as plain Python and NumPy."""
    from onnx import helper, numpy_helper  # loads on use

    found = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        found[attribute.name] = numpy_helper.to_array(value) if attribute.HasField("t") else value
    return found


def follow_operator(node: Any, known: Mapping[str, Value], constants: Mapping[str, NDArray[Any]]) -> Value:
    """What an operator makes of its inputs; CannotCompile where it has no compiled form."""
    rule = _RULES.get(node.op_type)
    if rule is None:
        why = f": it {_MEND[node.op_type]}" if node.op_type in _MEND else ""
        raise CannotCompile(f"the operator {node.op_type} has no compiled form{why}")
    values = [known[name] for name in node.input if name in known]
    given = [constants[name] for name in node.input if name in constants]
    if not values or len(values) + len(given) != sum(bool(name) for name in node.input):
        raise CannotCompile(f"the operator {node.op_type} takes what is not followed")
    if node.op_type in ("Sub", "Div", "Gather", "ArrayFeatureExtractor") and node.input[0] in constants:
        raise CannotCompile(f"the operator {node.op_type} of a constant by a column has no compiled form")
    return rule(_Operator(str(node.op_type), attributes_of(node), values, given))


def _same(one: _Operator) -> Value:
    return one.values[0]


def _reshape(one: _Operator) -> Value:
    """Rows stay rows where the last size is the number of columns."""
    shape = one.given[0].ravel().tolist() if one.given else []
    if len(shape) != 2 or shape[0] not in (-1, 0) or shape[1] not in (-1, len(one.values[0].features)):
        raise CannotCompile(f"the operator {one.kind} to the shape {shape} has no compiled form")
    return one.values[0]


def _flatten(one: _Operator) -> Value:
    if one.attributes.get("axis", 1) != 1:
        raise CannotCompile("the operator Flatten over rows has no compiled form")
    return one.values[0]


def _concat(one: _Operator) -> Value:
    vectorized = one.kind == "FeatureVectorizer"
    if one.given or (not vectorized and one.attributes.get("axis") not in (1, -1)):
        raise CannotCompile(f"the operator {one.kind} of rows or constants has no compiled form")
    kinds = {value.kind for value in one.values}
    if len(kinds) > 1 or (vectorized and kinds != {FLOAT}):
        raise CannotCompile(f"the operator {one.kind} of several widths has no compiled form")
    return Value(tuple(feature for value in one.values for feature in value.features), kinds.pop())


def _cast(one: _Operator) -> Value:
    (value,), to = one.values, one.attributes.get("to")
    if value.kind == STRING or to not in (FLOAT, DOUBLE, INTEGER):
        raise CannotCompile("the operator Cast of or to text has no compiled form")
    if to == INTEGER and value.kind != INTEGER:
        raise CannotCompile("the operator Cast to whole numbers has no compiled form: it cuts digits off")
    cast = value.each((Op.TO_FLOAT32, ())) if to == FLOAT else value
    return Value(cast.features, to)


def _gather(one: _Operator) -> Value:
    if len(one.given) != 1 or (one.kind == "Gather" and one.attributes.get("axis", 0) not in (1, -1)):
        raise CannotCompile(f"the operator {one.kind} of rows has no compiled form")
    chosen = one.given[0].ravel().tolist()
    width = len(one.values[0].features)
    if any(type(i) is not int or not -width <= i < width for i in chosen):
        raise CannotCompile(f"the operator {one.kind} takes columns that are not there")
    return Value(tuple(one.values[0].features[i] for i in chosen), one.values[0].kind)


def _arithmetic(one: _Operator) -> Value:
    op = {"Add": Op.ADD, "Sub": Op.SUBTRACT, "Mul": Op.MULTIPLY, "Div": Op.DIVIDE}[one.kind]
    value = one.values[0]
    constant = one.given[0].astype(np.float64).ravel() if one.given else np.zeros(0)
    if len(one.values) != 1 or len(constant) not in (1, len(value.features)) or value.kind not in (FLOAT, DOUBLE):
        raise CannotCompile(f"the operator {one.kind} of two columns has no compiled form: it mixes them")
    return value.each((op, constant.tolist()))


def _imputer(one: _Operator) -> Value:
    value, fills = one.values[0], list(one.attributes.get("imputed_value_floats", ()))
    if value.kind != FLOAT or len(fills) not in (1, len(value.features)):
        raise CannotCompile("the operator Imputer of other than float numbers has no compiled form")
    gap = float(one.attributes.get("replaced_value_float", 0.0))
    if np.isnan(gap):
        return value.each((Op.IMPUTE, fills))
    fills = fills * len(value.features) if len(fills) == 1 else fills
    filled = [feature.then(Op.REPLACE, gap, fill) for feature, fill in zip(value.features, fills, strict=True)]
    return Value(tuple(filled), FLOAT)


def _scaler(one: _Operator) -> Value:
    """(x - offset) * scale; of doubles it is rounded to float32 in the end."""
    value, offset, scale = one.values[0], list(one.attributes.get("offset", ())), list(one.attributes.get("scale", ()))
    value = value.as_float32() if value.kind == INTEGER else value
    if {len(offset), len(scale)} - {1, len(value.features)} or value.kind not in (FLOAT, DOUBLE):
        raise CannotCompile("the operator Scaler of other than its columns has no compiled form")
    return value.each((Op.SUBTRACT, offset), (Op.MULTIPLY, scale)).as_float32()


def _one_hot(one: _Operator) -> Value:
    """A look-up that refuses what is missing: ONNX has no missing text."""
    value = one.values[0]
    names = [text.decode("utf-8", "replace") for text in one.attributes.get("cats_strings", ())]
    if value.kind != STRING or not names:
        raise CannotCompile("the operator OneHotEncoder of numbers has no compiled form; export the column as text")
    unseen = -1.0 if one.attributes.get("zeros", 1) else REFUSED
    place = {name: float(i) for i, name in enumerate(names)}
    out = []
    for feature in value.features:
        known = [REFUSED if text is None else place.get(text, unseen) for text in _texts(feature)]
        out += [feature.look_up(known).then(Op.EQUALS, i) for i in range(len(names))]
    return Value(tuple(out), FLOAT)


def _label_encoder(one: _Operator) -> Value:
    value = one.values[0]
    keys = next((one.attributes[name] for name in ("keys_strings", "keys_tensor") if name in one.attributes), None)
    if value.kind != STRING or keys is None:
        raise CannotCompile("the operator LabelEncoder of numbers has no compiled form")
    names = [key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key) for key in keys]
    kind, out, default = _encoded(one.attributes)
    if len(out) != len(names):
        raise CannotCompile("the operator LabelEncoder has not as many values as keys")
    place = dict(zip(names, out, strict=True))
    found = [
        feature.look_up([REFUSED if text is None else place.get(text, default) for text in _texts(feature)])
        for feature in value.features
    ]
    return Value(tuple(found), kind)


def _encoded(attributes: dict[str, Any]) -> tuple[int, list[float], float]:
    """The element type, the values and the value of what is no key."""
    if "values_int64s" in attributes:
        return INTEGER, [float(x) for x in attributes["values_int64s"]], float(attributes.get("default_int64", -1))
    if "values_floats" in attributes:
        return FLOAT, [float(x) for x in attributes["values_floats"]], float(attributes.get("default_float", -0.0))
    values = attributes.get("values_tensor")
    if values is not None and values.dtype.kind in "fi":
        kind = {np.dtype(np.float32): FLOAT, np.dtype(np.float64): DOUBLE, np.dtype(np.int64): INTEGER}
        default = np.ravel(attributes.get("default_tensor", [-1 if values.dtype.kind == "i" else 0.0]))[0]
        if values.dtype in kind:
            return kind[values.dtype], [float(x) for x in values.ravel()], float(default)
    raise CannotCompile("the operator LabelEncoder to text has no compiled form")


def _texts(feature: Feature) -> list[str | None]:
    return [None if text is None else category_text(text) for text in feature.texts or ()]


_Rule = Callable[[_Operator], Value]
_RULES: dict[str, _Rule] = {
    "Identity": _same,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Concat": _concat,
    "FeatureVectorizer": _concat,
    "Cast": _cast,
    "Gather": _gather,
    "ArrayFeatureExtractor": _gather,
    "Add": _arithmetic,
    "Sub": _arithmetic,
    "Mul": _arithmetic,
    "Div": _arithmetic,
    "Imputer": _imputer,
    "Scaler": _scaler,
    "OneHotEncoder": _one_hot,
    "LabelEncoder": _label_encoder,
}
