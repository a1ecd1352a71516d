"""What a product says about itself before it runs: product.yaml as values (R1)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

__all__ = [
    "Data",
    "Gates",
    "Load",
    "Monitoring",
    "Outcome",
    "Product",
    "Purpose",
    "Reasons",
    "TrueReasons",
    "missing_purpose",
    "value_word",
]

Months = Annotated[int, Meta(ge=1, le=600)]
Count = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Value = str | int | float | bool
_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_PLACEHOLDERS = frozenset(("todo", "tbd", "tba", "xxx", "fixme", "n/a", "none"))


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of product.yaml: unknown keys are faults, so that a misspelt one cannot pass unread."""


class Purpose(_Part, frozen=True, kw_only=True):
    """Why the product is there, in a person's words. `missing_purpose` names what nobody has stated yet."""

    decision: str | None = None
    owner: str | None = None
    used_by: str | None = None
    where: str | None = None
    bad_outcome: str | None = None
    horizon_months: Months | None = None
    success: str | None = None


class Outcome(_Part, frozen=True, kw_only=True):
    """How past applications turned out: which column says so, and which of its values mean what.

    `bad` and `good` are values of `target`; everything else is indeterminate. Rows whose `answer` is one of `declined`
    were never lent to. With `booked_date`, an outcome counts only within `horizon_months` of booking, and what is
    younger than that on `as_of` is immature. Values are compared as words (`value_word`), whatever their storage.
    Of the events that arrive later, a default is bad, and `bad_days_past_due` or more days past due are.
    """

    target: str
    bad: tuple[Value, ...] = ()
    good: tuple[Value, ...] = ()
    answer: str | None = None
    declined: tuple[Value, ...] = ()
    booked_date: str | None = None
    outcome_date: str | None = None
    horizon_months: Months | None = None
    as_of: dt.date | None = None
    bad_days_past_due: Annotated[int, Meta(ge=1, le=3650)] = 90

    def __post_init__(self) -> None:
        for field in ("bad", "good", "declined"):
            msgspec.structs.force_setattr(self, field, tuple(value_word(value) for value in getattr(self, field)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell how it turned out; none of them is known when an application arrives."""
        named = (self.target, self.answer, self.booked_date, self.outcome_date)
        return tuple(name for name in named if name is not None)


class Data(_Part, frozen=True, kw_only=True):
    """Which columns play a part that is not an input's, or a second part.

    Of past applications: `id`, `date`, `weight` and `drop`. Of every application that is decided: `amount` is what
    officers' authority is measured by, `branch` limits who sees it, `name` is what people search by.
    """

    id: str | None = None
    date: str | None = None
    amount: str | None = None
    weight: str | None = None
    branch: str | None = None
    name: str | None = None
    drop: tuple[str, ...] = ()


class Load(_Part, frozen=True, kw_only=True):
    """The load to expect, declared by a person (R11)."""

    users: Count | None = None
    decisions_per_day: Count | None = None
    searches_per_day: Count | None = None
    uploads_per_day: Count | None = None


class TrueReasons(_Part, frozen=True, kw_only=True):
    """Of those declined by their PD, the share that may need other reasons than the largest, or may have none (R27).

    A reason is true where moving its columns to the reference applicant's lowers the PD.
    """

    adjusted_at_most: Fraction = 0.1
    none_at_most: Fraction = 0.01


class Reasons(_Part, frozen=True, kw_only=True):
    """How contributions are computed: against the reference applicant, or along the trees' paths, as by TreeSHAP.

    `language` is that of the texts where an application asks for none.
    """

    method: Literal["reference", "path"] = "reference"
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"


class Gates(_Part, frozen=True, kw_only=True):
    """What a model must reach on held-out rows before it may be released."""

    auc_at_least: Fraction = 0.6
    calibration_error_at_most: Fraction = 0.05
    bads_at_least: Count = 100
    true_reasons: TrueReasons = TrueReasons()


class Monitoring(_Part, frozen=True, kw_only=True):
    """When to look at drift: population stability (PSI) above `psi_warning`, and above `psi_alert`."""

    psi_warning: Annotated[float, Meta(gt=0)] = 0.1
    psi_alert: Annotated[float, Meta(gt=0)] = 0.25


class Product(_Part, frozen=True, kw_only=True):
    """One decision product: what product.yaml says.

    `package` is a sealed model that was brought along, as a path in the product's directory; with it nothing retrains.

    >>> product = Product(name="loans", outcome=Outcome(target="default", bad=(1,), good=(0,)))
    >>> product.outcome.bad, product.currency
    (('1',), 'EUR')
    """

    name: Annotated[str, Meta(min_length=1)]
    purpose: Purpose = Purpose()
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "EUR"
    time_zone: str = "UTC"
    outcome: Outcome
    data: Data = Data()
    package: str | None = None
    load: Load = Load()
    reasons: Reasons = Reasons()
    gates: Gates = Gates()
    monitoring: Monitoring = Monitoring()

    def start_of_day(self, day: dt.date | str) -> dt.datetime:
        """When a day begins where the product is used, in UTC.

        >>> product = Product(name="loans", outcome=Outcome(target="default"), time_zone="Europe/Berlin")
        >>> product.start_of_day("2026-07-01").isoformat()
        '2026-06-30T22:00:00+00:00'
        """
        day = dt.date.fromisoformat(day) if isinstance(day, str) else day
        return dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.time_zone)).astimezone(dt.UTC)


def missing_purpose(product: Product) -> list[str]:
    """The fields of the purpose that nobody has stated, as `purpose.owner`; nothing goes live until it is empty (R1).

    >>> missing_purpose(Product(name="loans", outcome=Outcome(target="default"), purpose=Purpose(owner="Ana")))[:2]
    ['purpose.decision', 'purpose.used_by']
    """
    return [f"purpose.{field}" for field in Purpose.__struct_fields__ if not _stated(getattr(product.purpose, field))]


def _stated(value: object) -> bool:
    if isinstance(value, str):
        return any(sign.isalnum() for sign in value) and value.strip().lower() not in _PLACEHOLDERS
    return value is not None


def value_word(value: Any) -> str:
    """The one word for a value of an outcome, whatever its storage: 1, 1.0, "1.0" and " 1 " are all "1".

    >>> [value_word(value) for value in (1, 1.0, True, " Paid ", "2.00", 0.5)]
    ['1', '1', 'true', 'Paid', '2', '0.5']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text
