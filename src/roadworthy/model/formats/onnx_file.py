"""An ONNX file: one file, standard operators, nothing outside itself; asked through ONNX Runtime, and only to compare.

A graph in float32 changes decisions in silence, so it is never what serves: what cannot be compiled is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import MissingExtra, SealError

__all__ = ["LARGEST", "LARGEST_WHOLE", "OnnxModel", "read_onnx"]

LARGEST = 2**29
LARGEST_WHOLE = 2.0**53
"""Whole numbers beyond it are given as it: more digits than that no column has."""
MOST_GRAPH_NODES = 10_000
_FLOAT, _INTEGER, _STRING, _DOUBLE = 1, 7, 8, 11
_EXTERNAL = 1
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")


class OnnxModel:
    """A graph that gives the probabilities of two classes, with what a classifier has to be sealed.

    `inputs` are (name, element type, columns); where each has one column, their names are those of the columns.
    """

    linear_tolerance = 1e-6
    """How far ONNX Runtime's float32 sum may be from the sum of the same numbers in float64."""
    only_compiled = True

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.proto = _parse(content)
        self.inputs = _inputs(self.proto)
        self.classes_, self.output = _classes(self.proto.graph)
        self._session: Any = None

    @property
    def feature_names_in_(self) -> list[str] | None:
        """The columns by name, in order; None where a tensor of several takes them by position."""
        return [name for name, _, _ in self.inputs] if all(width == 1 for _, _, width in self.inputs) else None

    @property
    def n_features_in_(self) -> int:
        """How many columns it takes."""
        return sum(width for _, _, width in self.inputs)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(n, 2) as ONNX Runtime gives them, in one thread; ValueError for a text or whole number that is missing."""
        if self._session is None:
            self._session = _open_session(self.content)
        answer = self._session.run([self.output], _feed(self.inputs, X))[0]
        if isinstance(answer, list):  # ZipMap's: one mapping a row
            return np.array([[row[label] for label in self.classes_] for row in answer], dtype=np.float64)
        found = np.asarray(answer, dtype=np.float64)
        return np.column_stack([1.0 - found, found]) if found.shape[1] == 1 else found


def read_onnx(content: bytes, where: object = "the ONNX model") -> OnnxModel:
    """The model in the bytes of a file; SealError where it is none, or reaches outside itself."""
    try:
        return OnnxModel(content)
    except SealError as error:
        error.where = error.where or str(where)
        raise


def _parse(content: bytes) -> Any:
    try:
        import onnx  # loads on use
    except ImportError:
        raise MissingExtra.of("onnx", "onnx") from None
    if len(content) > LARGEST:
        raise SealError(f"has {len(content):,} bytes, and {LARGEST:,} is the most")
    try:
        proto = onnx.load_model_from_string(content)
    except Exception as error:  # noqa: BLE001  # protobuf raises kinds of its own for odd bytes
        raise SealError(f"is not an ONNX model: {str(error)[:200]}") from None
    graph = proto.graph
    if not graph.node:
        raise SealError("is not an ONNX model: it has no operators")
    if len(graph.node) > MOST_GRAPH_NODES:
        raise SealError(f"has {len(graph.node):,} operators, and {MOST_GRAPH_NODES:,} is the most")
    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.HasField("t"))]
    if any(tensor.data_location == _EXTERNAL or tensor.external_data for tensor in tensors):
        raise SealError("keeps numbers in other files", mend="store it as one file: onnx.save(model, path)")
    if proto.functions or any(a.HasField("g") or a.graphs for node in graph.node for a in node.attribute):
        raise SealError("holds functions or graphs within itself, which are not followed")
    for node in graph.node:
        if node.domain not in _DOMAINS:
            raise SealError(f"has an operator {node.op_type} of {node.domain[:60]!r}, which is no standard")
    return proto


def _inputs(proto: Any) -> tuple[tuple[str, int, int], ...]:
    constants = {tensor.name for tensor in proto.graph.initializer}
    found = []
    for given in proto.graph.input:
        if given.name in constants:
            continue
        tensor = given.type.tensor_type
        sizes = [size.dim_value for size in tensor.shape.dim]
        if tensor.elem_type not in (_FLOAT, _INTEGER, _DOUBLE, _STRING):
            raise SealError(
                f"takes {given.name} neither as float, double, int64 nor text",
                mend="export it with float or double inputs",
            )
        if len(sizes) != 2 or sizes[1] < 1:
            raise SealError(
                f"takes {given.name} in a shape that does not say how many columns it has",
                mend="export it with inputs of [None, number of columns]",
            )
        found.append((str(given.name), int(tensor.elem_type), int(sizes[1])))
    if not found:
        raise SealError("takes no columns")
    return tuple(found)


def _classes(graph: Any) -> tuple[list[Any], str]:
    """The labels of the classes, and which output holds their probabilities."""
    labels: list[Any] = [0, 1]
    outputs = {output.name: output.type for output in graph.output}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_ints", "classlabels_int64s") and attribute.ints:
                labels = list(attribute.ints)
            elif attribute.name == "classlabels_strings" and attribute.strings:
                labels = [text.decode("utf-8", "replace") for text in attribute.strings]
    numbers = [
        name
        for name, kind in outputs.items()
        if kind.HasField("sequence_type") or kind.tensor_type.elem_type in (_FLOAT, _DOUBLE)
    ]
    if len(numbers) != 1:
        raise SealError(
            f"has {len(numbers)} outputs that could be probabilities", available=list(outputs),
            mend="export the classifier with its label and its probabilities, and nothing else",
        )  # fmt: skip
    return labels, str(numbers[0])


def _open_session(content: bytes) -> Any:
    try:
        import onnxruntime  # loads on use
    except ImportError:
        raise MissingExtra.of("onnxruntime", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # sums keep one order
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # it raises kinds of its own
        raise SealError(f"ONNX Runtime does not take it: {str(error).splitlines()[0][:200]}") from None


def _feed(inputs: tuple[tuple[str, int, int], ...], X: Any) -> dict[str, NDArray[Any]]:
    columns = [X[name].to_numpy() for name in X.columns] if hasattr(X, "columns") else list(np.asarray(X).T)
    fed: dict[str, NDArray[Any]] = {}
    at = 0
    for name, kind, width in inputs:
        part = columns[at : at + width]
        at += width
        if kind == _STRING:
            fed[name] = np.stack([_texts(column) for column in part], axis=1)
        elif kind == _INTEGER:
            fed[name] = np.stack([_whole(column) for column in part], axis=1)
        else:
            with np.errstate(over="ignore"):  # beyond float32 is infinity
                fed[name] = np.stack(
                    [np.asarray(column, dtype=np.float32 if kind == _FLOAT else np.float64) for column in part], axis=1
                )
    return fed


def _whole(column: Any) -> NDArray[np.int64]:
    """As int64, which the contract says that they are: rounded down else."""
    values = np.asarray(column, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("a whole number is missing")
    return np.floor(np.clip(values, -LARGEST_WHOLE, LARGEST_WHOLE)).astype(np.int64)


def _texts(column: Any) -> NDArray[Any]:
    values = np.asarray(column, dtype=object)
    if any(not isinstance(value, str) for value in values):
        raise ValueError("a text is missing")
    return values
