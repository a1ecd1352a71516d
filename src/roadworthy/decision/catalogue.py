"""Every reason that a release may state, worked out once: an application's reasons are then positions in this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from roadworthy.decision.decisions import Reason
from roadworthy.model import Package
from roadworthy.policy import CompiledPolicy, Direction, assign_reason_codes, language_text, reason_text, rule_text

__all__ = ["BUILT_IN_RULES", "DIRECTIONS", "Catalogue", "make_catalogue"]

BUILT_IN_RULES = ("engine_failed", "outside_contract", "no_true_reason")
"""What refers an application whatever the policy says."""
DIRECTIONS: tuple[Direction, ...] = ("higher", "lower", "different", "missing")
"""How a value lies to the reference's, in the order of a column's entries."""

_ENGINE_FAILED = "The application could not be assessed automatically"
_NO_TRUE_REASON = "No specific reason could be stated automatically"


@dataclass(frozen=True)
class Catalogue:
    """The reasons, and where among them stand those of each rule, column and built-in rule.

    fired, unknown   by the policy's rules: where the rule holds, and where it could not be checked
    outside          by the contract's columns
    columns          by the engine's inputs: the first of four entries, in the order of DIRECTIONS
    """

    reasons: tuple[Reason, ...]
    fired: tuple[int, ...]
    unknown: tuple[int, ...]
    outside: tuple[int, ...]
    columns: tuple[int, ...]
    engine_failed: int
    no_true_reason: int


def make_catalogue(package: Package, policy: CompiledPolicy) -> Catalogue:
    """The catalogue of a package under a policy."""
    reasons: list[Reason] = []
    place = count()
    stated, contract = policy.policy, package.contract
    spoken = tuple(stated.reasons.spoken)

    def enter(code: str, text: Callable[[str | None], str], column: str | None) -> int:
        own = text(None)
        others = {language: said for language in spoken if (said := text(language)) != own}
        reasons.append(Reason(code, own, column, others))
        return next(place)

    def enter_rule(code: str, text: str, column: str | None, *, missing: bool = False) -> int:
        return enter(code, lambda language: language_text(stated, code, text, language, missing=missing), column)

    fired, unknown = [], []
    for rule in policy.rules:
        names = tuple(str(name) for name in rule.columns)
        only = names[0] if len(names) == 1 else None
        code, text = rule.rule.code, rule_text(stated, rule.rule.code)
        fired.append(enter_rule(code, text, only))
        not_given = f"{text}: could not be checked, {' or '.join(names)} is not given"
        unknown.append(enter_rule(code, not_given, only, missing=True))
    outside = []
    for column in contract.columns:
        called = column.description.strip().rstrip(".") or column.name
        outside.append(
            enter_rule("outside_contract", f"{called} is outside what is assessed automatically", column.name)
        )
    engine_failed = enter_rule("engine_failed", _ENGINE_FAILED, None)
    no_true_reason = enter_rule("no_true_reason", _NO_TRUE_REASON, None)
    codes = assign_reason_codes(contract)
    columns = []
    for name in package.engine.inputs:
        columns.append(len(reasons))
        for direction in DIRECTIONS:
            enter(codes[name], partial(reason_text, stated, contract, name, direction), name)
    return Catalogue(
        reasons=tuple(reasons),
        fired=tuple(fired),
        unknown=tuple(unknown),
        outside=tuple(outside),
        columns=tuple(columns),
        engine_failed=engine_failed,
        no_true_reason=no_true_reason,
    )
