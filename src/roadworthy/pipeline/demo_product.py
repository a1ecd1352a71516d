"""What a team would write by hand into the demo's files: roles, descriptions, reasons, rules and economics."""

from __future__ import annotations

import msgspec

from roadworthy.contract import Column, Contract
from roadworthy.policy import Policy, Rule, StatedEconomics, StatedReason, StatedTerm
from roadworthy.portfolio import HORIZON_MONTHS, describe

__all__ = ["GROUP", "MONEY", "edit_contract", "edit_policy"]

MONEY = (
    "rate", "funding_rate", "servicing_per_month", "scheduled_interest", "scheduled_funding", "scheduled_servicing",
    "scheduled_exposure",
)  # fmt: skip
"""Columns that price a decision; the price follows from the bank's old grades, so the model must not learn from it."""
GROUP = ("age", "region")
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
_REFER_UP_TO = 1.25
_TERMS = {
    "revenue": StatedTerm(value="scheduled_interest", basis="measured"),
    "funding": StatedTerm(value="scheduled_funding", basis="measured"),
    "ead": StatedTerm(value="scheduled_exposure", basis="assumed"),
    "lgd": StatedTerm(value=0.55, basis="assumed"),
    "review": StatedTerm(value=25.0, basis="assumed"),
    "servicing": StatedTerm(value="scheduled_servicing", basis="measured"),
}


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
    # A narrow band for people: what the officers of a small bank can look at.
    narrow = msgspec.structs.replace(refer, up_to=round((approve.up_to or 0.0) * _REFER_UP_TO, 4))
    return msgspec.structs.replace(
        policy,
        bands=(approve, narrow, decline),
        rules=_RULES,
        reasons=msgspec.structs.replace(policy.reasons, texts=texts),
        economics=StatedEconomics(currency="EUR", horizon_months=HORIZON_MONTHS, terms=_TERMS),
        cases=cases,
    )
