"""The parts of policy.yaml as values. What is wrong with them is said by `checking`, with the line of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import ArrayLike, NDArray

from roadworthy.measures import Economics

__all__ = [
    "ANSWERS",
    "APPROVE",
    "DECLINE",
    "REFER",
    "RESERVED_CODES",
    "Answer",
    "AnswerWords",
    "Band",
    "Case",
    "Expected",
    "Language",
    "Reasons",
    "Rule",
    "RuleTexts",
    "ScoreScale",
    "StatedEconomics",
    "StatedReason",
    "StatedTerm",
]

Answer: TypeAlias = Literal["approve", "refer", "decline"]

ANSWERS: Final[tuple[Answer, Answer, Answer]] = ("approve", "refer", "decline")
"""The three answers, from the mildest to the strictest; arrays of answers hold int8 positions in this tuple."""
RESERVED_CODES: Final = ("engine_failed", "outside_contract", "no_true_reason")
"""Codes under which decisions refer an application by themselves; no rule of a policy and no column has them."""
APPROVE: Final = 0
REFER: Final = 1
DECLINE: Final = 2


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts share: values, named fields only, and no field that nobody declared."""


class AnswerWords(_Part, frozen=True):
    """The words people read for the three answers; a fraud team may say accept, review and block."""

    approve: str = "approve"
    refer: str = "refer"
    decline: str = "decline"


class ScoreScale(_Part, frozen=True):
    """How a PD becomes points, higher is better.

    score = base_score + pdo / ln 2 * (ln((1 - pd) / pd) - ln base_odds)

    so that a good:bad odds of `base_odds` scores `base_score`, and `pdo` more points double the odds (Siddiqi, Credit
    Risk Scorecards, 2006, chapter 6). `base_odds` and `pdo` are above zero.
    """

    base_score: float = 600.0
    base_odds: float = 30.0
    pdo: float = 20.0

    def score(self, pd: ArrayLike) -> NDArray[np.float64]:
        """Points for PDs of any shape; NaN stays NaN. PDs are read as at least 1e-6 and at most 1 - 1e-6: no infinity.

        >>> ScoreScale(base_score=600, base_odds=30, pdo=20).score([1 / 31, 1 / 61, 0.5]).round(2)
        array([600.  , 620.  , 501.86])
        """
        kept = np.clip(np.asarray(pd, dtype=np.float64), 1e-6, 1 - 1e-6)
        points: NDArray[np.float64] = self.base_score + self.pdo / np.log(2) * (
            np.log((1 - kept) / kept) - np.log(self.base_odds)
        )
        return points

    def pd(self, score: ArrayLike) -> NDArray[np.float64]:
        """The PD whose score this is.

        >>> ScoreScale().pd(600.0).round(6)
        np.float64(0.032258)
        """
        log_odds = (np.asarray(score, dtype=np.float64) - self.base_score) * np.log(2) / self.pdo
        pd: NDArray[np.float64] = 1 / (1 + self.base_odds * np.exp(log_odds))
        return pd


class Band(_Part, frozen=True, kw_only=True):
    """A PD below `up_to`, and not below the band before, gets `answer`; the last band has no `up_to`."""

    up_to: float | None = None
    answer: Answer


class Rule(_Part, frozen=True, kw_only=True):
    """A knock-out: where `when` holds the answer is `then`, whatever the PD.

    Where `when` is unknown because an input is missing, `if_missing` is done: refer, decline, or pass (as if the rule
    did not hold). `reason` is what the applicant reads.
    """

    code: str
    when: str
    then: Literal["decline", "refer"]
    if_missing: Literal["refer", "pass", "decline"] = "refer"
    reason: str


class StatedReason(_Part, frozen=True):
    """The texts of one column: where its value is above, or below, the reference's, and where it is missing."""

    higher: str | None = None
    lower: str | None = None
    missing: str | None = None


class RuleTexts(_Part, frozen=True):
    """What a rule's reason says in another language: where the rule holds, and where an input is missing."""

    reason: str
    missing: str | None = None


class Language(_Part, frozen=True):
    """The texts of one more language: by column, and by the code of a rule or of a built-in one."""

    texts: dict[str, StatedReason | str] = {}
    rules: dict[str, RuleTexts | str] = {}


class Reasons(_Part, frozen=True):
    """At most `max` reasons (1 to 4) are stated for an answer; `texts` says them by column.

    `languages` holds more texts by language ("de", "fr-CH"); what a language does not say is said by `texts`.
    """

    max: int = 4
    texts: dict[str, StatedReason | str] = {}
    # Where a policy says nothing of languages its digest is what it was before there were any.
    languages: dict[str, Language] | UnsetType = UNSET

    @property
    def spoken(self) -> Mapping[str, Language]:
        """The languages that there are texts of."""
        return {} if self.languages is UNSET else self.languages


class StatedTerm(_Part, frozen=True, omit_defaults=True):
    """One term of the economics: a number, a column or an expression, and whether anybody measured it.

    `after_months` is when the money moves, counted from booking; 0 where the term is a present value.
    """

    value: float | str
    basis: Literal["measured", "assumed"]
    after_months: float = 0.0


class StatedEconomics(_Part, frozen=True, omit_defaults=True):
    """What an application is worth: terms in `currency`, over `horizon_months`.

    The PD looks as many months ahead, or `lifetime_factor` joins the two; `discount_rate` is annual.
    """

    currency: str
    horizon_months: int
    terms: dict[str, StatedTerm]
    lifetime_factor: float | None = None
    discount_rate: float | None = None

    def to_economics(self, *, pd_horizon_months: int | None = None) -> Economics:
        """These terms as `measures.Economics`; MeasureError, with the term in `where`, for one that cannot be.

        With `pd_horizon_months`, the months the PD looks ahead, also where the two horizons do not join.
        """
        values: dict[str, float | str] = {name: term.value for name, term in self.terms.items()}
        Economics.from_mapping(values)
        # Constants are tried on one application, so that an LGD of 55 is found before there is data.
        fixed = {name: 0.0 if isinstance(value, str) else value for name, value in values.items()}
        Economics.from_mapping(fixed).price({}, 1)
        stated = {name: msgspec.structs.asdict(term) for name, term in self.terms.items()}
        frame = {
            name: getattr(self, name) for name in ("currency", "horizon_months", "lifetime_factor", "discount_rate")
        }
        return Economics.from_mapping({**stated, **frame, "pd_horizon_months": pd_horizon_months})


class Expected(_Part, frozen=True):
    """What a case must give: the answer and, where stated, exactly these rules fired."""

    answer: Answer
    rules: tuple[str, ...] | None = None


class Case(_Part, frozen=True, kw_only=True):
    """One application with the answer it must get; `pd` stands in for the model, `tables` for rows in force."""

    name: str
    inputs: dict[str, Any]
    pd: float | None = None
    tables: dict[str, dict[str, Any]] = {}
    expect: Expected
