"""Where applications come in: regions, branches, officers and merchants, with the parameters the bank computes monthly.

All names are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.portfolio.timeline import PERIODS, Timeline

__all__ = ["BRANCHES", "MERCHANTS", "MERCHANT_PURPOSE", "OFFICERS", "REGIONS", "Places", "open_places"]

REGIONS = ("North", "South", "East", "West", "Coast", "Lakes", "Hills", "Islands")
_REGION_SHARE = np.array([0.21, 0.19, 0.16, 0.15, 0.13, 0.09, 0.065, 0.005])
_BRANCHES_PER_REGION = (4, 4, 3, 3, 3, 2, 2, 1)

BRANCHES = (
    *("Aldermoor", "Brindlegate", "Caldwick", "Dunharrow"),
    *("Elmsward", "Fennimore", "Garrowby", "Hexley"),
    *("Inglethorpe", "Jarrowfield", "Kestrel Cross"),
    *("Lindenau", "Marrowick", "Nethercombe"),
    *("Oyster Quay", "Pellham", "Quenby Sands"),
    *("Ravensmere", "Silverwater"),
    *("Thornfell", "Upper Wold"),
    "Vaila",
)

_OFFICERS_PER_BRANCH = 3
_FIRST = ("Ar", "Bel", "Cor", "Dan", "Er", "Fal", "Gor", "Hal", "Is", "Jor", "Kel")
_LAST = ("dane", "fort", "lund", "mond", "rick", "stad")
OFFICERS = tuple(f"{a}{b}" for a in _FIRST for b in _LAST)

_TRADES = {
    "car": ("Motors", "Autohaus", "Garage", "Wheels"),
    "furniture": ("Furnishings", "Interiors", "Beds"),
    "home_improvement": ("Kitchens", "Roofing", "Windows"),
    "electronics": ("Electrics", "Audio"),
}
_HOUSES = ("Amberline", "Borough & Vane", "Copperleaf", "Driftwood")
_LATE = (
    ("energy_renovation", "Heliodor Heat Pumps"),
    ("electronics", "Lanternpay"),
    ("energy_renovation", "Umbra Solar"),
)
_REGULARS = tuple(
    (purpose, f"{house} {trade}") for house in _HOUSES for purpose, trades in _TRADES.items() for trade in trades
)
MERCHANTS = tuple(name for _, name in (*_REGULARS, *_LATE))
"""The last three open with the population shift and serve newcomers alone."""
MERCHANT_PURPOSE: Mapping[str, str] = MappingProxyType({name: purpose for purpose, name in (*_REGULARS, *_LATE)})
"""What each merchant's customers borrow for."""


@dataclass(frozen=True)
class Places:
    """Who sits where and how each fares.

    `branch_region` gives each branch's region; `branch_strain` (branches, months) and `merchant_trouble` (merchants,
    months) are what moves the hazard, standard normal around each one's own level; the published parameters in the
    monthly tables are their noisy image. `officer_sight` is how much of what no column shows an officer sees, 0..1;
    `officer_leniency` shifts the officer's own line.
    """

    branch_region: NDArray[np.int64]
    branch_share: NDArray[np.float64]
    branch_strain: NDArray[np.float64]
    officer_sight: NDArray[np.float64]
    officer_leniency: NDArray[np.float64]
    merchant_share: NDArray[np.float64]
    merchant_purpose: tuple[str, ...]
    merchant_trouble: NDArray[np.float64]
    merchants: pa.Table
    branches: pa.Table

    @property
    def regulars(self) -> int:
        """How many merchants are there from the start; those that open late follow them."""
        return len(_REGULARS)

    def officer_of(self, branch: NDArray[np.int64], draw: NDArray[np.float64]) -> NDArray[np.int64]:
        """The officer at the desk of `branch`, chosen by `draw` in [0, 1)."""
        return branch * _OFFICERS_PER_BRANCH + (draw * _OFFICERS_PER_BRANCH).astype(np.int64)


def _wander(rng: np.random.Generator, level: NDArray[np.float64], months: int) -> NDArray[np.float64]:
    """A stationary path around each level: AR(1) with a memory of about a year, standard deviation 0.4."""
    memory, spread = 0.92, 0.4
    path = np.empty((len(level), months))
    at = rng.normal(0.0, spread, len(level))
    for month in range(months):
        path[:, month] = level + at
        at = memory * at + rng.normal(0.0, spread * np.sqrt(1.0 - memory**2), len(level))
    return path


def open_places(rng: np.random.Generator, timeline: Timeline) -> Places:
    """Branches, officers and merchants, and their monthly parameters over the timeline."""
    months = timeline.months
    region = np.repeat(np.arange(len(REGIONS)), _BRANCHES_PER_REGION)
    share = _REGION_SHARE[region] / np.array(_BRANCHES_PER_REGION)[region]
    strain = _wander(rng, rng.normal(0.0, 0.9, len(BRANCHES)), months)
    trouble = _wander(rng, rng.normal(0.0, 0.9, len(MERCHANTS)), months)
    # Zipf: a few merchants bring most of the business, the tail is rare.
    popularity = np.asarray(np.arange(1.0, len(MERCHANTS) + 1.0) ** -0.8, dtype=np.float64)
    unemployment = 0.05 + 0.012 * strain + 0.03 * timeline.stress[:months] + rng.normal(0.0, 0.002, strain.shape)
    opened = np.ones(trouble.shape, dtype=np.bool_)
    opened[len(_REGULARS) :, : PERIODS["population shift"].first] = False
    arrears = 0.02 * np.exp(0.35 * trouble + rng.normal(0.0, 0.15, trouble.shape))
    complaints = 0.015 * np.exp(0.45 * trouble + rng.normal(0.0, 0.30, trouble.shape))
    return Places(
        branch_region=region,
        branch_share=share / share.sum(),
        branch_strain=strain,
        officer_sight=rng.uniform(0.0, 0.9, len(OFFICERS)),
        officer_leniency=rng.normal(0.0, 0.35, len(OFFICERS)),
        merchant_share=popularity,
        merchant_purpose=tuple(MERCHANT_PURPOSE.values()),
        merchant_trouble=trouble,
        merchants=_monthly("merchant", MERCHANTS, timeline, opened, arrears_share=arrears, complaint_rate=complaints),
        branches=_monthly(
            "branch", BRANCHES, timeline, np.ones_like(strain, np.bool_), unemployment_rate=unemployment.clip(0.005)
        ),
    )


def _monthly(
    key: str,
    names: tuple[str, ...],
    timeline: Timeline,
    opened: NDArray[np.bool_],
    **parameters: NDArray[np.float64],
) -> pa.Table:
    """One row per name and month in which it is open, in order of month: `key`, `effective` (the first), parameters."""
    effective = (timeline.start + np.arange(timeline.months)).astype("datetime64[D]")
    columns = {
        key: pa.array(np.tile(np.array(names), timeline.months)),
        "effective": pa.array(np.repeat(effective, len(names))),
    }
    for name, values in parameters.items():
        columns[name] = pa.array(values.T.ravel().round(5))
    return pa.table(columns).filter(pa.array(opened.T.ravel()))
