"""Packages made by hand from a table of PDs, so that what is right can be said beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.decision import Release
from roadworthy.model import Package
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.plan import build_plan
from roadworthy.policy import Policy
from roadworthy.testing import make_package


def contract_of(names: str) -> Contract:
    return Contract(name="switches", columns=tuple(Column(name=name, type="number") for name in names))


def switches(contract: Contract, rows: Sequence[Sequence[float]]) -> Batch:
    names = [column.name for column in contract.columns]
    columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(names)}
    return check_table(contract, to_arrow(columns)).batch


def make_switch_package(names: str, pd: Mapping[str, float]) -> Package:
    """A package over switches that are 0 or 1, one for each letter of `names`; the reference has them all at 0.

    `pd` gives the PD by the switches that are at 1: {"": 0.1, "a": 0.2, "ab": 0.4, ...}.
    """
    nodes: list[dict[str, float]] = []

    def grow(level: int, on: str) -> int:
        place = len(nodes)
        node = {"feature": -1.0, "threshold": 0.5, "left": -1, "right": -1, "missing_left": 0, "value": 0.0}
        nodes.append(node)
        if level == len(names):
            node["value"] = pd[on]
        else:
            node["feature"] = level
            node["left"] = grow(level + 1, on)
            node["right"] = grow(level + 1, on + names[level])
        return place

    grow(0, "")
    arrays: dict[str, Any] = {name: np.array([node[name] for node in nodes]) for name in nodes[0]}
    for name in ("feature", "left", "right"):
        arrays[name] = arrays[name].astype(np.int64)
    contract = contract_of(names)
    engine = CompiledEngine(
        plan=build_plan(tuple(names), [(name, ()) for name in names]),
        scorer=join_trees([TreeArrays(**arrays)]),
        link="identity",
    )
    engine.check()
    return replace(
        make_package("scorecard"), contract=contract, engine=engine, reference=switches(contract, [[0.0] * len(names)])
    )


def make_switch_release(names: str, pd: Mapping[str, float], *, most: int = 4, rules: str = "") -> Release:
    """The release of such a package under bands at 0.2 and 0.3, with at most `most` reasons."""
    bands = "bands: [{up_to: 0.2, answer: approve}, {up_to: 0.3, answer: refer}, {answer: decline}]"
    policy = Policy.parse(f"name: switches\n{bands}\nreasons: {{max: {most}}}\nrules: [{rules}]\n")
    return Release(make_switch_package(names, pd), policy)


@pytest.fixture(scope="session")
def release_of() -> Callable[..., Release]:
    """A release over switches: `release_of("ab", {"": 0.1, "a": 0.5, ...}, most=4, rules="")`."""
    return make_switch_release


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., Batch]:
    """Applications of such a release: `rows_of(release, [[1, 0], [1, 1]])`."""
    return lambda release, rows: switches(release.package.contract, rows)
