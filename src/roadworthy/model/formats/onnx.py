"""ONNX graphs of trees or of a line, behind imputing, scaling and encoding: compiled in the width that they state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.onnx_file import OnnxModel
from roadworthy.model.formats.onnx_graph import (
    DOUBLE,
    FLOAT,
    INTEGER,
    Value,
    attributes_of,
    follow_operator,
    start_value,
)
from roadworthy.model.formats.onnx_trees import read_trees
from roadworthy.model.linear import Linear
from roadworthy.model.plan import Op

NAMES = ("roadworthy.OnnxModel",)

_PASSES = ("Identity", "ZipMap", "Cast")


def compile_model(model: OnnxModel, features: list[Feature], bad_first: bool) -> Compiled:
    """The last operator as a scorer over its columns as the operators before it make them."""
    graph = model.proto.graph
    known: dict[str, Value] = {}
    at = 0
    for name, kind, width in model.inputs:
        known[name] = start_value(name, kind, features[at : at + width])
        at += width
    constants = _constants(graph)
    scorers: dict[str, Compiled] = {}
    for node in _needed(graph, model.output):
        outputs = list(node.output)
        if node.op_type in _SCORERS:
            if node.input[0] not in known:
                raise CannotCompile(f"the operator {node.op_type} takes what is not followed")
            compiled = _SCORERS[node.op_type](attributes_of(node), known[node.input[0]], bad_first)
            scorers[outputs[-1]] = compiled
        elif node.input[0] in scorers and (node.op_type in _PASSES or _is_times_one(node, constants)):
            scorers[outputs[0]] = scorers[node.input[0]]
        elif any(name in scorers for name in node.input):
            raise CannotCompile(f"the operator {node.op_type} after the model has no compiled form")
        elif node.op_type != "Constant":
            known[outputs[0]] = follow_operator(node, known, constants)
    if model.output not in scorers:
        raise CannotCompile(f"no operator known to give probabilities makes {model.output}")
    return scorers[model.output]


def _is_times_one(node: Any, constants: Mapping[str, NDArray[Any]]) -> bool:
    """Whether it multiplies with ones, as a converter does that knows any number of trees to be averaged."""
    return node.op_type == "Mul" and node.input[1] in constants and bool((constants[node.input[1]] == 1.0).all())


def _constants(graph: Any) -> dict[str, NDArray[Any]]:
    from onnx import numpy_helper  # loads on use

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values = list(attributes_of(node).values())
            found[node.output[0]] = np.asarray(values[0]) if values else np.zeros(0)
    return found


def _needed(graph: Any, output: str) -> list[Any]:
    """The operators that the output depends on, in their order."""
    wanted, found = {output}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node)
    return found[::-1]


def _linear(attributes: Mapping[str, Any], value: Value, bad_first: bool) -> Compiled:
    """The numbers that the graph holds, multiplied and added up in float64: float32 sums differ by their order."""
    m = len(value.features)
    coefficients = np.asarray(attributes.get("coefficients", ()), dtype=np.float64)
    intercepts = np.asarray(attributes.get("intercepts", np.zeros(len(coefficients) // max(m, 1))), dtype=np.float64)
    transform = attributes.get("post_transform", b"NONE")
    if len(coefficients) not in (m, 2 * m) or len(intercepts) * m != len(coefficients):
        raise CannotCompile("the operator LinearClassifier has not as many coefficients as columns")
    rows = coefficients.reshape(-1, m)
    if transform not in (b"LOGISTIC", b"SOFTMAX") or (len(rows) == 1 and transform != b"LOGISTIC"):
        raise CannotCompile("the operator LinearClassifier without a logistic link gives no probability")
    bad = 0 if bad_first else 1
    if len(rows) == 1:
        weights, intercept = rows[0], intercepts[0]
    elif transform == b"LOGISTIC":
        weights, intercept = rows[bad], intercepts[bad]
    else:
        weights, intercept = rows[bad] - rows[1 - bad], intercepts[bad] - intercepts[1 - bad]
    seen = value.each((Op.TO_FLOAT32, ()))
    scorer = Linear(np.ascontiguousarray(weights), float(intercept))
    return Compiled(scorer, "expit", list(seen.features), bad_is_first=bad_first and len(rows) == 1)


def _classifier(attributes: Mapping[str, Any], value: Value, bad_first: bool) -> Compiled:
    return _trees(attributes, value, bad_first, "class")


def _regressor(attributes: Mapping[str, Any], value: Value, bad_first: bool) -> Compiled:
    if attributes.get("aggregate_function", b"SUM") != b"SUM" or attributes.get("n_targets", 1) != 1:
        raise CannotCompile("the operator TreeEnsembleRegressor with other than one sum has no compiled form")
    return _trees(attributes, value, bad_first, "target")


def _trees(attributes: Mapping[str, Any], value: Value, bad_first: bool, prefix: str) -> Compiled:
    value = value.as_float32() if value.kind == INTEGER else value  # ONNX Runtime compares them as float32
    if value.kind not in (FLOAT, DOUBLE):
        raise CannotCompile("trees on text have no compiled form; export the model with its encoder before the trees")
    double = value.kind == DOUBLE
    wanted = 0 if bad_first and prefix == "class" else 1
    found = read_trees(attributes, len(value.features), double=double, prefix=prefix, wanted=wanted)
    transform = attributes.get("post_transform", b"NONE")
    features = list(value.features)
    # ONNX Runtime takes a sum of weights none of which is below 0 for a probability, unless a logistic follows.
    plain = transform == b"NONE" or (found.single and found.positive and transform != b"LOGISTIC")
    if prefix == "target":
        plain = transform == b"NONE"
    elif found.single and not found.positive and transform == b"NONE":
        raise CannotCompile("its trees add up to a margin and no link follows")
    if not plain and transform != b"LOGISTIC":
        operator = "TreeEnsembleClassifier" if prefix == "class" else "TreeEnsembleRegressor"
        raise CannotCompile(
            f"the operator {operator} with post_transform {transform.decode('utf-8', 'replace')[:40]} has no compiled "
            "form; export it as two classes with LOGISTIC or NONE, or seal the model that it was exported from"
        )
    if plain:
        return Compiled(found.forest, "to_float32", features, bad_is_first=bad_first and found.single)
    if not (bad_first and found.single):
        return Compiled(found.forest, "logistic_float32", features)
    turned = replace(found.forest, value=-found.forest.value)  # the other class is the logistic of the negated sum
    return Compiled(turned, "logistic_float32", features)


_SCORERS = {"LinearClassifier": _linear, "TreeEnsembleClassifier": _classifier, "TreeEnsembleRegressor": _regressor}
