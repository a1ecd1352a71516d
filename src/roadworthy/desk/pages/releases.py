"""Releases: what is live, what each does otherwise, put up, approved, made live and rolled back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import Refused, RoadworthyError, UsageError
from roadworthy.lifecycle import (
    ReleaseView,
    WasLive,
    approve_release,
    describe_bands,
    describe_rule,
    describe_terms,
    find_rollback,
    list_differences,
    promote_release,
    roll_back,
    show_release,
    submit_release,
    weigh_release,
    who_was_live,
)
from roadworthy.live import Loaded
from roadworthy.policy import ANSWERS

__all__ = ["HANDLERS"]


@page("/releases", "release.read", "Every release, and who was live when")
def get_releases(visit: Visit) -> Shown:
    """The releases, the newest first, and what was live at a moment where one is asked about."""
    asked = visit.asked.get("at", "")
    problem: UsageError | None = None
    was: WasLive | None = None
    if asked:
        try:
            was = who_was_live(visit.services.store, _moment(visit, asked))
        except UsageError as error:
            problem = error
    return show(
        visit,
        "releases.html",
        problem=problem,
        releases=visit.releases[::-1],
        route=visit.taken.route,
        asked=asked,
        was=was,
        before=_before(visit),
    )


@page("/releases/rollback", "release.rollback", "What rolling back would change")
def get_rollback(visit: Visit) -> Shown:
    """What going back changes, before anybody does it."""
    return _show_change(visit, find_rollback(visit.services.store), back=True)


@page("/releases/{id}", "release.read", "One release")
def get_release(visit: Visit) -> Shown:
    """What it is, what it does otherwise than the live one, and its life so far."""
    return _show_release(visit)


@act("/releases/{id}/submit", "release.submit", "Put a release up for approval")
def post_submit(visit: Visit) -> Shown:
    """Put it up."""
    release = _find(visit)
    try:
        submit_release(visit.deed(), release.id, visit.sent["note"])
    except RoadworthyError as error:
        return _show_release(visit, error)
    return go(f"/releases/{release.id}", "It waits for another person to approve it")


@act("/releases/{id}/approve", "release.approve", "Approve a release that another person put up")
def post_approve(visit: Visit) -> Shown:
    """Approve it."""
    return _answer(visit, reject=False)


@act("/releases/{id}/reject", "release.approve", "Reject a release that was put up")
def post_reject(visit: Visit) -> Shown:
    """Reject it, for a reason."""
    return _answer(visit, reject=True)


@page("/releases/{id}/promote", "release.read", "What making a release live would change")
def get_promote(visit: Visit) -> Shown:
    """What would change, in words and on the latest decisions, with what looks wrong about it."""
    return _show_change(visit, _find(visit), back=False)


@act("/releases/{id}/promote", "release.promote", "Make an approved release live")
def post_promote(visit: Visit) -> Shown:
    """Make it live, by whoever has seen what that changes."""
    release = _find(visit)
    try:
        _check_read(visit, release, back=False)
        promote_release(
            visit.deed(),
            release.id,
            current=visit.services.current,
            reason=visit.sent["reason"],
            instead_of=visit.sent["instead_of"],
        )
    except RoadworthyError as error:
        return _show_change(visit, release, back=False, problem=error)
    return go(f"/releases/{release.id}", f"Release {release.id} is live")


@act("/releases/rollback", "release.rollback", "Go back to the release that was live before")
def post_rollback(visit: Visit) -> Shown:
    """Go back, by whoever has seen what that changes."""
    try:
        _check_read(visit, find_rollback(visit.services.store), back=True)
        release = roll_back(
            visit.deed(),
            current=visit.services.current,
            reason=visit.sent["reason"],
            instead_of=visit.sent["instead_of"],
        )
    except RoadworthyError as error:
        return _show_change(visit, find_rollback(visit.services.store), back=True, problem=error)
    return go(f"/releases/{release.id}", f"Rolled back: release {release.id} is live again")


def _answer(visit: Visit, *, reject: bool) -> Shown:
    release = _find(visit)
    try:
        approve_release(visit.deed(), release.id, reject=reject, note=visit.sent["note"])
    except RoadworthyError as error:
        return _show_release(visit, error)
    said = "It is rejected" if reject else "It is approved, and can be made live"
    return go(f"/releases/{release.id}", said)


def _show_release(visit: Visit, problem: RoadworthyError | None = None) -> Shown:
    """A release's page; where its files cannot be read any more, its life at least."""
    release = _find(visit)
    champion = visit.taken.champion
    loaded: Loaded | None = None
    try:
        loaded = visit.services.current.load(release.id)
    except RoadworthyError as error:
        problem = problem or error
    policy = None if loaded is None else loaded.release.policy
    return show(
        visit,
        "release.html",
        problem=problem,
        release=release,
        loaded=loaded,
        policy=policy,
        bands=() if policy is None else describe_bands(policy),
        rules=() if policy is None else [(rule, describe_rule(rule)) for rule in policy.rules],
        economics=None if policy is None else policy.economics,
        terms={} if policy is None or policy.economics is None else describe_terms(policy.economics),
        against=champion,
        differences=() if loaded is None or champion is None else list_differences(champion, loaded),
        note=visit.sent["note"] if problem is not None and visit.method == "POST" else "",
        back_to=_before(visit),
    )


def _show_change(visit: Visit, release: ReleaseView, *, back: bool, problem: RoadworthyError | None = None) -> Shown:
    """What making `release` live changes; `back`: by rolling back to it."""
    current = visit.services.current
    live = current.refresh().champion
    preview, warnings = weigh_release(visit.services.current, release, back=back)
    sent = visit.sent if visit.method == "POST" else None
    return show(
        visit,
        "release_change.html",
        problem=problem,
        release=release,
        live=live,
        back=back,
        preview=preview,
        warnings=warnings,
        answers=ANSWERS,
        reason="" if sent is None else sent["reason"],
        needs_approval=not back and not current.trial and release.verdict != "approved",
    )


def _check_read(visit: Visit, release: ReleaseView, *, back: bool) -> None:
    """Refused where there are warnings that were not read. Those of another live release are not what was seen."""
    sent = visit.sent
    seen = sent["instead_of"] == (visit.taken.route.champion or "")
    if seen and sent["read"] != "yes" and weigh_release(visit.services.current, release, back=back)[1]:
        raise Refused("there are warnings, and nobody has said that they were read", mend="read them, and tick the box")


def _find(visit: Visit) -> ReleaseView:
    return show_release(visit.services.store, visit.named("id"))


def _before(visit: Visit) -> ReleaseView | None:
    """The release that rolling back would go to; None where there is none."""
    try:
        return find_rollback(visit.services.store)
    except Refused:
        return None


def _moment(visit: Visit, text: str) -> datetime:
    """A date, or a date and time, where the product is used. UsageError for anything else."""
    zone = ZoneInfo(visit.time_zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"“{text}” is no date and time", mend="write it as 2026-11-01 09:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


HANDLERS = (
    get_releases,
    get_rollback,
    get_release,
    post_submit,
    post_approve,
    post_reject,
    get_promote,
    post_promote,
    post_rollback,
)
