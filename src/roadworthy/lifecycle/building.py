"""A release built from its files once, when it is made, so that whatever does not fit is refused then and not later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from roadworthy.contract import Column, Contract, parse_contract
from roadworthy.decision import Release
from roadworthy.errors import ContractError, Refused
from roadworthy.live import table_key
from roadworthy.model import load_bytes
from roadworthy.policy import Policy, run_cases
from roadworthy.product import Product, parse_product

__all__ = ["Built", "build_release"]


@dataclass(frozen=True)
class Built:
    """A release and its product, ready to be recorded."""

    release: Release
    product: Product


def build_release(
    package: bytes, policy: str, product: str, tables: Mapping[str, str], *, trusted_types: tuple[str, ...] = ()
) -> Built:
    """The release that these files make; `tables` are the texts of tables/NAME.yaml by NAME.

    PackageError, PolicyError, ProductError, ContractError: a file is wrong, or two do not fit each other. Refused: a
    case of the policy does not get the answer that it states.
    """
    model = load_bytes(package, trusted_types=trusted_types)
    parsed = Policy.parse(policy)
    purpose = parse_product(product)
    contracts = tuple(_read_table(name, text, model.contract) for name, text in sorted(tables.items()))
    release = Release(model, parsed, contracts)
    failed = [
        case for case in run_cases(parsed, model.contract, model.engine.pd, tables=contracts) if case.status == "failed"
    ]
    if failed:
        raise Refused(
            f"{failed[0].sentence}" + (f"; {len(failed) - 1} more fail" if len(failed) > 1 else ""),
            mend="mend the policy or its case; `roadworthy check` runs them all",
        )
    return Built(release, purpose)


def _read_table(name: str, text: str, applications: Contract) -> Contract:
    """A table's contract. ContractError unless it is of that name and joined by a column that applications have."""
    where = f"tables/{name}.yaml"
    contract = parse_contract(text, where)
    if contract.name != name:
        raise ContractError(f"its name is '{contract.name}'", where=where, mend=f"name: {name}")
    key = table_key(contract)
    if key not in applications:
        raise ContractError(
            f"is keyed by '{key}', which applications do not have",
            where=where,
            available=[column.name for column in applications.columns],
            mend="name the key as the application's column is named",
        )
    if _sort(contract[key]) != _sort(applications[key]):
        raise ContractError(
            f"is keyed by '{key}', a {contract[key].type} there and a {applications[key].type} in applications",
            where=where,
            mend="declare it alike in both contracts",
        )
    return contract


def _sort(column: Column) -> str:
    """What a key is compared as."""
    return {"category": "text", "text": "text", "date": "date"}.get(column.type, "number")
