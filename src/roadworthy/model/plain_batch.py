"""A batch as plain JSON that gives back the same bits: numbers are written as hexadecimal floats."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import UNSEEN, Batch, Column, Contract
from roadworthy.errors import PackageError

__all__ = ["PlainBatch", "plain_batch", "read_batch"]


class PlainBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rows` applications by contract column: floats as text, categories as codes, dates as microseconds since 1970."""

    rows: int
    columns: dict[str, list[str | int | None]]


def plain_batch(batch: Batch) -> PlainBatch:
    """`batch` without its ids and times."""
    columns: dict[str, list[str | int | None]] = {}
    for name, array in batch.columns.items():
        if array.dtype == np.float64:
            columns[name] = [float(value).hex() for value in array]
        elif array.dtype.kind == "M":
            columns[name] = array.astype("datetime64[us]").astype(np.int64).tolist()
        else:
            columns[name] = array.tolist()
    return PlainBatch(rows=len(batch), columns=columns)


def read_batch(contract: Contract, plain: PlainBatch, part: str) -> Batch:
    """The batch that `plain_batch` wrote; PackageError, which names `part`, for what is no batch of `contract`."""
    if set(plain.columns) != {column.name for column in contract.columns}:
        raise PackageError(f"{part} does not hold the contract's columns")
    if plain.rows < 0 or any(len(values) != plain.rows for values in plain.columns.values()):
        raise PackageError(f"{part} has columns of other lengths than {plain.rows}")
    columns: dict[str, NDArray[Any]] = {}
    for column in contract.columns:
        try:
            columns[column.name] = _read(column, plain.columns[column.name])
        except (ValueError, TypeError, OverflowError) as error:
            raise PackageError(f"{part}: {column.name} is not a {column.type}: {error}") from None
    nobody = np.full(plain.rows, None, dtype=object)
    return Batch(
        contract=contract,
        columns=columns,
        application_id=nobody,
        applicant_id=nobody.copy(),
        applied_at=np.full(plain.rows, np.datetime64("NaT", "us")),
    )


def _read(column: Column, values: list[str | int | None]) -> NDArray[Any]:
    if column.type == "category":
        codes = np.array(values, dtype=np.int32)
        if len(codes) and not (codes.min() >= UNSEEN and codes.max() < len(column.allowed or ())):
            raise ValueError("a code lies outside its vocabulary")
        return codes
    if column.type == "date":
        return np.array(values, dtype=np.int64).view("datetime64[us]")
    if column.type == "text":
        if not all(value is None or isinstance(value, str) for value in values):
            raise ValueError("a value is not text")
        return np.array([*values, None], dtype=object)[:-1]
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a value is not a number as text")
    return np.array([float.fromhex(str(value)) for value in values], dtype=np.float64)
