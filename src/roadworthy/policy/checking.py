"""What is wrong with a policy: by itself, and against the contract whose columns it names. Every fault has its line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from roadworthy.contract import Contract
from roadworthy.errors import MeasureError, PolicyError
from roadworthy.policy.compiling import Scope, compile_condition, suggest
from roadworthy.policy.expression import iter_names
from roadworthy.policy.parsing import parse_expression
from roadworthy.policy.reasons import assign_reason_codes
from roadworthy.policy.schema import ANSWERS, RESERVED_CODES, Band, Rule

if TYPE_CHECKING:
    from roadworthy.policy.policy import Policy

__all__ = ["check_against", "check_alone"]

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


def check_alone(policy: Policy) -> Iterator[PolicyError]:
    """Every fault that shows without a contract."""
    if not policy.name.strip():
        yield policy.fault("the policy has no name", "name")
    yield from _check_words(policy)
    yield from _check_score(policy)
    yield from _check_bands(policy)
    yield from _check_rules(policy)
    yield from _check_reasons(policy)
    yield from _check_economics(policy)
    yield from _check_cases(policy)


def check_against(policy: Policy, contract: Contract, tables: Iterable[Contract]) -> Iterator[PolicyError]:
    """Every fault that shows against the contract, for a policy without faults of its own."""
    scope = Scope.of(contract, tables)
    codes = {code: column for column, code in assign_reason_codes(contract).items()}
    for position, rule in enumerate(policy.rules):
        where = policy.where("rules", position, "when")
        try:
            node = parse_expression(rule.when)
            compile_condition(node, scope)
            if not any(True for _ in iter_names(node)):
                raise PolicyError("it reads no column", mend="to answer the same for everybody, set the bands")
        except PolicyError as error:
            yield _at(error, where, f"rule {rule.code}: ")
        if rule.code in codes:
            yield policy.fault(
                f"rule {rule.code}: this is the reason code of column '{codes[rule.code]}'",
                "rules", position, "code",
                mend="reasons are told apart by their code: give the rule another",
            )  # fmt: skip
    names = [column.name for column in contract.columns]
    for column in policy.reasons.texts:
        if column not in names:
            yield policy.fault(
                f"reason text for '{column}': there is no such column",
                "reasons", "texts", column,
                available=names, mend=suggest(column, names),
            )  # fmt: skip
    known_rules = {*RESERVED_CODES, *(rule.code for rule in policy.rules)}
    for language, said in policy.reasons.spoken.items():
        for kind, given, there in (("texts", said.texts, names), ("rules", said.rules, sorted(known_rules))):
            for name in given:
                if name not in there:
                    yield policy.fault(
                        f"{language}: there is no {'column' if kind == 'texts' else 'rule'} '{name}'",
                        "reasons", "languages", language, kind, name,
                        available=there, mend=suggest(name, there),
                    )  # fmt: skip
    yield from _check_money_columns(policy, contract)


def _check_money_columns(policy: Policy, contract: Contract) -> Iterator[PolicyError]:
    if policy.economics is None:
        return
    numbers = [column.name for column in contract.columns if column.type in ("number", "integer", "boolean")]
    for name, term in policy.economics.to_economics().terms.items():
        for column in term.columns:
            if column not in numbers:
                yield policy.fault(
                    f"{name}: there is no column '{column}' that is a number",
                    "economics", "terms", name, "value",
                    available=numbers, mend=suggest(column, numbers),
                )  # fmt: skip


def _at(error: PolicyError, where: str, before: str) -> PolicyError:
    return PolicyError(before + error.message, where=where, available=error.available, mend=error.mend)


def _check_words(policy: Policy) -> Iterator[PolicyError]:
    words = [getattr(policy.answer_words, answer) for answer in ANSWERS]
    if any(not word.strip() for word in words) or len(set(words)) < len(words):
        yield policy.fault("the three answers need three different words", "answer_words")


def _check_score(policy: Policy) -> Iterator[PolicyError]:
    scale = policy.score
    for name, value, least in (
        ("base_score", scale.base_score, -math.inf),
        ("base_odds", scale.base_odds, 0.0),
        ("pdo", scale.pdo, 0.0),
    ):
        if not (math.isfinite(value) and value > least):
            needed = "a finite number" + (" above 0" if least == 0 else "")
            yield policy.fault(f"{name} must be {needed}, not {value:g}", "score", name)


def _check_bands(policy: Policy) -> Iterator[PolicyError]:
    bands = policy.bands
    if not bands:
        yield policy.fault(
            "there are no bands", "bands", mend="- {up_to: 0.05, answer: approve} and a last one: - {answer: decline}"
        )
        return
    for position, band in enumerate(bands[:-1]):
        if band.up_to is None:
            yield policy.fault(
                "only the last band may be without up_to", "bands", position, mend="state the PD at which it ends"
            )
        elif not 0 < band.up_to < 1:
            yield policy.fault(
                f"up_to must lie between 0 and 1, not {band.up_to:g}", "bands", position, "up_to",
                mend="a PD is a fraction: 5% is 0.05",
            )  # fmt: skip
    if bands[-1].up_to is not None:
        yield policy.fault(
            f"the bands end at {bands[-1].up_to:g} and leave the PDs above it without an answer",
            "bands", len(bands) - 1, "up_to",
            mend="the last band has no up_to: leave it out",
        )  # fmt: skip
    for position, (before, band) in enumerate(pairwise(bands), start=1):
        yield from _check_order(policy, position, before, band)


def _check_order(policy: Policy, position: int, before: Band, band: Band) -> Iterator[PolicyError]:
    if before.up_to is not None and band.up_to is not None and not before.up_to < band.up_to:
        yield policy.fault(
            f"bands must rise: {band.up_to:g} follows {before.up_to:g}", "bands", position, "up_to",
            mend="order them from the lowest PD to the highest",
        )  # fmt: skip
    if ANSWERS.index(band.answer) < ANSWERS.index(before.answer):
        yield policy.fault(
            f"a riskier band may not be answered more mildly: {band.answer} follows {before.answer}",
            "bands", position, "answer",
            mend="the order is approve, refer, decline",
        )  # fmt: skip


def _check_rules(policy: Policy) -> Iterator[PolicyError]:
    seen: dict[str, int] = {}
    for position, rule in enumerate(policy.rules):
        if not _CODE.fullmatch(rule.code):
            yield policy.fault(
                f"'{rule.code}' cannot be a rule's code", "rules", position, "code",
                mend="up to 64 letters, digits, _ and -, a letter first: under_age",
            )  # fmt: skip
        if rule.code in RESERVED_CODES:
            yield policy.fault(
                f"the code {rule.code} is reserved for decisions themselves", "rules", position, "code",
                mend="give the rule another",
            )  # fmt: skip
        if rule.code in seen:
            first = policy.where("rules", seen[rule.code], "code")
            yield policy.fault(
                f"the code {rule.code} is taken ({first})",
                "rules",
                position,
                "code",
                mend="every rule has its own code",
            )
        seen.setdefault(rule.code, position)
        yield from _check_rule(policy, position, rule)


def _check_rule(policy: Policy, position: int, rule: Rule) -> Iterator[PolicyError]:
    if not rule.reason.strip():
        yield policy.fault(
            f"rule {rule.code} has no reason", "rules", position, "reason", mend="say what the applicant will read"
        )
    try:
        parse_expression(rule.when)
    except PolicyError as error:
        yield _at(error, policy.where("rules", position, "when"), f"rule {rule.code}: ")


def _check_reasons(policy: Policy) -> Iterator[PolicyError]:
    if not 1 <= policy.reasons.max <= 4:
        yield policy.fault(
            f"max must be 1 to 4, not {policy.reasons.max}", "reasons", "max",
            mend="more than four reasons do not help the applicant (Regulation B, comment 9(b)(2)-1)",
        )  # fmt: skip
    for language in policy.reasons.spoken:
        if not _LANGUAGE.fullmatch(language):
            yield policy.fault(
                f"'{language}' is no language", "reasons", "languages", language,
                mend="two or three small letters, with a region where it matters: de, fr-CH",
            )  # fmt: skip


def _check_economics(policy: Policy) -> Iterator[PolicyError]:
    economics = policy.economics
    if economics is None:
        return
    if not _CURRENCY.fullmatch(economics.currency):
        yield policy.fault(
            f"'{economics.currency}' is no currency", "economics", "currency", mend="three capital letters: EUR"
        )
    if not 1 <= economics.horizon_months <= 600:
        yield policy.fault(
            f"horizon_months must be 1 to 600, not {economics.horizon_months}", "economics", "horizon_months"
        )
    try:
        economics.to_economics()
    except MeasureError as error:
        place = ("economics", "terms") if error.where is None else ("economics", "terms", error.where, "value")
        yield policy.fault(
            error.message if error.where is None else f"{error.where}: {error.message}",
            *place, available=error.available, mend=error.mend,
        )  # fmt: skip


def _check_cases(policy: Policy) -> Iterator[PolicyError]:
    codes = [rule.code for rule in policy.rules]
    names: set[str] = set()
    for position, case in enumerate(policy.cases):
        if not case.name.strip() or case.name in names:
            yield policy.fault("every case needs a name of its own", "cases", position, "name")
        names.add(case.name)
        if case.pd is not None and not 0 <= case.pd <= 1:
            yield policy.fault(f"case '{case.name}': pd must lie in 0 to 1, not {case.pd:g}", "cases", position, "pd")
        for code in case.expect.rules or ():
            if code not in codes:
                yield policy.fault(
                    f"case '{case.name}' expects rule {code}, which does not exist",
                    "cases", position, "expect", "rules",
                    available=codes, mend=suggest(code, codes),
                )  # fmt: skip
