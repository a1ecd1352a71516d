"""Power and quantile transforms of one number, in scikit-learn's and SciPy's own order of operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.kernels import njit

__all__ = ["box_cox", "interpolate_both_ways", "ndtri", "yeo_johnson"]

_EPSILON = float(np.finfo(np.float64).eps)
_LARGEST_LOG = 709.78

# The normal quantile in three pieces, each a quotient of polynomials: S. L. Moshier, Cephes Mathematical Library
# (1984-2000), ndtri, which SciPy uses too. Coefficients from the highest power down; a divisor's first one is 1.
_SPLIT = 0.13533528323661269189  # exp(-2)
_ROOT_TWO_PI = 2.50662827463100050242
_P0 = (-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1,
       -1.23916583867381258016e0)  # fmt: skip
_Q0 = (1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
       2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1,
       -1.18331621121330003142e0)  # fmt: skip
_P1 = (4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1,
       1.46849561928858024014e1, 2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2,
       -8.57456785154685413611e-4)  # fmt: skip
_Q1 = (1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
       2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2,
       -9.33259480895457427372e-4)  # fmt: skip
_P2 = (3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0, 1.33303460815807542389e0,
       2.01485389549179081538e-1, 1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6,
       6.23974539184983293730e-9)  # fmt: skip
_Q2 = (1.0, 6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0, 2.16236993594496635890e-1,
       1.34204006088543189037e-2, 3.28014464682127739104e-4, 2.89247864745380683936e-6,
       6.79019408009981274425e-9)  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _polynomial(x: Any, coefficients: Any) -> Any:
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def ndtri(share: Any) -> Any:
    """The value below which a standard normal variable lies with probability `share`; NaN outside 0..1.

    >>> ndtri(0.5), round(ndtri(0.975), 6), ndtri(0.0)
    (0.0, 1.959964, -inf)
    """
    if share == 0.0:
        return -np.inf
    if share == 1.0:
        return np.inf
    if not 0.0 < share < 1.0:
        return np.nan
    lower = True
    y = share
    if y > 1.0 - _SPLIT:
        y = 1.0 - y
        lower = False
    if y > _SPLIT:
        y = y - 0.5
        square = y * y
        x = y + y * (square * _polynomial(square, _P0) / _polynomial(square, _Q0))
        return x * _ROOT_TWO_PI
    x = np.sqrt(-2.0 * np.log(y))
    first = x - np.log(x) / x
    z = 1.0 / x
    top, bottom = (_P1, _Q1) if x < 8.0 else (_P2, _Q2)
    x = first - z * _polynomial(z, top) / _polynomial(z, bottom)
    return -x if lower else x


@njit(cache=True, nogil=True, error_model="numpy")
def yeo_johnson(x: Any, power: Any) -> Any:
    """Yeo and Johnson (2000), doi:10.1093/biomet/87.4.954, as SciPy computes it; NaN stays NaN."""
    if x >= 0.0:
        if abs(power) < _EPSILON:
            return np.log1p(x)
        return np.expm1(power * np.log1p(x)) / power
    if abs(power - 2.0) > _EPSILON:
        return -np.expm1((2.0 - power) * np.log1p(-x)) / (2.0 - power)
    return -np.log1p(-x)


@njit(cache=True, nogil=True, error_model="numpy")
def box_cox(x: Any, power: Any) -> Any:
    """Box and Cox (1964), doi:10.1111/j.2517-6161.1964.tb00553.x, as SciPy computes it; for x above 0."""
    if abs(power) < 1e-19:
        return np.log(x)
    scaled = power * np.log(x)
    if scaled < _LARGEST_LOG:
        return np.expm1(scaled) / power
    sign = 1.0 if power > 0.0 else -1.0
    return sign * np.exp(scaled - np.log(abs(power))) - 1.0 / power


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(x: Any, params: Any, begin: Any, size: Any, sign: Any) -> Any:
    """numpy.interp of x over `size` points (x..., y...) from `begin`; with sign -1 over the mirrored ones."""
    low, high = 0, size  # how many points are <= x
    while low < high:
        middle = (low + high) // 2
        at = sign * params[begin + (middle if sign > 0 else size - 1 - middle)]
        if at <= x:
            low = middle + 1
        else:
            high = middle
    left = max(low - 1, 0)
    here = begin + (left if sign > 0 else size - 1 - left)
    if low == 0 or low == size or sign * params[here] == x:
        return sign * params[here + size]
    there = here + (1 if sign > 0 else -1)
    x0, x1 = sign * params[here], sign * params[there]
    y0, y1 = sign * params[here + size], sign * params[there + size]
    return (y1 - y0) / (x1 - x0) * (x - x0) + y0


@njit(cache=True, nogil=True, error_model="numpy")
def interpolate_both_ways(x: Any, params: Any, begin: Any, size: Any) -> Any:
    """The mean of interpolating upwards and downwards: the middle of the answers where points share their x."""
    return 0.5 * (_interpolate(x, params, begin, size, 1.0) - _interpolate(-x, params, begin, size, -1.0))
