"""The guided tour of a trial: for each role a few steps, made from what the store really holds.

A step is a sentence and how its place is found. Where nothing is found there is no such step, so that no link leads to
nothing; what is done moves on, as the promoted release makes way for rolling it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from roadworthy.access import Account, Cookie, list_accounts
from roadworthy.casework import count_queue, find_decisions
from roadworthy.desk.addresses import address
from roadworthy.desk.format import count
from roadworthy.desk.visit import Visit
from roadworthy.desk.waiting import list_approved, list_submitted, list_waiting_tables
from roadworthy.desk.weeks import Weeks
from roadworthy.errors import Refused
from roadworthy.lifecycle import find_rollback, list_tables, read_upload
from roadworthy.records import Wanted

__all__ = ["TOURS", "Guide", "Step", "Tour", "call_back", "is_put_away", "make_tours", "put_away"]

_MOST = 6
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Guide:
    """Who is guided, and the weeks as they were counted; None while that goes on, or where they see none."""

    visit: Visit
    weeks: Weeks | None


@dataclass(frozen=True)
class Place:
    """What a step found: where it leads, and what its sentence says of it."""

    where: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Stop:
    """A step of a tour: its sentence, with names in braces that the finder fills in, and the finder."""

    sentence: str
    find: Callable[[Guide], Place | None]


@dataclass(frozen=True)
class Step:
    """A step as it is shown: a sentence, the words of its link, and where that leads."""

    sentence: str
    where: str


@dataclass(frozen=True)
class Tour:
    """The steps of a role."""

    role: str
    steps: tuple[Step, ...]


def make_tours(guide: Guide) -> list[Tour]:
    """A tour for each role of whoever is guided, at most six steps of each; those with none are left out."""
    tours = []
    for role, stops in TOURS.items():
        if role in guide.visit.by.roles:
            found = ((stop, stop.find(guide)) for stop in stops)
            steps = [Step(stop.sentence.format(**place.facts), place.where) for stop, place in found if place]
            tours.append(Tour(role, tuple(steps[:_MOST])))
    return [tour for tour in tours if tour.steps]


def is_put_away(visit: Visit) -> bool:
    """Whether this person, in this browser, has put the tour away."""
    return _cookie_name(visit) in visit.cookies_sent


def put_away(visit: Visit) -> Cookie:
    """The cookie that remembers it."""
    return _cookie(visit, "away", _YEAR)


def call_back(visit: Visit) -> Cookie:
    """The cookie that forgets it."""
    return _cookie(visit, "", 0)


def _cookie(visit: Visit, value: str, max_age: int) -> Cookie:
    return Cookie(
        name=_cookie_name(visit), value=value, max_age=max_age, path="/", secure=visit.secure, http_only=True,
        same_site="lax",
    )  # fmt: skip


def _cookie_name(visit: Visit) -> str:
    """Of this account alone: who tries several roles in one browser puts each tour away by itself."""
    return f"roadworthy-tour-{sha256(visit.by.account.encode()).hexdigest()[:12]}"


def _always(where: str) -> Callable[[Guide], Place | None]:
    return lambda _: Place(where, {})


def _find_application(wanted: Wanted, path: str = "") -> Callable[[Guide], Place | None]:
    """The latest application that fits, and how many there are; `path` behind its page."""

    def find(guide: Guide) -> Place | None:
        deed = guide.visit.deed()
        found = find_decisions(deed, wanted, 1).applications
        if not found:
            return None
        where = address(found[0].application_id, found[0].decision_id or "")
        facts = {"id": found[0].application_id}
        if wanted.statuses == ("open",):
            number = count_queue(deed).get("open", 0)
            facts["referrals"] = "One referral waits" if number == 1 else f"{count(number)} referrals wait"
        return Place(where + path, facts)

    return find


def _find_odd_week(guide: Guide) -> Place | None:
    if guide.weeks is None or not guide.weeks.odd:
        return None
    number = len(guide.weeks.odd)
    looks = "One week looks" if number == 1 else f"{count(number)} weeks look"
    return Place("/weeks", {"looks": looks, "shown": count(len(guide.weeks.weeks))})


def _find_odd_applications(guide: Guide) -> Place | None:
    if guide.weeks is None or not guide.weeks.odd:
        return None
    week = guide.weeks.odd[0]
    return Place(week.odd[0].where, {"week": week.name})


def _find_waiting_table(guide: Guide) -> Place | None:
    """An upload that waits, with warnings before one without; also one's own, which one may look at."""
    store = guide.visit.services.store
    found = [one for one in guide.visit.table_versions if one.state == "waiting"]
    warned = [(len(read_upload(store, one.table, one.version).warnings), one) for one in found]
    if not warned:
        return None
    number, version = max(warned, key=lambda pair: pair[0])
    warnings = {0: "what was found", 1: "its warning"}.get(number, f"its {count(number)} warnings")
    facts = {"table": version.table, "warnings": warnings, "by": version.uploaded_by}
    return Place(f"/tables/{version.table}/{version.version}", facts)


def _find_table_to_approve(guide: Guide) -> Place | None:
    return _find_waiting_table(guide) if list_waiting_tables(guide.visit) else None


def _find_table(guide: Guide) -> Place | None:
    names = list_tables(guide.visit.services.store)
    return Place(f"/tables/{names[0]}", {"table": names[0]}) if names else None


def _find_challenger(guide: Guide) -> Place | None:
    """The newest release that was never live."""
    champion = guide.visit.taken.route.champion
    states = ("created", "submitted", "approved")
    found = [one for one in guide.visit.releases if one.state in states]
    if champion is None or not found:
        return None
    return Place(f"/releases/{found[-1].id}", {"challenger": found[-1].id, "champion": champion})


