"""What is answered where something is wrong: problem+json (RFC 9457), made of the errors of the house in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from roadworthy import contract
from roadworthy.errors import (
    DataError,
    FileFault,
    Gone,
    MeasureError,
    MissingExtra,
    NotAllowed,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    PackageError,
    Refused,
    RoadworthyError,
    SealError,
    StoreError,
    Unwritable,
    UsageError,
)

__all__ = ["PROBLEM_JSON", "Problem", "ProblemError", "Violation", "problem_of"]

PROBLEM_JSON = "application/problem+json"
_RETRY = {"Retry-After": "1"}
_MOST_TOLD = 100
"""So many violations are told: an answer is never much larger than what it answers."""
_RETRY_LATER = {"Retry-After": "10"}


class Violation(Struct, frozen=True):
    """One rule broken at one place of what was sent; `message` never holds the value itself.

    path     JSONPath: `$.inputs.age`, `$.outcomes[3].at`, `$.query.limit`, `$.headers.idempotency-key`
    rule     the rule's name, which stays
    """

    path: str
    rule: str
    message: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One problem, as RFC 9457 writes it.

    `type` is a name that stays, `title` the same for every problem of the type, `detail` is about this one.
    `violations` are what is wrong with the request, each with its path. `mend` says what to do, `available` what there
    was to choose from, `request_id` what to ask about.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    violations: tuple[Violation, ...] = ()
    mend: str | None = None
    available: tuple[str, ...] = ()
    request_id: str | None = None

    @classmethod
    def of(cls, name: str, title: str, status: int, detail: str = "", **more: Any) -> Problem:
        """The problem of the type `/problems/NAME`."""
        return cls(type=f"/problems/{name}", title=title, status=status, detail=detail, **more)

    @classmethod
    def contract(cls, violations: Iterable[contract.Violation]) -> Problem:
        """An application that breaks the contract."""
        broken = tuple(Violation(one.path, one.rule, one.message) for one in violations)
        return cls.of("contract", "The application breaks the contract", 422, violations=broken)

    @classmethod
    def gone(cls) -> Problem:
        """What was asked about an applicant whose data were erased."""
        return cls.of(
            "gone",
            "The applicant's data were erased",
            410,
            "what was decided stays on record, without the applicant",
            mend="where the applicant applies again, send it as a new application, with a new id and a new key",
        )

    def encode(self, request_id: str) -> bytes:
        """The body of the answer, with the first hundred violations."""
        told: dict[str, Any] = {"request_id": request_id}
        if len(self.violations) > _MOST_TOLD:
            more = f"{self.detail}; " if self.detail else ""
            told |= {
                "violations": self.violations[:_MOST_TOLD],
                "detail": f"{more}the first {_MOST_TOLD} of {len(self.violations):,} violations are listed",
            }
        return msgspec.json.encode(msgspec.structs.replace(self, **told))


class ProblemError(RoadworthyError):
    """Something that this door itself refuses; `headers` go with the answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail or problem.title, available=problem.available or None, mend=problem.mend)
        self.problem = problem
        self.headers = dict(headers or {})


def problem_of(error: BaseException) -> tuple[Problem, dict[str, str]]:
    """The problem that an error is to a caller, and the headers that go with it.

    What nobody foresaw is 500, and says nothing but the request's id: a message may quote what came in.

    >>> problem, headers = problem_of(NotSignedIn("sign in first"))
    >>> problem.status, headers
    (401, {'WWW-Authenticate': 'Bearer'})
    >>> problem_of(ZeroDivisionError("age 41"))[0].detail
    ''
    """
    match error:
        case ProblemError():
            return error.problem, error.headers
        case NotSignedIn():
            return _of_error("not-signed-in", "A key is needed", 401, error), {"WWW-Authenticate": "Bearer"}
        case NotFound():
            return _of_error("not-found", "There is no such thing", 404, error), {}
        case NotAllowed():
            return _of_error("not-allowed", "You may not do this", 403, error), {}
        case Gone():
            return Problem.gone(), {}
        case Refused():
            return _of_error("refused", "The answer is no", 409, error), {}
        case OutcomeUnknown():
            problem = _of_error("outcome-unknown", "Whether it was recorded is not known", 503, error)
            return msgspec.structs.replace(problem, mend="retry with the same key"), _RETRY
        case Unwritable():
            return Problem.of(
                "store-full",
                "The store of records takes no writes",
                503,
                "its disk is full, or may only be read: nothing was recorded; what is there can be read",
                mend="make room where the store is; then retry with the same key",
            ), _RETRY_LATER
        case StoreError():
            # What a store says may name hosts and files, which are not a caller's business.
            return Problem.of(
                "store", "The store of records does not answer", 503, "nothing was recorded", mend="retry in a moment"
            ), _RETRY
        case UsageError() | DataError() | FileFault() | PackageError() | SealError() | MeasureError():
            return _of_error("unusable", "What was sent cannot be used", 422, error), {}
        case MissingExtra():
            return _of_error("not-installed", "This deployment lacks a library for it", 501, error), {}
    return Problem.of("unforeseen", "Something went wrong here", 500), {}


def _of_error(name: str, title: str, status: int, error: RoadworthyError) -> Problem:
    # Of a file only its name is told: where it lies here is nobody's business.
    where = None if error.where is None else error.where.rpartition("/")[2] or error.where
    detail = error.message if where is None else f"{where}: {error.message}"
    return Problem.of(name, title, status, detail, mend=error.mend, available=tuple(error.available or ())[:50])
