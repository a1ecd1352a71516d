"""What the product is for and what its outcome means: product.yaml, and past applications labelled by it."""

from __future__ import annotations

from roadworthy.product.declaration import (
    Data,
    Gates,
    Load,
    Monitoring,
    Outcome,
    Product,
    Purpose,
    Reasons,
    TrueReasons,
    missing_purpose,
)
from roadworthy.product.labels import (
    OUTCOMES,
    Labels,
    add_months,
    label_outcomes,
    read_days,
    settle_outcome,
    unknown_column,
)
from roadworthy.product.weights import read_weights
from roadworthy.product.writing import parse_product, product_yaml, read_answers, read_product

__all__ = [
    "OUTCOMES",
    "Data",
    "Gates",
    "Labels",
    "Load",
    "Monitoring",
    "Outcome",
    "Product",
    "Purpose",
    "Reasons",
    "TrueReasons",
    "add_months",
    "label_outcomes",
    "missing_purpose",
    "parse_product",
    "product_yaml",
    "read_answers",
    "read_days",
    "read_product",
    "read_weights",
    "settle_outcome",
    "unknown_column",
]
