"""What a team would write by hand into the demo's files: roles, descriptions, reasons, rules and economics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from roadworthy.contract import Column, Contract, contract_yaml
from roadworthy.pipeline.demo.tables import MERCHANTS
from roadworthy.pipeline.init import init_product
from roadworthy.policy import Expected, Policy, Rule, StatedEconomics, StatedReason, StatedTerm, policy_yaml
from roadworthy.portfolio import HORIZON_MONTHS, describe
from roadworthy.yaml_file import write_text

__all__ = ["edit_contract", "edit_policy", "make_product"]

_NAME = "loans"
_ANSWERS = f"""\
# The purpose of the demo's product, as a person would state it.
purpose:
  decision: approve, refer or decline an application for an instalment loan
  owner: Ines Marlow, head of consumer lending (made up, like everything in the demo)
  used_by: loan officers in the branches, and the web shop
  where: at the point of sale, and in the officers' queue
  bad_outcome: default within {HORIZON_MONTHS} months of booking
  horizon_months: {HORIZON_MONTHS}
  success: profit over {HORIZON_MONTHS} months, against approving as the bank did before
"""

_MONEY = (
    "rate", "funding_rate", "servicing_per_month", "scheduled_interest", "scheduled_funding", "scheduled_servicing",
    "scheduled_exposure",
)  # fmt: skip
"""Columns that price a decision; the price follows from the bank's old grades, so the model must not learn from it."""
_GROUP = ("age", "region")
_IDENTITY = ("branch", "officer", "merchant")

_REASONS: dict[str, StatedReason | str] = {
    "income": StatedReason(
        higher="Income is unusual for this kind of loan",
        lower="Income is low for the amount applied for",
        missing="Income was not stated",
    ),
    "employment_years": StatedReason(
        higher="Time with the present employer", lower="Time with the present employer is short",
        missing="Time with the present employer was not stated",
    ),
    "employment_type": "Kind of employment",
    "housing": "Housing situation",
    "purpose": "Purpose of the loan",
    "channel": "Way in which the application reached us",
    "amount": StatedReason(higher="The amount applied for is high", lower="The amount applied for is small"),
    "term_months": StatedReason(higher="The term applied for is long", lower="The term applied for is short"),
    "bureau_score": StatedReason(
        higher="Credit bureau score", lower="Credit bureau score is low", missing="There is no credit history yet"
    ),
    "utilisation": StatedReason(
        higher="Much of the revolving credit limits is in use", lower="Little of the revolving credit limits is in use",
        missing="There are no revolving credit limits on file",
    ),
    "delinquencies_24m": StatedReason(
        higher="Late payments in the last 24 months", lower="Late payments in the last 24 months"
    ),
    "inquiries_6m": StatedReason(
        higher="Many credit inquiries in the last 6 months", lower="Credit inquiries in the last 6 months"
    ),
    "months_since_last_delinquency": StatedReason(
        higher="Time since the last late payment", lower="The last late payment is recent",
        missing="Time since the last late payment",
    ),
    "existing_loans": "Number of loans running elsewhere",
    "debt_to_income": StatedReason(
        higher="Instalments are high for the income", lower="Instalments in relation to income",
        missing="Instalments in relation to income could not be worked out",
    ),
    "savings": "Savings, as far as they were disclosed",
}  # fmt: skip
_RULES = (
    Rule(code="too_young", when="age < 18", then="decline", if_missing="refer", reason="Applicants must be of age"),
    Rule(
        code="instalments_too_high",
        when="debt_to_income > 0.9",
        then="decline",
        if_missing="refer",
        reason="Instalments would take more than nine tenths of the income",
    ),
    Rule(
        code="large_amount",
        when="amount > 40000",
        then="refer",
        if_missing="refer",
        reason="Amounts above 40,000 EUR are looked at by a person",
    ),
)
_MERCHANTS_RULE = Rule(
    code="above_merchants_limit",
    when="amount > merchants.max_amount",
    then="refer",
    if_missing="pass",
    reason="The amount is above what is lent through this merchant without a person's look",
)
"""An application without a merchant has no limit of one."""
_REFER_UP_TO = 1.25
_TERMS = {
    "revenue": StatedTerm(value="scheduled_interest", basis="measured"),
    "funding": StatedTerm(value="scheduled_funding", basis="measured"),
    "ead": StatedTerm(value="scheduled_exposure", basis="assumed"),
    "lgd": StatedTerm(value=0.55, basis="assumed"),
    "review": StatedTerm(value=25.0, basis="assumed"),
    "servicing": StatedTerm(value="scheduled_servicing", basis="measured"),
}


