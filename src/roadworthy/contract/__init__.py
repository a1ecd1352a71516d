"""What an application must look like, and whether it does: one declaration, checked one by one and in a batch."""

from __future__ import annotations

from roadworthy.contract.arrow import to_arrow
from roadworthy.contract.arrow_reading import as_text
from roadworthy.contract.batch import MISSING, UNSEEN, Batch
from roadworthy.contract.bodies import CheckedBodies, check_bodies
from roadworthy.contract.body import check_body
from roadworthy.contract.check import Checked, SetAside, Violation, check_table, column_of, find_writings, outside
from roadworthy.contract.contract_file import contract_digest, contract_yaml, parse_contract, read_contract
from roadworthy.contract.document import document_contract
from roadworthy.contract.facts import ColumnFacts
from roadworthy.contract.infer import infer_contract
from roadworthy.contract.profile import profile_columns
from roadworthy.contract.schema import RESERVED, Column, ColumnType, Contract, Outside, Role
from roadworthy.contract.shapes import application_struct, json_schema
from roadworthy.contract.words import say_number

__all__ = [
    "MISSING",
    "RESERVED",
    "UNSEEN",
    "Batch",
    "Checked",
    "CheckedBodies",
    "Column",
    "ColumnFacts",
    "ColumnType",
    "Contract",
    "Outside",
    "Role",
    "SetAside",
    "Violation",
    "application_struct",
    "as_text",
    "check_bodies",
    "check_body",
    "check_table",
    "column_of",
    "contract_digest",
    "contract_yaml",
    "document_contract",
    "find_writings",
    "infer_contract",
    "json_schema",
    "outside",
    "parse_contract",
    "profile_columns",
    "read_contract",
    "say_number",
    "to_arrow",
]
