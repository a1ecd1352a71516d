"""Purpose and economics by form: what is sent becomes a new release of the same model, and nothing is edited (R1)."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import structs

from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Form, Visit
from roadworthy.errors import FileFault, RoadworthyError, UsageError
from roadworthy.lifecycle import ReleaseView, restate_release
from roadworthy.live import Loaded
from roadworthy.policy import StatedEconomics, StatedTerm
from roadworthy.product import Purpose

__all__ = ["HANDLERS"]

_COMMA = re.compile(r"\s*-?\d+(,\d+)+(\.\d*)?\s*")
"""A number with commas in it, which say one thing here and another there."""

_ASKS = {
    "decision": "What is decided, for example: whether to grant the loan applied for",
    "owner": "Who answers for it: a person, with a way to reach them",
    "used_by": "Who uses the answers, for example: loan officers of the branches",
    "where": "The tool in which they use them",
    "bad_outcome": "In words, for example: 90 or more days past due",
    "horizon_months": "Within how many months of booking: a whole number",
    "success": "In money, for example: credit losses below 2 million a year",
}
_TERMS = {
    "revenue": "Interest and fees of a good",
    "funding": "Cost of the money lent",
    "ead": "Exposure at default: what is owed when an application goes bad",
    "lgd": "Share of it that is lost, as a fraction: 0.45",
    "review": "Cost of a person's look at one application",
    "servicing": "Cost of running the loan",
    "acquisition": "Cost of winning the customer",
    "income_received": "Interest and fees that a bad paid before default",
}


@page("/purpose", "policy.propose", "Purpose and economics, to be changed")
def get_purpose(visit: Visit) -> Shown:
    """The form, filled in with what a release states."""
    releases = visit.releases
    base = _base(visit, releases, visit.asked.get("of", ""))
    return _show(visit, releases, base, None if base is None else _fill(visit.services.current.load(base)))


@act("/purpose", "policy.propose", "Make a release with another purpose or other economics")
def post_purpose(visit: Visit) -> Shown:
    """A new release of the one that the form was opened of."""
    sent = visit.sent
    try:
        made = restate_release(
            visit.deed(),
            sent["of"],
            purpose=_read_purpose(sent),
            economics=_read_economics(sent),
            note=sent["note"],
            trusted_types=visit.services.settings.trusted,
        )
    except RoadworthyError as error:
        if isinstance(error, FileFault):  # there is no file here, and no line
            error = UsageError(error.message, available=error.available, mend=error.mend)
        releases = visit.releases
        return _show(visit, releases, _base(visit, releases, sent["of"]), sent.values(), error)
    return go(f"/releases/{made.id}", f"Release {made.id} is made. Put it up for approval when it is right")


def _show(
    visit: Visit,
    releases: list[ReleaseView],
    base: str | None,
    values: dict[str, str] | None,
    problem: RoadworthyError | None = None,
) -> Shown:
    return show(
        visit,
        "purpose.html",
        problem=problem,
        releases=releases[::-1],
        base=base,
        live=visit.taken.route.champion,
        values={} if values is None else values,
        asks=_ASKS,
        terms=_TERMS,
    )


def _base(visit: Visit, releases: list[ReleaseView], asked: str) -> str | None:
    """The release to start from: the one that is asked for, else the live one, else the newest; None where none is."""
    known = [release.id for release in releases]
    champion = visit.taken.route.champion
    return next((release for release in (asked, champion, *known[::-1]) if release in known), None)


def _fill(loaded: Loaded) -> dict[str, str]:
    """The form's fields as a release states them."""
    purpose = structs.asdict(loaded.product.purpose)
    values = {name: "" if value is None else str(value) for name, value in purpose.items()}
    economics = loaded.release.policy.economics
    if economics is None:
        return values | {"currency": loaded.product.currency, "months": values["horizon_months"]}
    values |= {"currency": economics.currency, "months": str(economics.horizon_months)}
    for name, term in economics.terms.items():
        values[f"term-{name}"] = term.value if isinstance(term.value, str) else f"{term.value:.15g}"
        values[f"basis-{name}"] = term.basis
    return values


def _read_purpose(sent: Form) -> Purpose:
    stated: dict[str, Any] = {name: sent[name] or None for name in _ASKS}
    if stated["horizon_months"] is not None:
        stated["horizon_months"] = _whole(sent["horizon_months"], "the horizon of the bad outcome")
    try:
        return msgspec.convert(stated, Purpose)
    except msgspec.ValidationError as error:
        raise UsageError(f"the purpose cannot be this: {error}", mend="1 to 600 months") from None


def _read_economics(sent: Form) -> StatedEconomics | None:
    """What the form states; None where every term is empty."""
    terms = {
        name: StatedTerm(_value(sent[f"term-{name}"]), "measured" if sent[f"basis-{name}"] == "measured" else "assumed")
        for name in _TERMS
        if sent[f"term-{name}"]
    }
    if not terms:
        return None
    months = _whole(sent["months"], "the horizon of the money")
    economics = StatedEconomics(currency=sent["currency"].upper(), horizon_months=months, terms=terms)
    lacking = [name for name in ("revenue", "funding", "ead", "lgd") if name not in terms]
    if lacking:
        raise UsageError(
            f"the economics lack {', '.join(lacking)}", mend="state them, or leave every term empty to show no money"
        )
    return economics


def _value(text: str) -> float | str:
    """A number where it is one; else a column or an expression, which the policy reads."""
    if _COMMA.fullmatch(text):
        raise UsageError(f"{text!r} has a comma", mend="a point before decimals, and nothing between thousands: 0.45")
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{what} is a whole number of months, not “{text}”", mend="12, for example") from None


HANDLERS = (get_purpose, post_purpose)
