"""What an applicant reads: the code and the text of each reason, stable from release to release."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

from roadworthy.contract import Column, Contract
from roadworthy.errors import UsageError
from roadworthy.policy.schema import RESERVED_CODES, Language, StatedReason

if TYPE_CHECKING:
    from roadworthy.policy.policy import Policy

__all__ = ["Direction", "assign_reason_codes", "choose_language", "language_text", "reason_text", "rule_text"]

Direction: TypeAlias = Literal["higher", "lower", "different", "missing"]
"""How the applicant's value lies to the reference's: above, below, another category, or not given."""

_SILENT = Language()
_ENDINGS = {"higher": " is too high", "lower": " is too low", "different": "", "missing": " was not given"}


def assign_reason_codes(contract: Contract) -> dict[str, str]:
    """The reason code of every column: its name in small letters, with _ for what is neither letter nor digit.

    Where two names come out the same, the column whose name is the code itself keeps it; each other one gets the first
    six hex digits of its name's SHA-256 behind, so that no code hangs on the order of the columns. So does a name that
    comes out as one of RESERVED_CODES.

    >>> from roadworthy.contract import Column, Contract
    >>> columns = (Column(name="Annual income", type="number"), Column(name="LIMIT_BAL", type="number"))
    >>> assign_reason_codes(Contract(name="loans", columns=columns))
    {'Annual income': 'annual_income', 'LIMIT_BAL': 'limit_bal'}
    """
    names = [column.name for column in contract.columns]
    slugs = [_slug(name) for name in names]
    shared = {slug for slug in slugs if slugs.count(slug) > 1} if len(set(slugs)) < len(slugs) else set()

    def tell_apart(name: str, slug: str) -> str:
        taken = not slug or slug in RESERVED_CODES or (slug in shared and slug != name)
        return f"{slug}_{_digits(name)}" if taken else slug

    return {name: tell_apart(name, slug) for name, slug in zip(names, slugs, strict=True)}


def reason_text(
    policy: Policy, contract: Contract, column: str, direction: Direction, language: str | None = None
) -> str:
    """The sentence for a reason: the policy's text for the column and direction, else the contract's, else a plain one.

    The plain one is made of the column's description, or of its name. Of a `language` that the policy speaks, its own
    text comes first. UsageError for a column that does not exist.

    >>> from roadworthy.contract import Column, Contract
    >>> from roadworthy.policy import Policy
    >>> debt = Column(name="debt_ratio", type="number", description="Debt in relation to income")
    >>> contract = Contract(name="loans", columns=(debt,))
    >>> policy = Policy.parse("{name: a, bands: [{answer: refer}]}")
    >>> reason_text(policy, contract, "debt_ratio", "higher")
    'Debt in relation to income is too high'
    """
    if column not in contract:
        raise UsageError(f"there is no column '{column}'", available=[known.name for known in contract.columns])
    own = policy.reasons.spoken.get(language or "", _SILENT)
    for texts in (own.texts, policy.reasons.texts):
        stated = texts.get(column)
        if isinstance(stated, str):
            return stated
        if isinstance(stated, StatedReason) and direction != "different":
            text: str | None = getattr(stated, direction)
            if text is not None:
                return text
    return contract[column].reason or _subject(contract[column]) + _ENDINGS[direction]


def language_text(policy: Policy, code: str, text: str, language: str | None, *, missing: bool = False) -> str:
    """What a rule's reason, or a built-in one's, says in `language`: `text` where the policy has none of its own.

    `missing` asks for the text of where it could not be checked.

    >>> from roadworthy.policy import Policy
    >>> text = "{name: a, bands: [{answer: refer}], reasons: {languages: {de: {rules: {no_true_reason: Ein Mensch}}}}}"
    >>> policy = Policy.parse(text)
    >>> language_text(policy, "no_true_reason", "A person decides", "de")
    'Ein Mensch'
    """
    own = policy.reasons.spoken.get(language or "", _SILENT).rules.get(code)
    if isinstance(own, str):
        return text if missing else own
    if own is None:
        return text
    return own.missing or text if missing else own.reason


def choose_language(spoken: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first of `wanted` languages that is spoken, itself or without its region; None where none is.

    >>> choose_language(["de", "fr"], ["en-GB", "fr-CH", "de"])
    'fr'
    """
    known = {language.casefold(): language for language in spoken}
    for language in wanted:
        for tag in (language.casefold(), language.casefold().partition("-")[0]):
            if tag in known:
                return known[tag]
    return None


def rule_text(policy: Policy, code: str) -> str:
    """The reason of the rule with this code; the code itself is the reason's code. UsageError where there is none.

    >>> from roadworthy.policy import Band, Policy, Rule
    >>> rule = Rule(code="under_age", when="age < 18", then="decline", reason="Applicants must be at least 18")
    >>> rule_text(Policy(name="loans", bands=(Band(answer="refer"),), rules=(rule,)), "under_age")
    'Applicants must be at least 18'
    """
    for rule in policy.rules:
        if rule.code == code:
            return rule.reason
    raise UsageError(f"there is no rule '{code}'", available=[rule.code for rule in policy.rules])


def _subject(column: Column) -> str:
    text = column.description.strip().rstrip(".") or column.name.replace("_", " ").strip() or column.name
    return text[:1].upper() + text[1:]


def _slug(name: str) -> str:
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", name).casefold()).strip("_")


def _digits(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
