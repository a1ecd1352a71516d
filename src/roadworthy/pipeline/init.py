"""From a file of past applications to a product's directory: `roadworthy init` (R1, R4, R5)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.batch import PAST, Source, SourceMapping, map_columns, open_table, sources_yaml
from roadworthy.contract import (
    RESERVED,
    Column,
    ColumnFacts,
    Contract,
    Role,
    check_table,
    contract_yaml,
    infer_contract,
    profile_columns,
)
from roadworthy.errors import DataError, UsageError
from roadworthy.model import Package, load
from roadworthy.pipeline.cases import starting_cases
from roadworthy.pipeline.findings import (
    Finding,
    find_constants,
    find_duplicates,
    find_identifiers,
    find_imbalance,
    find_later_dates,
    find_set_aside,
    find_unread_text,
    is_identifier,
)
from roadworthy.pipeline.leaks import find_leaks
from roadworthy.pipeline.leave_out import refuse_our_names
from roadworthy.pipeline.writing import fill_template, refuse_existing, write_directory
from roadworthy.policy import Policy, policy_yaml, starting_policy
from roadworthy.product import (
    Data,
    Labels,
    Outcome,
    Product,
    label_outcomes,
    missing_purpose,
    product_yaml,
    read_answers,
    read_days,
    read_weights,
    settle_outcome,
    unknown_column,
)
from roadworthy.settings import read_settings

__all__ = ["InitResult", "init_product"]

_HORIZON_WITHOUT_DATES = 12


@dataclass(frozen=True)
class InitResult:
    """What `init_product` wrote and found.

    `directory` holds `written` (paths within it); `set_aside` is where an earlier directory of that name went. `counts`
    are the rows by outcome and `base_rate` the share of bads among those judged, weighted where a weight is given.
    `notes` say what was assumed, `findings` what a person should look at.
    """

    directory: Path
    written: tuple[str, ...]
    product: Product
    contract: Contract
    counts: Mapping[str, int]
    base_rate: float
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    set_aside: Path | None = None


def init_product(
    data: Path,
    *,
    target: str,
    out: Path,
    bad: Sequence[str] = (),
    good: Sequence[str] = (),
    answer: str | None = None,
    declined: Sequence[str] = (),
    booked_date: str | None = None,
    outcome_date: str | None = None,
    id: str | None = None,  # noqa: A002 the flag's own name
    date: str | None = None,
    amount: str | None = None,
    branch: str | None = None,
    applicant_name: str | None = None,
    weight: str | None = None,
    drop: Sequence[str] = (),
    money: Sequence[str] = (),
    group: Sequence[str] = (),
    package: Path | None = None,
    answers: Path | None = None,
    name: str | None = None,
    force: bool = False,
) -> InitResult:
    """Write the directory of a product whose past applications are in `data`, whole or not at all.

    `target` says how an application turned out; `bad` and `good` are its values where they do not speak for
    themselves, and what is neither is indeterminate. Rows whose `answer` is one of `declined` are kept and never
    trained on as good; with `booked_date`, what is younger than the horizon is censored. `id` and `date` become the
    application's id and time; `amount` prices the starting policy; `branch` says who sees it, `applicant_name` is what
    people search by and no model reads; `weight` says how many applications a row stands
    for. Columns of `money` price decisions and `group` columns watch fairness; no model reads either. With
    `package` its contract is taken and nothing is to be trained. `answers` is a YAML file with the purpose, which else
    is left for a person.

    Raises DataError, UsageError, ProductError or PackageError, each with the mend, and then leaves nothing behind.
    """
    refuse_existing(out, force=force)
    source = open_table(data)
    table = source.read()
    refuse_our_names(table)
    named = {"--id": id, "--date": date, "--amount": amount, "--weight": weight, "--branch": branch}
    named |= {"--name": applicant_name} | {f"--drop {c}": c for c in drop}
    named |= {f"--money {c}": c for c in money} | {f"--group {c}": c for c in group}
    _check_names(table, target, named)
    stated = None if answers is None else read_answers(answers)
    dated = stated if booked_date is not None else None
    outcome, decided = settle_outcome(
        table,
        Outcome(
            target=target, bad=tuple(bad), good=tuple(good), answer=answer, declined=tuple(declined),
            booked_date=booked_date, outcome_date=outcome_date,
            horizon_months=None if dated is None else dated.purpose.horizon_months,
            as_of=None if dated is None else dated.as_of,
        ),
    )  # fmt: skip
    labels = label_outcomes(table, outcome)
    weights = None if weight is None else read_weights(table, weight)
    base_rate = _base_rate(labels, weights, target)
    product = Product(
        name=name or out.resolve().name,
        outcome=outcome,
        data=Data(
            id=id,
            date=date,
            amount=amount,
            weight=weight,
            branch=branch,
            name=applicant_name,
            drop=tuple(dict.fromkeys(drop)),
        ),
        package=None if package is None else package.name,
    )
    product = product if stated is None else stated.applied_to(product)
    sealed = None if package is None else load(package, trusted_types=read_settings(out).trusted)
    roles: dict[str, Role] = {**dict.fromkeys(money, "money"), **dict.fromkeys(group, "group")}
    if applicant_name is not None:
        roles[applicant_name] = "identity"
    facts = profile_columns(table.select(_own_columns(table, product)))
    contract = _make_contract(table, product, facts, roles) if sealed is None else sealed.contract
    mapping = _map_source(source, product, out)
    checked = check_table(contract, map_columns(table, mapping, contract))
    if not len(checked.batch):
        first = checked.set_aside.violations()[0]
        raise DataError(
            f"no row keeps to the contract; the first: {first.path} {first.message}",
            where=data,
            mend="--drop the column, or mend its values",
        )
    kept_weights = None if weights is None else weights[checked.rows]
    findings = [
        *find_leaks(checked.batch, labels.bad[checked.rows], kept_weights),
        *find_set_aside(checked.set_aside, table.num_rows),
        *_look_at_columns(table, product, [fact for fact in facts if fact.name in contract], labels),
        *find_imbalance(labels.bad, base_rate, weighted=weight is not None),
    ]
    policy = starting_policy(
        contract,
        base_rate=base_rate,
        amount=amount,
        currency=product.currency,
        horizon_months=outcome.horizon_months or product.purpose.horizon_months or _HORIZON_WITHOUT_DATES,
        cases=starting_cases(checked.batch, labels.bad[checked.rows], base_rate),
    )
    files: dict[str, str | Path] = {
        "product.yaml": product_yaml(product),
        "contract.yaml": contract_yaml(contract),
        "policy.yaml": policy_yaml(policy),
        "sources.yaml": sources_yaml({PAST: mapping}),
        "stages.py": fill_template("stages.py", name=product.name, package=product.package),
        "tests/test_stages.py": fill_template("test_stages.py", name=product.name, package=product.package),
        "README.md": fill_template(
            "README.md",
            name=product.name,
            package=product.package,
            data=data.name,
            rows=f"{table.num_rows:,}",
            counts=_count_words(labels),
            findings=findings,
        ),
    }
    if package is not None:
        files[package.name] = package
    before = write_directory(out, files)
    return InitResult(
        directory=out,
        written=tuple(files),
        product=product,
        contract=contract,
        counts=labels.counts,
        base_rate=base_rate,
        notes=(
            *source.notes,
            *decided,
            *labels.notes,
            *_tell_cut_offs(policy, sealed, product, data),
            *_ask_purpose(product),
        ),
        findings=tuple(findings),
        set_aside=before,
    )


def _tell_cut_offs(policy: Policy, sealed: Package | None, product: Product, data: Path) -> Iterator[str]:
    """Which cut-offs the policy starts with, where the model came along and somebody has others in mind."""
    if sealed is None:
        return
    *bounded, last = policy.bands
    starts = [
        f"{band.answer} below {'' if place else 'a PD of '}{band.up_to or 0.0:.3g}"
        for place, band in enumerate(bounded)
    ]
    meant = ", ".join(f"{one['cut_off']:.3g}" for one in sealed.evaluation.get("confusion", ()))
    yield (
        f"the cut-offs are placed by the base rate of {data.name}, because a package holds no policy: "
        f"{', '.join(starts)}, {last.answer} from there"
        + (f". {product.package} was sealed for {meant}" if meant else "")
        + ". Write your own in policy.yaml, under bands, and seal with the same --cut-offs"
    )


def _check_names(table: pa.Table, target: str, named: Mapping[str, str | None]) -> None:
    for flag, column in {"--target": target, **named}.items():
        if column is not None and column not in table.column_names:
            raise unknown_column(column, table.column_names, flag.split()[0])
        if column == target and flag != "--target":
            raise UsageError(f"{target!r} is the outcome and cannot be given as {flag.split()[0]} too")


def _base_rate(labels: Labels, weights: NDArray[np.float64] | None, target: str) -> float:
    judged = labels.bad[labels.usable]
    if len(np.unique(judged)) < 2:
        only = (
            "no outcome can be judged"
            if not len(judged)
            else f"all outcomes judged are {'bad' if judged[0] else 'good'}"
        )
        raise DataError(
            f"{only}: both bad and good ones are needed",
            available=[f"{name} ({count:,})" for name, count in labels.counts.items()],
            mend=f"use a file with both, or look at --bad, --good and the dates of {target!r}",
        )
    return float(np.average(judged, weights=None if weights is None else weights[labels.usable]))


def _own_columns(table: pa.Table, product: Product) -> list[str]:
    """What is left when all that is not an application's own is taken away."""
    data = product.data
    taken = {*product.outcome.columns, *data.drop, data.id, data.date, data.weight, *RESERVED}
    own = [name for name in table.column_names if name not in taken]
    if not own:
        raise DataError("no column is left to decide by", available=table.column_names, mend="fewer columns in --drop")
    return own


