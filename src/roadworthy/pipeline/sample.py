"""Made-up applications that keep to a package's contract: something to send before there is anything real to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from roadworthy.contract import Column
from roadworthy.errors import UsageError
from roadworthy.model import Package

__all__ = ["sample_applications"]


def sample_applications(package: Package, n: int, *, seed: int = 0) -> Iterator[str]:
    """`n` applications as JSON texts, each column drawn by itself from the package's profile; they are about nobody."""
    if n < 1:
        raise UsageError(f"-n is how many applications, at least 1, not {n}")
    rng = np.random.default_rng(seed)
    for i in range(n):
        drawn = {
            column.name: _draw(column, package.profile.get(column.name), rng) for column in package.contract.columns
        }
        inputs = {name: value for name, value in drawn.items() if value is not None}
        body = {"application_id": f"SAMPLE-{seed}-{i + 1}", "applied_at": "2026-01-01T09:00:00Z", "inputs": inputs}
        yield msgspec.json.encode(body).decode()


def _draw(column: Column, profile: Mapping[str, Any] | None, rng: np.random.Generator) -> Any:
    if column.missing and (profile is None or rng.random() < profile["missing"]):
        return None
    if column.type == "category":
        shares = (profile or {}).get("shares") or dict.fromkeys(column.allowed or (), 1.0)
        weights = np.array(list(shares.values()))
        if not weights.sum():
            return None
        return str(rng.choice(list(shares), p=weights / weights.sum()))
    if column.type == "text":
        return "sample"
    if column.type == "date":
        return "2026-01-01"
    value = _draw_number(column, (profile or {}).get("deciles") or [], rng)
    if column.type == "boolean":
        return bool(round(value))
    return round(value) if column.type == "integer" else float(f"{value:.6g}")


def _draw_number(column: Column, deciles: list[float], rng: np.random.Generator) -> float:
    """Between two neighbouring deciles, so that ends and skew are those of the data; in the range where unknown."""
    low, high = column.range or (None, None)
    if not deciles:
        return low if low is not None else high if high is not None else 0.0
    at = rng.random() * (len(deciles) - 1)
    value = float(np.interp(at, np.arange(len(deciles)), deciles))
    return min(max(value, low if low is not None else value), high if high is not None else value)
