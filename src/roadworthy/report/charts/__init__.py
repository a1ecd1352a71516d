"""The charts: one file each, found by name, so that adding a chart touches one file.

A chart's module has two things. `SHOWS` names the field of `Meaning` it draws; where that field holds one result per
bucket count, the chart is drawn once for each. `spec(result)` returns an Altair chart whose title says the finding in
words, whose subtitle is the result's population, and whose description is the text alternative. Nothing is computed
here that a reader could take for a measure: every number drawn is in the result.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from roadworthy.report.drawing import Spec

__all__ = ["Chart", "charts"]


@dataclass(frozen=True)
class Chart:
    """One file of this folder: its `name`, the field of `Meaning` it `shows`, and its `spec(result)`."""

    name: str
    shows: str
    spec: Callable[..., Spec]


@cache
def charts() -> tuple[Chart, ...]:
    """Every chart of this folder, by name.

    >>> [chart.name for chart in charts() if chart.shows == "gains"]
    ['gains', 'lift']
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return tuple(Chart(name, module.SHOWS, module.spec) for name, module in modules.items())
