"""PD to approve, refer or decline: knock-out rules, bands on PD, reasons, what it is worth, and cases that prove it."""

from __future__ import annotations

from roadworthy.policy.cases import CaseResult, PdOf, run_cases
from roadworthy.policy.cut_offs import BandStarts, find_band_starts
from roadworthy.policy.expression import Expression, print_expression
from roadworthy.policy.missing import MissingBehaviour, list_missing_behaviour
from roadworthy.policy.parsing import parse_expression
from roadworthy.policy.policy import Policy, find_faults, policy_digest
from roadworthy.policy.reasons import Direction, assign_reason_codes, reason_text, rule_text
from roadworthy.policy.ruling import NOT_FORCED, CompiledPolicy, Fired, Ruling
from roadworthy.policy.schema import (
    ANSWERS,
    APPROVE,
    DECLINE,
    REFER,
    RESERVED_CODES,
    Answer,
    AnswerWords,
    Band,
    Case,
    Expected,
    Reasons,
    Rule,
    ScoreScale,
    StatedEconomics,
    StatedReason,
    StatedTerm,
)
from roadworthy.policy.starting import starting_policy
from roadworthy.policy.writing import policy_yaml

__all__ = [
    "ANSWERS",
    "APPROVE",
    "DECLINE",
    "NOT_FORCED",
    "REFER",
    "RESERVED_CODES",
    "Answer",
    "AnswerWords",
    "Band",
    "BandStarts",
    "Case",
    "CaseResult",
    "CompiledPolicy",
    "Direction",
    "Expected",
    "Expression",
    "Fired",
    "MissingBehaviour",
    "PdOf",
    "Policy",
    "Reasons",
    "Rule",
    "Ruling",
    "ScoreScale",
    "StatedEconomics",
    "StatedReason",
    "StatedTerm",
    "assign_reason_codes",
    "find_band_starts",
    "find_faults",
    "list_missing_behaviour",
    "parse_expression",
    "policy_digest",
    "policy_yaml",
    "print_expression",
    "reason_text",
    "rule_text",
    "run_cases",
    "starting_policy",
]
