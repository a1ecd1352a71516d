"""The policy that `roadworthy init` writes: a sound place to start from, every assumption marked as one.

Cut-offs. Applications are approved while their PD is below the portfolio's base rate, and declined from where the odds
of going bad are twice the base odds: `2 p / (1 + p)` for a base rate p, one pdo in points. Between the two a person
decides. A base rate of 8% thus approves below 8%, refers up to 14.8% and declines from there. `cut_offs` replaces both:
one number approves below it and declines from it, two leave room to refer between them.

Economics. Per unit of the contract's amount and year: 12% interest and fees, 3% funding, 1% servicing; an exposure at
default of the whole amount (no repayment is counted, which is on the safe side) of which 55% is lost; a review by a
person costs 0.5% of the amount. All of it is assumed and marked so. Without a column of money there is no amount to
price, and no money is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.contract import Contract
from roadworthy.errors import UsageError
from roadworthy.policy.checking import check_alone
from roadworthy.policy.expression import is_plain_name, quote_text
from roadworthy.policy.policy import Policy
from roadworthy.policy.schema import Band, Case, StatedEconomics, StatedTerm

__all__ = ["starting_policy"]

_YEARLY = {"revenue": 0.12, "funding": 0.03, "servicing": 0.01}
_ONCE = {"ead": 1.0, "review": 0.005}
_LGD = 0.55


def starting_policy(
    contract: Contract,
    *,
    base_rate: float,
    cut_offs: Sequence[float] | None = None,
    amount: str | None = None,
    currency: str = "EUR",
    horizon_months: int = 12,
    cases: Sequence[Case] = (),
) -> Policy:
    """A policy for `contract` with no rules yet, bands placed by `base_rate` or by `cut_offs`, economics assumed.

    `base_rate` is the share of bads, in 0..1 without its ends. `cut_offs` are one or two rising PDs. `amount` names the
    column of money lent, by default the first number with the role money. Raises UsageError for a base rate, a count of
    cut-offs or an amount that cannot be, and PolicyError for cut-offs, a currency, a horizon or cases that a policy may
    not have.

    >>> from roadworthy.contract import Column, Contract
    >>> contract = Contract(name="loans", columns=(Column(name="amount", type="number", role="money"),))
    >>> policy = starting_policy(contract, base_rate=0.08)
    >>> [(band.up_to, band.answer) for band in policy.bands]
    [(0.08, 'approve'), (0.148, 'refer'), (None, 'decline')]
    >>> policy.economics.terms["revenue"]
    StatedTerm(value='0.12 * amount', basis='assumed', after_months=0.0)
    """
    if not 0 < base_rate < 1:
        raise UsageError(
            f"a base rate lies between 0 and 1, not {base_rate:g}", mend="it is the share of bads: 0.08 for 8%"
        )
    policy = Policy(
        name=contract.name,
        bands=_place_bands(_choose_cut_offs(base_rate) if cut_offs is None else tuple(cut_offs)),
        economics=_assume_economics(_find_amount(contract, amount), currency, horizon_months),
        cases=tuple(cases),
    )
    for fault in check_alone(policy):
        raise fault
    return policy


def _choose_cut_offs(base_rate: float) -> tuple[float, ...]:
    exact = (base_rate, 2 * base_rate / (1 + base_rate))
    rounded = tuple(float(f"{cut_off:.3g}") for cut_off in exact)
    for low, high in (rounded, exact):
        if 0 < low < high < 1:
            return low, high
    return (base_rate,)


def _place_bands(cut_offs: tuple[float, ...]) -> tuple[Band, ...]:
    match cut_offs:
        case (low,):
            return (Band(up_to=low, answer="approve"), Band(answer="decline"))
        case (low, high):
            return (Band(up_to=low, answer="approve"), Band(up_to=high, answer="refer"), Band(answer="decline"))
    raise UsageError(f"a policy starts with one or two cut-offs, not {len(cut_offs)}")


def _find_amount(contract: Contract, amount: str | None) -> str | None:
    numbers = [column for column in contract.columns if column.type in ("number", "integer")]
    if amount is not None:
        if amount not in (column.name for column in numbers):
            raise UsageError(f"there is no column '{amount}' of numbers", available=[column.name for column in numbers])
        return amount
    return next((column.name for column in numbers if column.role == "money"), None)


def _assume_economics(amount: str | None, currency: str, horizon_months: int) -> StatedEconomics | None:
    if amount is None:
        return None
    # In money terms, unlike in rules, a column whose name is no plain word stands in quotes.
    column = amount if is_plain_name(amount) else quote_text(amount)
    factors = {name: yearly * horizon_months / 12 for name, yearly in _YEARLY.items()} | _ONCE
    terms = {
        name: StatedTerm(value=column if factor == 1 else f"{round(factor, 6):g} * {column}", basis="assumed")
        for name, factor in factors.items()
    }
    terms["lgd"] = StatedTerm(value=_LGD, basis="assumed")
    order = ("revenue", "funding", "ead", "lgd", "review", "servicing")
    return StatedEconomics(
        currency=currency, horizon_months=horizon_months, terms={name: terms[name] for name in order}
    )