def make_product(data: Path, directory: Path, policy: Policy | None = None) -> Mapping[str, int]:
    """Make a product's directory of past applications, and edit its files; how many rows came to which outcome.

    `policy` takes the place of the one that is made of the data.
    """
    answers = directory.parent / "purpose.yaml"
    write_text(answers, _ANSWERS)
    made = init_product(
        data,
        target="default",
        out=directory,
        answer="answer",
        booked_date="booked_date",
        outcome_date="outcome_date",
        id="application_id",
        date="applied_at",
        amount="amount",
        branch="branch",
        money=_MONEY,
        group=_GROUP,
        answers=answers,
        name=_NAME,
        force=True,
    )
    contract = edit_contract(made.contract)
    write_text(directory / "contract.yaml", contract_yaml(contract))
    tables = directory / "tables"
    tables.mkdir()
    write_text(tables / f"{MERCHANTS.name}.yaml", contract_yaml(MERCHANTS))
    policy = policy or edit_policy(Policy.load(directory / "policy.yaml"), contract)
    write_text(directory / "policy.yaml", policy_yaml(policy))
    return made.counts


def edit_contract(contract: Contract) -> Contract:
    """The guessed contract as a person confirms it: roles, descriptions, a legal age that rules may read."""
    said = describe()

    def edit(column: Column) -> Column:
        changed: dict[str, object] = {"description": said.get(column.name, ""), "guessed": ()}
        if column.name in _IDENTITY:
            changed |= {"role": "identity", "missing": True, "type": "text", "allowed": None}
        if column.name == "age":
            changed |= {"role": "identity", "range": (0.0, 120.0), "outside": "set_aside"}
        return msgspec.structs.replace(column, **changed)

    return msgspec.structs.replace(contract, columns=tuple(edit(column) for column in contract.columns))


def edit_policy(policy: Policy, contract: Contract) -> Policy:
    """The starting policy with the demo's rules, reasons and economics."""
    texts = {name: text for name, text in _REASONS.items() if name in contract}
    # The starting cases state what a model reads; the rules read the age besides.
    cases = tuple(msgspec.structs.replace(case, inputs={"age": 41, **case.inputs}) for case in policy.cases)
    approve, refer, decline = policy.bands
    asked = cases[0].inputs
    row = {"merchant": "Amberline Motors", "sells": "car", "arrears_share": 0.02, "complaint_rate": 0.01}
    through = msgspec.structs.replace(
        cases[0],
        name="the same applicant, above what is lent through the merchant",
        inputs={**asked, "merchant": row["merchant"]},
        tables={MERCHANTS.name: {**row, "max_amount": asked["amount"] - 100}},
        expect=Expected(answer="refer", rules=(_MERCHANTS_RULE.code,)),
    )
    # A narrow band for people: what the officers of a small bank can look at.
    narrow = msgspec.structs.replace(refer, up_to=round((approve.up_to or 0.0) * _REFER_UP_TO, 4))
    return msgspec.structs.replace(
        policy,
        bands=(approve, narrow, decline),
        rules=(*_RULES, _MERCHANTS_RULE),
        reasons=msgspec.structs.replace(policy.reasons, texts=texts),
        economics=StatedEconomics(currency="EUR", horizon_months=HORIZON_MONTHS, terms=_TERMS),
        cases=(*cases, through),
    )
