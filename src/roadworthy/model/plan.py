"""The preprocessing that travels with a model, as a list of one-column operations over float64 registers.

A fitted pipeline becomes a `Plan` at sealing time. Each operation reads one register and writes one, so every feature
comes from exactly one contract column; that is what lets explanations be summed home to the columns a person knows.
The arithmetic is scikit-learn's own, operation by operation and in its order, so that results agree to the last bit.
What the library would refuse (a category it never saw, a missing value it does not take) refuses the row here too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.kernels import njit
from roadworthy.model.power import box_cox, interpolate_both_ways, ndtri, yeo_johnson

__all__ = ["MOST_FACTORS", "PLAN_DTYPES", "REFUSED", "Op", "Plan", "Step", "build_plan"]

REFUSED = float("inf")
"""As a value of LOOKUP or MATCH: the library refuses a row that holds this value, and so does the plan."""
MOST_FACTORS = 64

MOST_REGISTERS = 1_000_000
"""Columns, operations and features of one plan, each."""


PLAN_DTYPES: dict[str, type[np.generic]] = {
    "code": np.int32, "source": np.int32, "begin": np.int32, "end": np.int32,
    "params": np.float64, "outputs": np.int32, "origin": np.int32,
}  # fmt: skip
"""What a package holds of a plan."""


class Op(IntEnum):
    """What an operation does to x; the numbers are part of the package protocol and never change meaning."""

    IMPUTE = 1  # (value): value where x is NaN
    IS_MISSING = 2  # (): 1.0 where x is NaN, else 0.0
    ADD = 3  # (a)
    SUBTRACT = 4  # (a)
    MULTIPLY = 5  # (a)
    DIVIDE = 6  # (a)
    CLIP = 7  # (low, high); NaN stays NaN
    LOOKUP = 8  # (missing, unseen, value of code 0, value of code 1, ...): a category's code to a number
    MATCH = 9  # (missing, otherwise, keys..., values...): a number to a number, keys ascending
    BIN = 10  # (inner edges...): how many edges are <= x
    EQUALS = 11  # (a): 1.0 where x == a, else 0.0
    LOG = 12
    LOG1P = 13
    SQRT = 14
    EXP = 15
    ABS = 16
    REQUIRE_KNOWN = 17  # (): the row is refused where x is NaN
    REQUIRE_FLOAT32 = 18  # (): the row is refused where x is infinite as float32
    TO_FLOAT32 = 19  # (): x rounded to float32
    REQUIRE_FINITE = 20  # (): the row is refused where x is infinite
    REQUIRE_POSITIVE = 21  # (): the row is refused where x <= 0
    REPLACE = 22  # (a, b): b where x == a
    GREATER = 23  # (a): 1.0 where x > a, else 0.0; NaN stays NaN
    POWER = 24  # (k): x, k - 1 times multiplied with x
    YEO_JOHNSON = 25  # (lambda)
    BOX_COX = 26  # (lambda)
    QUANTILE = 27  # (quantiles..., references...): the share of training values below x
    QUANTILE_NORMAL = 28  # (low, high, quantiles..., references...): the same as a normal deviate within low..high
    LOG2 = 29
    LOG10 = 30
    CBRT = 31
    EXPM1 = 32
    RECIPROCAL = 33
    SIGN = 34
    FLOOR = 35
    CEIL = 36
    RINT = 37
    TANH = 38


_FIXED_SIZES = {
    Op.IMPUTE: 1, Op.IS_MISSING: 0, Op.ADD: 1, Op.SUBTRACT: 1, Op.MULTIPLY: 1, Op.DIVIDE: 1, Op.CLIP: 2, Op.EQUALS: 1,
    Op.LOG: 0, Op.LOG1P: 0, Op.SQRT: 0, Op.EXP: 0, Op.ABS: 0, Op.REQUIRE_KNOWN: 0, Op.REQUIRE_FLOAT32: 0,
    Op.TO_FLOAT32: 0, Op.REQUIRE_FINITE: 0, Op.REQUIRE_POSITIVE: 0, Op.REPLACE: 2, Op.GREATER: 1, Op.POWER: 1,
    Op.YEO_JOHNSON: 1, Op.BOX_COX: 1, Op.LOG2: 0, Op.LOG10: 0, Op.CBRT: 0, Op.EXPM1: 0, Op.RECIPROCAL: 0, Op.SIGN: 0,
    Op.FLOOR: 0, Op.CEIL: 0, Op.RINT: 0, Op.TANH: 0,
}  # fmt: skip

Step = tuple[Op, tuple[float, ...]]
"""One operation with its parameters."""


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    code: Any, source: Any, begin: Any, end: Any, params: Any, outputs: Any, inputs: Any, features: Any, refused: Any
) -> None:  # fmt: skip
    """Fill `features` (n, m) and `refused` (n,) from `inputs` (n, k).

    Registers 0..k-1 are the inputs, k+i is what operation i wrote. The numbers are those of `Op`.
    """
    n, k = inputs.shape
    registers = np.empty(k + code.shape[0], dtype=np.float64)
    for row in range(n):
        refuse = False
        for j in range(k):
            registers[j] = inputs[row, j]
        for i in range(code.shape[0]):
            x = registers[source[i]]
            op = code[i]
            p = begin[i]
            y = x
            if op == 1:
                if np.isnan(x):
                    y = params[p]
            elif op == 2:
                y = 1.0 if np.isnan(x) else 0.0
            elif op == 3:
                y = x + params[p]
            elif op == 4:
                y = x - params[p]
            elif op == 5:
                y = x * params[p]
            elif op == 6:
                y = x / params[p]
            elif op == 7:
                if x < params[p]:
                    y = params[p]
                elif x > params[p + 1]:
                    y = params[p + 1]
            elif op == 8:
                if np.isnan(x) or x == -1.0:
                    y = params[p]
                elif x < 0.0 or x >= end[i] - p - 2:
                    y = params[p + 1]
                else:
                    y = params[p + 2 + int(x)]
                refuse = refuse or y == np.inf
            elif op == 9:
                if np.isnan(x):
                    y = params[p]
                else:
                    y = params[p + 1]
                    size = (end[i] - p - 2) // 2
                    low, high = 0, size
                    while low < high:
                        middle = (low + high) // 2
                        if params[p + 2 + middle] < x:
                            low = middle + 1
                        else:
                            high = middle
                    if low < size and params[p + 2 + low] == x:
                        y = params[p + 2 + size + low]
                refuse = refuse or y == np.inf
            elif op == 10:
                if not np.isnan(x):
                    low, high = p, end[i]
                    while low < high:
                        middle = (low + high) // 2
                        if params[middle] <= x:
                            low = middle + 1
                        else:
                            high = middle
                    y = float(low - p)
            elif op == 11:
                if not np.isnan(x):
                    y = 1.0 if x == params[p] else 0.0
            elif op == 12:
                y = np.log(x)
            elif op == 13:
                y = np.log1p(x)
            elif op == 14:
                y = np.sqrt(x)
            elif op == 15:
                y = np.exp(x)
            elif op == 16:
                y = abs(x)
            elif op == 17:
                refuse = refuse or np.isnan(x)
            elif op == 18:
                refuse = refuse or np.isinf(np.float32(x))
            elif op == 19:
                y = float(np.float32(x))
            elif op == 20:
                refuse = refuse or np.isinf(x)
            elif op == 21:
                refuse = refuse or x <= 0.0
            elif op == 22:
                if x == params[p]:
                    y = params[p + 1]
            elif op == 23:
                if not np.isnan(x):
                    y = 1.0 if x > params[p] else 0.0
            elif op == 24:
                for _ in range(int(params[p]) - 1):
                    y = y * x
            elif op == 25:
                y = yeo_johnson(x, params[p])
            elif op == 26:
                y = box_cox(x, params[p])
            elif op == 27:
                size = (end[i] - p) // 2
                if x == params[p]:
                    y = 0.0
                elif x == params[p + size - 1]:
                    y = 1.0
                elif not np.isnan(x):
                    y = interpolate_both_ways(x, params, p, size)
            elif op == 28:
                size = (end[i] - p - 2) // 2
                if x - 1e-7 < params[p + 2]:
                    y = params[p]
                elif x + 1e-7 > params[p + 1 + size]:
                    y = params[p + 1]
                elif not np.isnan(x):
                    y = ndtri(interpolate_both_ways(x, params, p + 2, size))
                    y = min(max(y, params[p]), params[p + 1])
            elif op == 29:
                y = np.log2(x)
            elif op == 30:
                y = np.log10(x)
            elif op == 31:
                y = np.cbrt(x)
            elif op == 32:
                y = np.expm1(x)
            elif op == 33:
                y = 1.0 / x
            elif op == 34:
                y = np.sign(x)
            elif op == 35:
                y = np.floor(x)
            elif op == 36:
                y = np.ceil(x)
            elif op == 37:
                y = np.rint(x)
            elif op == 38:
                y = np.tanh(x)
            registers[k + i] = y
        refused[row] = refuse
        for j in range(outputs.shape[0]):
            features[row, j] = np.nan if refuse else registers[outputs[j]]


@dataclass(frozen=True)
class Plan:
    """Operations from contract columns to a model's features.

    `inputs` are the contract columns read, in order. `code`, `source`, `begin`, `end` (n_ops,) say what each operation
    does, to which register, and where its parameters lie in `params`. `outputs` (m,) are the registers handed to the
    model, `origin` (m,) the position in `inputs` that each feature comes from.
    """

    inputs: tuple[str, ...]
    code: NDArray[np.int32]
    source: NDArray[np.int32]
    begin: NDArray[np.int32]
    end: NDArray[np.int32]
    params: NDArray[np.float64]
    outputs: NDArray[np.int32]
    origin: NDArray[np.int32]

    def run(self, matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Features (n, m) from the contract columns as a matrix (n, len(inputs)), and which rows are refused (n,).

        A refused row's features are all NaN.
        """
        features = np.empty((matrix.shape[0], len(self.outputs)), dtype=np.float64)
        refused = np.empty(matrix.shape[0], dtype=np.bool_)
        _run(self.code, self.source, self.begin, self.end, self.params, self.outputs, matrix, features, refused)
        return features, refused

    def check(self) -> None:
        """Refuse arrays that would read outside themselves; a package's arrays are not to be trusted before this."""
        k, n_ops = len(self.inputs), len(self.code)
        shapes = {array.shape for array in (self.code, self.source, self.begin, self.end)}
        if shapes != {(n_ops,)} or self.params.ndim != 1 or self.outputs.shape != self.origin.shape:
            raise PackageError("the plan's arrays do not fit each other")
        if max(k, n_ops, len(self.outputs)) > MOST_REGISTERS:
            raise PackageError(f"the plan has more than {MOST_REGISTERS:,} columns, operations or features")
        if len(set(self.inputs)) != k:
            raise PackageError("the plan reads a column twice")
        self._check_operations(k)
        if len(self.outputs) and not (self.outputs.min() >= 0 and self.outputs.max() < k + n_ops):
            raise PackageError("the plan's outputs lie outside its registers")
        if len(self.origin) and not (self.origin.min() >= 0 and self.origin.max() < k):
            raise PackageError("the plan's features come from columns it does not read")
        home = list(range(k))
        for source in self.source.tolist():
            home.append(home[source])
        other = np.flatnonzero(np.array(home, dtype=np.int64)[self.outputs] != self.origin)
        if len(other):
            raise PackageError(f"the plan's feature {other[0]} is made of another column than it says")

    def _check_operations(self, k: int) -> None:
        def refuse(odd: NDArray[np.bool_], fault: str) -> None:
            if odd.any():
                i = int(np.argmax(odd))
                raise PackageError(f"the plan's operation {i} {fault.format(code=self.code[i], size=size[i])}")

        size = self.end.astype(np.int64) - self.begin
        refuse(~np.isin(self.code, [int(op) for op in Op]), "is unknown: {code}")
        outside = (self.begin < 0) | (size < 0) | (self.end > len(self.params))
        refuse(outside | (self.source < 0) | (self.source >= k + np.arange(len(size))), "reads outside the plan")
        fixed = np.full(max(Op) + 1, -1, dtype=np.int64)
        fixed[list(_FIXED_SIZES)] = list(_FIXED_SIZES.values())
        tables = np.isin(self.code, (Op.LOOKUP, Op.MATCH))
        wanted = fixed[self.code]
        refuse(((wanted >= 0) & (size != wanted)) | (tables & (size < 2)), "has {size} parameters")
        refuse((self.code == Op.MATCH) & (size % 2 != 0), "has keys without values")
        # Laid end to end, so that many operations cannot have one large table read again and again.
        ends = np.concatenate([[0], self.end])
        refuse(self.begin != ends[:-1], "does not read the parameters after those of the one before")
        if ends[-1] != len(self.params):
            raise PackageError("the plan has more parameters than its operations read")
        for i in np.flatnonzero(np.isin(self.code, (Op.MATCH, Op.BIN, Op.POWER, Op.QUANTILE, Op.QUANTILE_NORMAL))):
            self._check_params(int(i), Op(self.code[i]), self.params[self.begin[i] : self.end[i]])

    def _check_params(self, i: int, op: Op, params: NDArray[np.float64]) -> None:
        """Refuse tables whose keys do not rise, or that would send the kernel beyond them."""
        size = len(params)
        if op == Op.POWER and params[0] not in range(1, MOST_FACTORS + 1):
            raise PackageError(f"the plan's operation {i} is to multiply {params[0]:g} times")
        if op in (Op.QUANTILE, Op.QUANTILE_NORMAL):
            pairs = params if op == Op.QUANTILE else params[2:]
            if len(pairs) < 2 or len(pairs) % 2 or not np.isfinite(params).all():
                raise PackageError(f"the plan's operation {i} has {size} parameters")
            if (np.diff(pairs[: len(pairs) // 2]) < 0).any():
                raise PackageError(f"the plan's operation {i} has keys that fall")
        if op in (Op.MATCH, Op.BIN):
            keys = params[2 : 1 + size // 2] if op == Op.MATCH else params
            if not (np.diff(keys) > 0).all():
                raise PackageError(f"the plan's operation {i} has keys that do not rise")

    def only(self, feature: int) -> Plan:
        """The same plan with one of its features."""
        return replace(self, outputs=self.outputs[[feature]], origin=self.origin[[feature]])

    def unchanged(self) -> list[str | None]:
        """For each feature the column that it is, as it is or with missing values filled; None where it is changed."""
        filling = {Op.IMPUTE, Op.REQUIRE_KNOWN, Op.REQUIRE_FLOAT32, Op.REQUIRE_FINITE, Op.REQUIRE_POSITIVE}
        columns: list[str | None] = list(self.inputs)
        for i in range(len(self.code)):
            columns.append(columns[self.source[i]] if int(self.code[i]) in filling else None)
        return [columns[register] for register in self.outputs]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return {
            "code": self.code, "source": self.source, "begin": self.begin, "end": self.end,
            "params": self.params, "outputs": self.outputs, "origin": self.origin,
        }  # fmt: skip


def build_plan(inputs: tuple[str, ...], features: list[tuple[str, tuple[Step, ...]]]) -> Plan:
    """A plan from each feature's column and its chain of steps; equal beginnings are computed once.

    >>> decades = ((Op.IMPUTE, (40.0,)), (Op.DIVIDE, (10.0,)))
    >>> plan = build_plan(("age",), [("age", decades), ("age", ((Op.IS_MISSING, ()),))])
    >>> features, refused = plan.run(np.array([[30.0], [np.nan]]))
    >>> features
    array([[3., 0.],
           [4., 1.]])
    """
    register: dict[tuple[str, tuple[Step, ...]], int] = {(name, ()): i for i, name in enumerate(inputs)}
    code: list[int] = []
    source: list[int] = []
    begin: list[int] = []
    end: list[int] = []
    params: list[float] = []
    for name, steps in features:
        for depth in range(1, len(steps) + 1):
            chain = (name, steps[:depth])
            if chain in register:
                continue
            op, values = steps[depth - 1]
            code.append(int(op))
            source.append(register[name, steps[: depth - 1]])
            begin.append(len(params))
            params.extend(values)
            end.append(len(params))
            register[chain] = len(inputs) + len(code) - 1
    position = {name: i for i, name in enumerate(inputs)}
    return Plan(
        inputs=inputs,
        code=np.array(code, dtype=np.int32),
        source=np.array(source, dtype=np.int32),
        begin=np.array(begin, dtype=np.int32),
        end=np.array(end, dtype=np.int32),
        params=np.array(params, dtype=np.float64),
        outputs=np.array([register[feature] for feature in features], dtype=np.int32),
        origin=np.array([position[name] for name, _ in features], dtype=np.int32),
    )
