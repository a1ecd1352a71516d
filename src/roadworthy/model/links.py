"""From a model's raw output to a probability, in each library's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from roadworthy.kernels import njit

__all__ = ["LINKS", "PLAIN", "complement", "logit_float32"]

PLAIN = ("identity", "to_float32")
"""The links of scorers that add up probabilities, and so explain them."""


def _identity(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    return margin


def _expit(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """scikit-learn's own: scipy's expit in float64."""
    return np.asarray(expit(margin), dtype=np.float64)


@njit(cache=True, nogil=True)
def _sigmoid(margin: Any) -> Any:
    """LightGBM's own: 1 / (1 + exp(-x)) with the C library's exp in float64."""
    out = np.empty(margin.shape[0], dtype=np.float64)
    for i in range(margin.shape[0]):
        out[i] = 1.0 / (1.0 + np.exp(-margin[i]))
    return out


@njit(cache=True, nogil=True)
def _sigmoid_float32(margin: Any) -> Any:
    """XGBoost's own: float32 throughout with the C library's expf, the exponent capped at 88.7."""
    one = np.float32(1.0)
    out = np.empty(margin.shape[0], dtype=np.float64)
    for i in range(margin.shape[0]):
        x = -np.float32(margin[i])
        x = min(x, np.float32(88.7))
        out[i] = one / (np.exp(x) + one + np.float32(1e-16))
    return out


@njit(cache=True, nogil=True)
def _logistic_float32(margin: Any) -> Any:
    """ONNX Runtime's own, of doubles too, in float32: 1 / (1 + exp(-|x|)) by the C library's expf; from 1 below 0."""
    one = np.float32(1.0)
    out = np.empty(margin.shape[0], dtype=np.float64)
    for i in range(margin.shape[0]):
        x = np.float32(margin[i])
        y = one / (one + np.exp(-abs(x)))
        out[i] = one - y if x < 0 else y
    return out


def _to_float32(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    return margin.astype(np.float32).astype(np.float64)


@njit(cache=True, nogil=True)
def logit_float32(probability: Any) -> Any:
    """XGBoost's margin of a base score: -log(1 / p - 1) with the C library's logf."""
    one = np.float32(1.0)
    return -np.log(one / np.float32(probability) - one)


LINKS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "identity": _identity,
    "expit": _expit,
    "sigmoid": _sigmoid,
    "sigmoid_float32": _sigmoid_float32,
    "logistic_float32": _logistic_float32,
    "to_float32": _to_float32,
}
"""By the name that a package's manifest carries; names are part of the protocol."""


def complement(link: str, probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - probability, in the width in which the library of this link takes it.

    >>> complement("expit", np.array([0.25]))
    array([0.75])
    """
    if link.endswith("float32"):
        return (np.float32(1.0) - probability.astype(np.float32)).astype(np.float64)
    return 1.0 - probability
