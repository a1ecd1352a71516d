"""What people do with a decision: final answer, override, human review, correction. See docs/explanation/later.md."""

from __future__ import annotations

from roadworthy.casework.acting import Receipt, check_words, is_text
from roadworthy.casework.case import FINAL_ANSWERS
from roadworthy.casework.correcting import CorrectedValues, correct
from roadworthy.casework.final_answers import give_final_answer
from roadworthy.casework.grounds import Grounds, tally_grounds
from roadworthy.casework.overriding import OVERRIDE_REASONS, override
from roadworthy.casework.proposing import (
    ProposedOverride,
    confirm_override,
    list_proposed_overrides,
    propose_override,
    reject_override,
)
from roadworthy.casework.reading import (
    DecisionView,
    HistoryItem,
    count_found,
    find_decisions,
    find_latest,
    read_decision,
)
from roadworthy.casework.reviewing import ApplicantView, answer_review, ask_review
from roadworthy.casework.waiting import (
    WaitingReview,
    count_decided,
    count_queue,
    find_latest_moment,
    list_waiting_reviews,
)
from roadworthy.casework.what_if import ask_what_if

__all__ = [
    "FINAL_ANSWERS",
    "OVERRIDE_REASONS",
    "ApplicantView",
    "CorrectedValues",
    "DecisionView",
    "Grounds",
    "HistoryItem",
    "ProposedOverride",
    "Receipt",
    "WaitingReview",
    "answer_review",
    "ask_review",
    "ask_what_if",
    "check_words",
    "confirm_override",
    "correct",
    "count_decided",
    "count_found",
    "count_queue",
    "find_decisions",
    "find_latest",
    "find_latest_moment",
    "give_final_answer",
    "is_text",
    "list_proposed_overrides",
    "list_waiting_reviews",
    "override",
    "propose_override",
    "read_decision",
    "reject_override",
    "tally_grounds",
]
