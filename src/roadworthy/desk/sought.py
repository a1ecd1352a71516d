"""What a search asks for: in the page's URL, but for names and ids of people, which stay out of it.

Whoever and whatever is looked for by name travels in a cookie of the search page alone; the URL only carries its mark.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

import msgspec

from roadworthy.access import Cookie
from roadworthy.casework import FINAL_ANSWERS
from roadworthy.desk.amounts import read_amount
from roadworthy.desk.branches import list_branches, match_branches
from roadworthy.desk.days import read_day
from roadworthy.desk.visit import Visit
from roadworthy.errors import Refused, UsageError
from roadworthy.policy import ANSWERS
from roadworthy.records import Wanted

__all__ = ["STATUSES", "read_after", "read_asked", "read_wanted", "send_off", "want", "write_after"]

STATUSES = {
    "open": "waits for a person",
    "answered": "answered by the policy",
    "review": "review asked for",
    "final": "final answer given",
    "erased": "erased",
}
"""What can have become of an application, with what that means."""
_PLAIN = (
    "branch", "status", "answer", "final_answer", "release", "decided_from", "decided_to", "amount_from", "amount_to",
)  # fmt: skip
_PERSONAL = ("application_id", "applicant_id", "name")
_COOKIE = "roadworthy-sought"
_LONGEST = 255


def send_off(visit: Visit) -> tuple[str, tuple[Cookie, ...]]:
    """The URL of what the form asks for, and the cookie with what must not stand there."""
    form = visit.sent
    plain = {name: form[name] for name in _PLAIN if form[name]}
    personal = {name: form[name][:_LONGEST] for name in _PERSONAL if form[name]}
    if not personal:
        return _url(plain), ()
    value = quote(msgspec.json.encode(personal))
    cookie = Cookie(
        name=_COOKIE, value=value, max_age=3600, path="/search", secure=visit.secure, http_only=True, same_site="strict"
    )
    return _url(plain | {"named": _mark(visit, value)}), (cookie,)


def read_asked(visit: Visit) -> dict[str, str]:
    """Everything that is asked for, by the names of the form's fields.

    Refused where the names that the URL's mark stands for are no longer there.
    """
    asked = {name: visit.asked[name].strip() for name in _PLAIN if visit.asked.get(name, "").strip()}
    if "named" not in visit.asked:
        return asked
    value = visit.cookies_sent.get(_COOKIE, "")
    if not hmac.compare_digest(visit.asked["named"].encode(), _mark(visit, value).encode()):
        raise Refused("whom this search looked for is no longer known here", mend="search again")
    try:
        return asked | msgspec.json.decode(unquote(value), type=dict[str, str])
    except msgspec.MsgspecError:
        raise Refused("whom this search looked for cannot be read", mend="search again") from None


def want(visit: Visit, asked: Mapping[str, str]) -> Wanted:
    """`read_wanted` in the product's time zone, a branch of those that applications name."""
    branches = list_branches(visit, patience=2.0) if "branch" in asked else ()
    return read_wanted(asked, visit.time_zone, branches)


def read_wanted(asked: Mapping[str, str], zone: str = "UTC", branches: Collection[str] = ()) -> Wanted:
    """What `read_asked` gives, as the records are searched by it; its days are of `zone`.

    A branch is found among `branches` whatever its capitals. UsageError names the field that makes no sense, or the two
    that leave nothing between them.

    >>> read_wanted({"status": "open", "amount_from": "1000"}).statuses
    ('open',)
    >>> read_wanted({"amount_from": "much"})
    Traceback (most recent call last):
    roadworthy.errors.UsageError: amount from is 'much', which is no number
      mend: digits, with a point before decimals
    """
    found: dict[str, Any] = {}
    for field, name, known in (
        ("status", "statuses", STATUSES),
        ("answer", "answers", ANSWERS),
        ("final_answer", "final_answers", FINAL_ANSWERS),
    ):
        if value := asked.get(field):
            if value not in known:
                raise UsageError(f"{field.replace('_', ' ')}: {value!r} is none", available=known)
            found[name] = (value,)
    if value := asked.get("branch"):
        found["branches"] = match_branches(value, branches)
    for field, name in (("release", "releases"), ("application_id", "application_ids")):
        if value := asked.get(field):
            found[name] = (value,)
    for field in ("name", "applicant_id"):
        if value := asked.get(field):
            found[field] = value
    for field in ("amount_from", "amount_to"):
        if value := asked.get(field):
            found[field] = read_amount(field.replace("_", " "), value)
    if found.get("amount_from", -math.inf) > found.get("amount_to", math.inf):
        raise _crossed("amount", asked)
    if value := asked.get("decided_from"):
        found["decided_from"] = _start(read_day("decided from", value), zone)
    if value := asked.get("decided_to"):
        found["decided_before"] = _start(read_day("decided to", value) + timedelta(days=1), zone)
    if {"decided_from", "decided_before"} <= found.keys() and found["decided_from"] >= found["decided_before"]:
        raise _crossed("decided", asked)
    return Wanted(**found)


def _crossed(what: str, asked: Mapping[str, str]) -> UsageError:
    first, last = asked[f"{what}_from"], asked[f"{what}_to"]
    smaller = "the smaller" if what == "amount" else "the earlier"
    return UsageError(
        f"{what} from {first} to {last} leaves nothing between them", mend=f"{smaller} of the two in {what} from"
    )


def read_after(text: str) -> tuple[int, str] | None:
    """Where a page of results goes on; UsageError where that is nowhere.

    >>> read_after("1730000000000000:A-1"), read_after("")
    ((1730000000000000, 'A-1'), None)
    """
    if not text:
        return None
    us, _, name = text.partition(":")
    if not (us.isascii() and us.isdigit() and len(us) <= 18 and name):
        raise UsageError("this is no place in the results", mend="search again")
    return int(us), name


def write_after(asked: Mapping[str, str], after: tuple[int, str] | None = None) -> str:
    """The URL of the page behind; of the first page where `after` is None."""
    return _url({**asked} if after is None else {**asked, "after": f"{after[0]}:{after[1]}"})


def _url(asked: Mapping[str, str]) -> str:
    return f"/search?{urlencode(asked)}" if asked else "/search"


def _mark(visit: Visit, value: str) -> str:
    return hmac.digest(visit.token.encode(), value.encode(), "sha256").hex()[:16]


def _start(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