def _find_to_approve(guide: Guide) -> Place | None:
    found = list_submitted(guide.visit)
    return Place(f"/releases/{found[-1].id}", {"release": found[-1].id}) if found else None


def _find_to_promote(guide: Guide) -> Place | None:
    found = list_approved(guide.visit)
    return Place(f"/releases/{found[-1].id}/promote", {"release": found[-1].id}) if found else None


def _find_rollback(guide: Guide) -> Place | None:
    try:
        before = find_rollback(guide.visit.services.store)
    except Refused:
        return None
    return Place("/releases/rollback", {"release": before.id})


def _find_live(guide: Guide) -> Place | None:
    champion = guide.visit.taken.route.champion
    return None if champion is None else Place(f"/releases/{champion}", {"release": champion})


def _find_who_was_live(guide: Guide) -> Place | None:
    """At the moment of the earliest promotion: then somebody was."""
    steps = [step for one in guide.visit.releases for step in one.steps]
    live = [step.at for step in steps if step.step == "promoted"]
    if not live:
        return None
    day = min(live).date().isoformat()
    return Place(f"/releases?at={day}T23:59", {"day": day})


def _find_accuracy(guide: Guide) -> Place | None:
    return None if guide.visit.taken.champion is None else Place("/accuracy", {})


def _find_purpose(guide: Guide) -> Place | None:
    return None if guide.visit.taken.champion is None else Place("/purpose", {})


def _find_program(guide: Guide) -> Place | None:
    found = [one.name for one in _list_accounts(guide) if "service" in one.roles]
    return Place(f"/people/{quote(found[0])}", {"program": found[0]}) if found else None


def _find_person(guide: Guide) -> Place | None:
    others = [one.name for one in _list_accounts(guide) if "service" not in one.roles]
    found = [name for name in others if name != guide.visit.by.account]
    return Place(f"/people/{quote(found[0])}", {"person": found[0]}) if found else None


def _list_accounts(guide: Guide) -> list[Account]:
    with guide.visit.services.store.reading() as connection:
        return list_accounts(connection)


def _find_stop(guide: Guide) -> Place | None:
    does = "is on: end it, and say why" if guide.visit.taken.route.stopped else "is off: send everything to people"
    return Place("/stop", {"does": does})


_ACCURACY = Stop("See how accurate the predictions turned out, on loans whose outcome is known.", _find_accuracy)
_ODD_WEEK = Stop("{looks} odd in the latest {shown} weeks: find out which, and why.", _find_odd_week)

TOURS: Mapping[str, tuple[Stop, ...]] = {
    "officer": (
        Stop(
            "{referrals}: open {id}, read its reasons, and give a final answer.",
            _find_application(Wanted(statuses=("open",))),
        ),
        Stop("Change the income, or anything else, of {id} in What if: it never touches the record.",
             _find_application(Wanted(statuses=("open",)), "/what-if")),
        Stop("Read why {id} was declined, and override it if you know better.",
             _find_application(Wanted(answers=("decline",), statuses=("answered",)))),
        Stop("Correct a value of {id} that came in wrong, and have it decided again.",
             _find_application(Wanted(statuses=("answered",)), "/correct")),
        Stop("Have a file of applications checked and scored, or look at those you sent.", _always("/files")),
        _ACCURACY,
    ),
    "analyst": (
        _ODD_WEEK,
        Stop("Open the applications of {week} and read which rules and reasons they share.", _find_odd_applications),
        Stop("An upload of the table {table} waits for approval: look at {warnings}.", _find_waiting_table),
        _ACCURACY,
        Stop("Release {challenger} is not live: read in words what it does otherwise than release {champion}.",
             _find_challenger),
        Stop("State purpose and economics by form, which makes a new release of them.", _find_purpose),
    ),
    "approver": (
        Stop("{by} uploaded the table {table}: read {warnings}, then approve or reject it.", _find_table_to_approve),
        Stop("Release {release} waits for your approval: read what it changes.", _find_to_approve),
        Stop("Release {release} is approved: see what would change, and make it live.", _find_to_promote),
        Stop("Roll back to release {release}: see what that changes, and undo what went live.", _find_rollback),
        _ODD_WEEK,
        _ACCURACY,
    ),
    "validator": (
        _ACCURACY,
        Stop("Read what release {release}, which is live, does with each PD, and by which rules.", _find_live),
        Stop("Ask who was live on {day}, or on any other day.", _find_who_was_live),
        _ODD_WEEK,
        Stop("Read in words what release {challenger} does otherwise than release {champion}.", _find_challenger),
    ),
    "operator": (
        Stop("The stop switch {does}.", _find_stop),
        Stop("Release {release} is approved: see what would change, and make it live.", _find_to_promote),
        Stop("Roll back to release {release}, if what went live was wrong.", _find_rollback),
        Stop("Look at the table {table}: what is in force, and how it is undone.", _find_table),
        Stop("Follow the files that people and programs have sent.", _always("/files")),
        Stop("Ask who was live on {day}, or on any other day.", _find_who_was_live),
    ),
    "admin": (
        Stop("See who may do what and in which branches, and add somebody.", _always("/people")),
        Stop("Give the program {program} a new key, or take its old one away.", _find_program),
        Stop("Change what {person} may do, or sign them out everywhere.", _find_person),
        Stop("Look at your own account: password, keys and sessions.", _always("/account")),
    ),
}  # fmt: skip
"""The tour of each role, in its order."""
