"""What an application must look like, and whether it does: one declaration, checked one by one and in a batch."""

from __future__ import annotations

from roadworthy.contract.arrow import to_arrow
from roadworthy.contract.batch import MISSING, UNSEEN, Batch
from roadworthy.contract.check import Checked, SetAside, Violation, check_table, outside
from roadworthy.contract.contract_file import contract_digest, contract_yaml, read_contract
from roadworthy.contract.infer import infer_contract
from roadworthy.contract.profile import ColumnFacts, profile_columns
from roadworthy.contract.schema import RESERVED, Column, ColumnType, Contract, Outside, Role

__all__ = [
    "MISSING",
    "RESERVED",
    "UNSEEN",
    "Batch",
    "Checked",
    "Column",
    "ColumnFacts",
    "ColumnType",
    "Contract",
    "Outside",
    "Role",
    "SetAside",
    "Violation",
    "check_table",
    "contract_digest",
    "contract_yaml",
    "infer_contract",
    "outside",
    "profile_columns",
    "read_contract",
    "to_arrow",
]
