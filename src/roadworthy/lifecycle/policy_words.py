"""A policy in words: what each band and each rule does, for whoever approves it without reading YAML."""

from __future__ import annotations

from roadworthy.policy import Policy, Rule, StatedEconomics

__all__ = [
    "ANSWERED",
    "RULE_DOES",
    "describe_bands",
    "describe_rule",
    "describe_terms",
    "rate_words",
]

ANSWERED = {"approve": "approved", "refer": "referred to a person", "decline": "declined"}
"""What an application is that gets this answer."""
RULE_DOES = {"refer": "refers", "decline": "declines", "pass": "does nothing"}
"""What a rule does where it holds, or where an input is missing."""


def describe_bands(policy: Policy) -> tuple[str, ...]:
    """What happens to each PD, from the lowest to the highest.

    >>> policy = Policy.parse("{name: loans, bands: [{up_to: 0.05, answer: approve}, {answer: decline}]}")
    >>> describe_bands(policy)
    ('a PD below 5.0% is approved', 'a PD of 5.0% or more is declined')
    """
    told, low = [], 0.0
    for band in policy.bands:
        does = ANSWERED[band.answer]
        if band.up_to is None:
            told.append(f"a PD of {rate_words(low)} or more is {does}" if low else f"every PD is {does}")
        elif low:
            told.append(f"a PD from {rate_words(low)} to below {rate_words(band.up_to)} is {does}")
        else:
            told.append(f"a PD below {rate_words(band.up_to)} is {does}")
        low = band.up_to or 0.0
    return tuple(told)


def describe_rule(rule: Rule) -> str:
    """What a rule does, whatever the PD.

    >>> describe_rule(Rule(code="under_age", when="age < 18", then="decline", reason="Applicants must be of age"))
    'declines where age < 18; where an input is missing, it refers'
    """
    return f"{RULE_DOES[rule.then]} where {rule.when}; where an input is missing, it {RULE_DOES[rule.if_missing]}"


def describe_terms(economics: StatedEconomics) -> dict[str, str]:
    """Every term of the economics with where it comes from, by its name."""
    return {name: f"{_value(term.value)} ({term.basis})" for name, term in economics.terms.items()}


def rate_words(rate: float) -> str:
    """A rate as a percentage, with as many digits as it was given.

    >>> rate_words(0.12), rate_words(0.0735)
    ('12.0%', '7.35%')
    """
    figures = f"{100 * rate:.6f}".rstrip("0")
    return f"{figures}0%" if figures.endswith(".") else f"{figures}%"


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