def _make_contract(
    table: pa.Table, product: Product, facts: Sequence[ColumnFacts], roles: Mapping[str, Role]
) -> Contract:
    """The contract guessed from an application's own columns."""
    numbered = {fact.name for fact in facts if fact.name not in roles and is_identifier(fact, table.num_rows)}
    guessed = infer_contract(table.select([fact.name for fact in facts]), name=product.name, roles=roles)
    contract = Contract(name=guessed.name, columns=tuple(_relax(column, numbered) for column in guessed.columns))
    if not contract.inputs:
        raise DataError(
            "no column is left for a model to read",
            available=[f"{column.name} ({column.type}, {column.role})" for column in contract.columns],
            mend="bring a file with numbers or categories that were known when the application was decided",
        )
    return contract


def _relax(column: Column, numbered: set[str]) -> Column:
    """What only numbers the rows is no input; and what no model reads, no caller should have to send."""
    if column.name in numbered:
        guessed = tuple(field for field in column.guessed if field != "range")
        return msgspec.structs.replace(column, role="identity", missing=True, range=None, guessed=guessed)
    return column if column.role == "input" else msgspec.structs.replace(column, missing=True)


def _map_source(source: Source, product: Product, out: Path) -> SourceMapping:
    path, start = source.path.resolve(), out.resolve()
    near = os.path.commonpath([path, start.parent]) != path.anchor
    return SourceMapping(
        file=Path(os.path.relpath(path, start)).as_posix() if near else path.as_posix(),
        format=source.format,
        application_id=product.data.id,
        applied_at=product.data.date,
    )


def _look_at_columns(table: pa.Table, product: Product, facts: Sequence[ColumnFacts], labels: Labels) -> list[Finding]:
    telling = [fact.name for fact in facts if not is_identifier(fact, table.num_rows)]
    found = [
        *find_identifiers(facts, table.num_rows, id_stated=product.data.id is not None),
        *find_constants(facts),
        *find_unread_text(facts, table.num_rows),
        *find_duplicates(table.select(telling), labels.bad),
    ]
    decided = product.data.date or product.outcome.booked_date
    if decided is not None:
        days = read_days(table, decided)
        later = {fact.name: read_days(table, fact.name) for fact in facts if fact.type == "date" and fact.missing < 1}
        found += find_later_dates(later, days, decided)
    return found


def _count_words(labels: Labels) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in labels.counts.items() if count)


def _ask_purpose(product: Product) -> list[str]:
    missing = missing_purpose(product)
    return (
        [f"to be stated by a person in product.yaml before anything goes live: {', '.join(missing)}"] if missing else []
    )
