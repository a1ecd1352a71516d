"""What an application must look like, and whether it does: one declaration, checked one by one and in a batch."""

from __future__ import annotations

from roadworthy.contract.arrow import to_arrow
from roadworthy.contract.batch import MISSING, UNSEEN, Batch
from roadworthy.contract.check import Checked, SetAside, Violation, check_table, outside
from roadworthy.contract.schema import RESERVED, Column, ColumnType, Contract, Outside, Role

__all__ = [
    "MISSING",
    "RESERVED",
    "UNSEEN",
    "Batch",
    "Checked",
    "Column",
    "ColumnType",
    "Contract",
    "Outside",
    "Role",
    "SetAside",
    "Violation",
    "check_table",
    "outside",
    "to_arrow",
]
