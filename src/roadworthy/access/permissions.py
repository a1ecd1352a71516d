"""The one table of who may do what. Doors ask `may`; what is not in the table nobody may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from roadworthy.access.actor import Actor
from roadworthy.errors import NotAllowed, NotFound, NotSignedIn

__all__ = ["ANYWHERE", "PERMISSIONS", "ROLES", "ROLE_MEANINGS", "Anywhere", "Permission", "demand", "may"]

ROLES = ("officer", "analyst", "validator", "approver", "operator", "admin", "service")
"""Every role: who works the queue; who makes models and policies; who validates them; who is the second pair of eyes;
who runs the machine; who keeps accounts; and programs."""

ROLE_MEANINGS: Mapping[str, str] = {
    "officer": "answers applications: final answers, corrections, overrides, reviews, files",
    "analyst": "makes releases, uploads tables, states purpose and economics",
    "validator": "checks models, accuracy and the records; changes nothing that decides",
    "approver": "the second person: approves releases, tables and overrides, makes live, rolls back",
    "operator": "runs it: stop switch, making live, rolling back, long work",
    "admin": "keeps people, programs and keys; sees no applications",
    "service": "a program, not a person: sends applications and outcomes",
}
"""What whoever has a role is there for, in a few words; PERMISSIONS says exactly what they may do."""


@dataclass(frozen=True)
class Permission:
    """One row of the table: what may be done, in words, and by which roles."""

    name: str
    meaning: str
    roles: frozenset[str]


def _permit(name: str, roles: str, meaning: str) -> tuple[str, Permission]:
    return name, Permission(name, meaning, frozenset(roles.split()))


PERMISSIONS: Mapping[str, Permission] = dict(
    [
        # One application
        _permit("decision.make", "officer service", "send an application and get its answer"),
        _permit("decision.read", "officer analyst validator approver service", "find and open decisions"),
        _permit("decision.export", "officer analyst validator", "export decisions"),
        _permit("decision.replay", "analyst validator operator", "replay past decisions"),
        _permit("decision.correct", "officer service", "correct inputs and decide again"),
        _permit("queue.work", "officer", "take and drop referred applications"),
        _permit("final_answer.give", "officer service", "record what the applicant got"),
        _permit("override.make", "officer", "decide other than the policy, within authority"),
        _permit("override.approve", "officer approver", "be the second person of an override beyond authority"),
        _permit("review.ask", "officer service", "record an applicant's request for human review"),
        _permit("review.answer", "officer", "answer a request for human review"),
        _permit("notice.write", "officer", "write adverse action notices"),
        _permit("applicant.hold", "admin", "set and lift a legal hold"),
        _permit("applicant.erase", "admin", "erase an applicant's data"),
        # Many
        _permit("batch.score", "officer analyst service", "have a file of applications checked and scored"),
        _permit("set_aside.read", "officer analyst operator service", "see input that failed a rule"),
        _permit("outcome.add", "analyst operator service", "add outcome events"),
        _permit("job.read", "officer analyst validator approver operator service", "follow long work"),
        _permit("job.cancel", "operator", "cancel anyone's long work"),
        # Tables
        _permit("table.read", "officer analyst validator approver operator service", "see tables and their versions"),
        _permit("table.upload", "analyst operator", "upload a new version of a table"),
        _permit("table.approve", "approver", "approve or reject a table's version"),
        _permit("table.undo", "approver operator", "go back to the version before"),
        # Releases and the route
        _permit("package.push", "analyst service", "bring a sealed model"),
        _permit("policy.propose", "analyst", "change policy, purpose and economics"),
        _permit("release.read", "officer analyst validator approver operator service", "see releases and the route"),
        _permit("release.create", "analyst", "make a release"),
        _permit("release.submit", "analyst", "put a release up for approval"),
        _permit("release.validate", "validator", "record findings on a model"),
        _permit("release.approve", "approver", "approve or reject a release"),
        _permit("release.promote", "approver operator", "make an approved release live"),
        _permit("release.rollback", "approver operator", "go back to the release before"),
        _permit("release.shadow", "analyst approver operator", "let a release score beside the live one"),
        _permit("release.canary", "approver operator", "let a release decide a share"),
        _permit("route.stop", "analyst validator approver operator", "send every application to people"),
        _permit("route.resume", "approver operator", "end the stop"),
        _permit("route.break_glass", "operator", "change the route without a second person, on the record"),
        # How it goes
        _permit("performance.read", "officer analyst validator approver operator", "see how predictions turned out"),
        _permit("money.read", "analyst validator approver", "see what it is worth, compare releases"),
        _permit("backtest.run", "analyst validator approver", "run one release against another on the past"),
        _permit("report.make", "analyst validator approver", "make reports"),
        _permit("gauges.read", "analyst validator approver operator", "see traffic, drift, alerts and data quality"),
        _permit("alert.answer", "analyst operator", "answer an alert"),
        _permit("metrics.read", "operator service", "read the metrics of the machine"),
        # The proof and the store
        _permit("chain.verify", "validator operator", "verify the chain of records"),
        _permit("audit.read", "validator admin", "see who did what, changes of access among it"),
        _permit("store.back_up", "operator", "back up the store"),
        _permit("wrapping_key.rotate", "operator", "rotate the key that wraps the applicants' own keys"),
        # Access
        _permit("account.read", "admin", "see accounts and their roles"),
        _permit("account.change", "admin", "add and change the accounts of others"),
        _permit("key.change", "admin", "add, rotate and revoke the keys of programs, revoke anyone's"),
        _permit("self.change", " ".join(ROLES), "change one's own password, keys and sessions"),
    ]
)
"""Every permission by its name."""


class Anywhere(Enum):
    """The type of ANYWHERE."""

    ANYWHERE = "no branch is asked about"


ANYWHERE = Anywhere.ANYWHERE
"""Stands for a branch where none is asked about; None stands for a record that names no branch."""


def may(actor: Actor | None, permission: str, *, branch: str | Anywhere | None = ANYWHERE) -> bool:
    """Whether `actor` may do what `permission` names, for a record of `branch` where one is given.

    Denied is: whoever is not signed in (None), a permission that is not in the table, and a record of a branch that the
    actor does not see. A record that names no branch (`branch=None`) is seen only by who sees every branch.

    >>> from roadworthy.access import Branches
    >>> ana = Actor(account="ana", credential="key:1", roles=frozenset({"officer"}), branches=Branches.of("north"))
    >>> may(ana, "queue.work"), may(ana, "queue.work", branch="north"), may(ana, "queue.work", branch="south")
    (True, True, False)
    >>> may(ana, "queue.work", branch=None), may(ana, "release.approve"), may(ana, "queue.wrok")
    (False, False, False)
    >>> may(None, "queue.work")
    False
    """
    row = PERMISSIONS.get(permission)
    if actor is None or row is None or row.roles.isdisjoint(actor.roles):
        return False
    return isinstance(branch, Anywhere) or actor.branches.hold(branch)


def demand(actor: Actor | None, permission: str, *, branch: str | Anywhere | None = ANYWHERE) -> Actor:
    """The actor, who may; else NotSignedIn where there is none, or NotAllowed, which names the roles that may.

    NotFound for a record of a branch that the actor does not see: the words for one that does not exist.
    """
    if actor is None:
        raise NotSignedIn("sign in first", mend="sign in, or send a key")
    if may(actor, permission, branch=branch):
        return actor
    if may(actor, permission):
        raise NotFound.unseen()
    row = PERMISSIONS.get(permission)
    if row is None:
        raise NotAllowed(f"nobody may do this: there is no permission {permission!r}")
    raise NotAllowed(
        f"{actor.account} may not {row.meaning}",
        available=[f"role {role}" for role in sorted(row.roles)],
        mend="ask somebody who has one of these roles; an admin gives them",
    )
