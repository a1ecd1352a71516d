"""Is a product fit to go live? Every file is read and every fault listed, not just the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from roadworthy.contract import Contract
from roadworthy.errors import MeasureError, PolicyError, ProductError, RoadworthyError
from roadworthy.measures import join_horizons
from roadworthy.model import Package, true_reasons_sentence
from roadworthy.pipeline.workspace import Workspace
from roadworthy.policy import CaseResult, Policy, find_faults, list_missing_behaviour, run_cases
from roadworthy.product import Product, missing_purpose
from roadworthy.yaml_file import read_document

__all__ = ["CheckResult", "check_product"]

T = TypeVar("T")


@dataclass(frozen=True)
class CheckResult:
    """`faults` stand in the way of going live; `notes` are to be read; `cases` are the policy's own, run.

    `unstated` are those faults that only say that the purpose is open: a trial goes on without it.
    """

    faults: tuple[str, ...]
    notes: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    unstated: tuple[str, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.faults


def check_product(workspace: Workspace) -> CheckResult:
    """Read every file of the product and run the policy's cases, with the sealed model where there is one."""
    faults: list[str] = []
    notes: list[str] = []

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except RoadworthyError as error:
            faults.append(str(error))
            return None

    product = attempt(lambda: workspace.product)
    unstated = [] if product is None else _list_unstated(workspace, product)
    faults += unstated
    contract = attempt(lambda: workspace.contract)
    package: Package | None = None
    if product is not None and workspace.package.exists():
        package = attempt(lambda: workspace.read_package(workspace.package))
    elif product is not None:
        notes.append("no sealed model yet: `roadworthy run` makes one")
    if contract is not None:
        notes += _list_guesses(contract)
        if package is not None and package.contract != contract:
            # Where the model was brought along, a run retrains nothing and would leave the fault as it is.
            mend = "roadworthy run" if workspace.trains else "seal the model again, with --contract contract.yaml"
            faults.append(f"contract.yaml is not the one the model was sealed with\n  mend: {mend}")
    if product is not None and package is not None:
        _check_true_reasons(product, package, faults, notes)
    attempt(lambda: workspace.mapping)
    attempt(lambda: workspace.source)
    attempt(lambda: workspace.stages)
    cases: tuple[CaseResult, ...] = ()
    tables = attempt(lambda: workspace.tables)
    if contract is not None and tables is not None:
        found = attempt(lambda: find_faults(workspace.directory / "policy.yaml", contract, tables))
        faults += [str(fault) for fault in found or []]
        if found == []:
            cases = _run_cases(workspace.policy, contract, tables, package)
            faults += [case.sentence for case in cases if case.status == "failed"]
            if product is not None:
                faults += _list_money_faults(workspace, product)
            behaviour = list_missing_behaviour(workspace.policy.compile(contract, tables))
            notes += [f"{line.where}: {line.sentence}" for line in behaviour]
    return CheckResult(tuple(faults), tuple(notes), cases, tuple(unstated))


def _check_true_reasons(product: Product, package: Package, faults: list[str], notes: list[str]) -> None:
    """How often stated reasons were true on the rows that the model was sealed with, against the product's gates."""
    rates = package.evaluation.get("true_reasons")
    if rates is None:
        notes.append("the model was sealed before it was measured how often reasons are true: seal it again")
        return
    gates, count = product.gates.true_reasons, max(rates["count"], 1)
    adjusted, none = rates["adjusted"] / count > gates.adjusted_at_most, rates["none"] / count > gates.none_at_most
    sentence = f"true reasons: {true_reasons_sentence(rates)}"
    if adjusted or none:
        gate = f"none_at_most: {gates.none_at_most:g}" if none else f"adjusted_at_most: {gates.adjusted_at_most:g}"
        faults.append(f"{sentence}\n  mend: train another model; product.yaml says gates.true_reasons.{gate}")
    else:
        notes.append(sentence)


def _list_unstated(workspace: Workspace, product: Product) -> list[str]:
    unstated = missing_purpose(product)
    if not unstated:
        return []
    where = read_document(workspace.directory / "product.yaml", ProductError).where("purpose")
    fields = ", ".join(field.removeprefix("purpose.") for field in unstated)
    return [f"{where}: the purpose does not state: {fields}\n  mend: state it; without a purpose nothing goes live"]


def _list_money_faults(workspace: Workspace, product: Product) -> list[str]:
    """Where the policy prices in another currency or over another horizon than the product is judged by."""
    stated, faults = workspace.policy.economics, []
    if stated is None:
        return []
    document = read_document(workspace.directory / "policy.yaml", PolicyError)
    horizon = product.outcome.horizon_months or product.purpose.horizon_months
    if stated.currency != product.currency:
        where = document.where("economics", "currency")
        faults.append(f"{where}: money is in {stated.currency}, and product.yaml says {product.currency}")
    try:
        join_horizons(stated.horizon_months, horizon, stated.lifetime_factor)
    except MeasureError as error:
        faults.append(f"{document.where('economics', 'horizon_months')}: {error}")
    return faults


def _run_cases(
    policy: Policy, contract: Contract, tables: tuple[Contract, ...], package: Package | None
) -> tuple[CaseResult, ...]:
    usable = package is not None and package.contract == contract
    pd = package.engine.pd if package is not None and usable else None
    return tuple(run_cases(policy, contract, pd, tables=tables))


def _list_guesses(contract: Contract) -> list[str]:
    guessed = [column.name for column in contract.columns if column.guessed]
    if not guessed:
        return []
    return [
        f"contract.yaml: {len(guessed)} of {len(contract.columns)} columns are guessed from data; delete `guessed` "
        f"where a person has looked: {', '.join(guessed[:8])}" + (" ..." if len(guessed) > 8 else "")
    ]
