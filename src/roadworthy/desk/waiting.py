"""What waits for whoever looks: each kind counted for those who may see to it, with where that is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from roadworthy.casework import count_queue, list_proposed_overrides, list_waiting_reviews
from roadworthy.desk.format import count, moment
from roadworthy.desk.visit import Visit
from roadworthy.jobs import list_jobs
from roadworthy.lifecycle import ReleaseView, TableVersionView

__all__ = ["Waiting", "list_approved", "list_submitted", "list_waiting", "list_waiting_tables"]

_LATELY = timedelta(days=7)
_NAMED = 3
_MOST_REVIEWS = 10_000


@dataclass(frozen=True)
class Waiting:
    """One line: how many, of what, and where to see to it. `more` says what is urgent about it."""

    count: int
    words: str
    where: str
    more: str = ""


def list_waiting(visit: Visit) -> list[Waiting]:
    """What waits for this person, by what they may do; what nothing waits of is left out."""
    found = (line for permission, look in _KINDS if visit.may(permission) for line in look(visit))
    return [line for line in found if line.count]


def list_waiting_tables(visit: Visit) -> list[TableVersionView]:
    """The uploads that wait for a second person, who this one may be."""
    return [one for one in visit.table_versions if one.state == "waiting" and _is_another(visit, one.uploaded_by)]


def list_submitted(visit: Visit) -> list[ReleaseView]:
    """The releases that wait for approval, by this person."""
    return [
        release
        for release in visit.releases
        if release.verdict == "submitted"
        and _is_another(visit, release.created_by)
        and _is_another(visit, release.submitted_by or "")
    ]


def list_approved(visit: Visit) -> list[ReleaseView]:
    """The releases that are approved and were never live."""
    return [release for release in visit.releases if release.state == "approved"]


def _referrals(visit: Visit) -> Iterator[Waiting]:
    number = count_queue(visit.deed()).get("open", 0)
    yield Waiting(
        number, _many(number, "referral waits", "referrals wait", "for a final answer"), "/search?status=open"
    )


def _reviews(visit: Visit) -> Iterator[Waiting]:
    number = count_queue(visit.deed()).get("review", 0)
    words = _many(number, "applicant asks", "applicants ask", "for a person to look again")
    more = ""
    if number:
        first = next(iter(list_waiting_reviews(visit.deed(), limit=_MOST_REVIEWS)), None)
        if first is not None and first.deadline is not None:
            late = "was due" if first.deadline < visit.admitted.at else "is due"
            more = f"{first.application_id} {late} by {moment(first.deadline, visit.time_zone)}"
    yield Waiting(number, words, "/search?status=review", more)


def _overrides(visit: Visit) -> Iterator[Waiting]:
    number = sum(_is_another(visit, one.by) for one in list_proposed_overrides(visit.deed()))
    words = _many(number, "override waits", "overrides wait", "for a second person")
    yield Waiting(number, words, "/overrides")


def _tables(visit: Visit) -> Iterator[Waiting]:
    versions = list_waiting_tables(visit)
    where = f"/tables/{versions[0].table}/{versions[0].version}" if len(versions) == 1 else "/tables"
    more = ", ".join(f"{one.table} {one.version} of {one.uploaded_by}" for one in versions[:_NAMED])
    words = _many(len(versions), "table upload waits", "table uploads wait", "for your approval")
    yield Waiting(len(versions), words, where, more)


def _submitted(visit: Visit) -> Iterator[Waiting]:
    words = ("release waits", "releases wait", "for your approval")
    yield _of_releases(list_submitted(visit), words, "/releases/{}")


def _approved(visit: Visit) -> Iterator[Waiting]:
    words = ("approved release waits", "approved releases wait", "to be made live")
    yield _of_releases(list_approved(visit), words, "/releases/{}/promote")


def _drafts(visit: Visit) -> Iterator[Waiting]:
    mine = [one for one in visit.releases if one.state in ("created", "rejected")]
    mine = [one for one in mine if one.created_by == visit.by.account]
    yield _of_releases(
        mine, ("release of yours is", "releases of yours are", "not put up for approval"), "/releases/{}"
    )


def _jobs(visit: Visit) -> Iterator[Waiting]:
    """What the person asked for themselves and is over, lately."""
    with visit.services.store.reading() as connection:
        jobs = list_jobs(connection, by=visit.by, limit=100)
    since = visit.admitted.at - _LATELY
    mine = [job for job in jobs if job.actor == visit.by.account and job.ended_at is not None and job.ended_at > since]
    failed = sum(job.state == "failed" for job in mine)
    where = f"/files/{mine[0].job_id}" if len(mine) == 1 else "/files"
    words = _many(len(mine), "file of yours is done", "files of yours are done", "in the last seven days")
    yield Waiting(len(mine), words, where, f"{count(failed)} of them failed" if failed else "")


_KINDS: tuple[tuple[str, Callable[[Visit], Iterator[Waiting]]], ...] = (
    ("queue.work", _referrals),
    ("review.answer", _reviews),
    ("override.approve", _overrides),
    ("table.approve", _tables),
    ("release.approve", _submitted),
    ("release.promote", _approved),
    ("release.submit", _drafts),
    ("batch.score", _jobs),
)
"""What may wait, and the permission to see to it."""


def _of_releases(releases: list[ReleaseView], words: tuple[str, str, str], where: str) -> Waiting:
    """All of them, or the one there is."""
    one = len(releases) == 1
    more = ", ".join(f"release {release.id} of {release.created_by}" for release in releases[:_NAMED])
    return Waiting(
        len(releases), _many(len(releases), *words), where.format(releases[0].id) if one else "/releases", more
    )


def _is_another(visit: Visit, author: str) -> bool:
    """Whether what `author` made may be answered by whoever looks: not their own, but in a trial."""
    return author != visit.by.account or visit.services.current.trial


def _many(number: int, one: str, several: str, rest: str) -> str:
    return f"{count(number)} {one if number == 1 else several} {rest}"
