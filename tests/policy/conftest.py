"""The contract that this room's tests decide over, and batches of it made from rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from roadworthy.contract import MISSING, UNSEEN, Batch, Column, Contract
from roadworthy.policy import Policy

CONTRACT = Contract(
    name="loans",
    columns=(
        Column(name="age", type="integer", range=(18, 100), description="Age of the applicant"),
        Column(name="income", type="number", missing=True, description="Income in a year."),
        Column(name="amount", type="number", role="money"),
        Column(name="annual cost", type="number", missing=True),
        Column(name="region", type="category", allowed=("N", "S", "E"), missing=True, reason="The region"),
        Column(name="employed", type="boolean", missing=True),
        Column(name="opened", type="date", missing=True),
        Column(name="closed", type="date", missing=True),
        Column(name="note", type="text", missing=True),
        Column(name="sex", type="category", allowed=("f", "m"), role="group", missing=True),
    ),
)
MERCHANTS = Contract(
    name="merchants",
    columns=(Column(name="limit", type="number"), Column(name="kind", type="category", allowed=("shop", "web"))),
)

Row = Mapping[str, Any]


def build_batch(contract: Contract, rows: Sequence[Row]) -> Batch:
    """One application for each row; an absent or None value is missing, a category that is not allowed is unseen."""

    def build(column: Column) -> Any:
        values = [row.get(column.name) for row in rows]
        match column.type:
            case "category":
                codes = [MISSING if value is None else column.codes.get(value, UNSEEN) for value in values]
                return np.array(codes, dtype=np.int32)
            case "date":
                return np.array(["NaT" if value is None else value for value in values], dtype="datetime64[us]")
            case "text":
                return np.array([*values, None], dtype=object)[:-1]
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)

    n = len(rows)
    return Batch(
        contract=contract,
        columns={column.name: build(column) for column in contract.columns},
        application_id=np.array([f"A-{row}" for row in range(n)], dtype=object),
        applicant_id=np.full(n, None, dtype=object),
        applied_at=np.full(n, np.datetime64("2026-11-01", "us")),
    )


def build_policy(
    *rules: str, bands: str = "[{up_to: 0.05, answer: approve}, {answer: decline}]", more: str = ""
) -> Policy:
    """A policy with these rules, each the inside of a YAML flow mapping; code and reason are added."""
    lines = [f"  - {{code: rule_{position}, reason: a reason, {rule}}}" for position, rule in enumerate(rules)]
    return Policy.parse("\n".join(["name: loans", f"bands: {bands}", "rules:", *(lines or ["  []"]), more]))


@pytest.fixture(scope="session")
def contract() -> Contract:
    return CONTRACT


@pytest.fixture(scope="session")
def merchants() -> Contract:
    return MERCHANTS


@pytest.fixture(scope="session")
def batch_of() -> Callable[..., Batch]:
    """Rows of the loans contract, or of another, as a batch."""
    return lambda *rows, contract=CONTRACT: build_batch(contract, rows)


@pytest.fixture(scope="session")
def policy_of() -> Callable[..., Policy]:
    """A policy with the given rules, bands and further sections."""
    return build_policy
