"""Two people for a release: one puts it up, another approves it. The database takes no other pair (R13)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from roadworthy.access import Actor, Deed, demand_two_people
from roadworthy.errors import Refused
from roadworthy.lifecycle.views import ReleaseView, lock_release, view_release
from roadworthy.live import release_subject
from roadworthy.records import (
    Approval,
    Proposal,
    ReleaseEvent,
    approve,
    propose,
    read_approvals,
    read_proposal,
)

__all__ = ["answer_proposals", "approve_release", "check_approved", "submit_release"]


def submit_release(deed: Deed, release_id: str, note: str = "") -> ReleaseView:
    """Put a release up for approval, also one that was rejected. Refused where it waits or is approved already.

    Whoever made it and whoever puts it up are its authors: neither approves it.
    """
    deed.demand("release.submit")
    champion = deed.store.ledger.live().route.champion

    def submit(connection: Connection) -> ReleaseView:
        row = lock_release(connection, release_id)
        release = view_release(connection, release_id, champion)
        if release.verdict not in ("created", "rejected"):
            raise Refused(f"release {release_id} is {release.verdict} already")
        authors = {(row.author, row.author_credential), (deed.by.account, deed.by.credential)}
        proposed = []
        for account, credential in sorted(authors):
            proposal = Proposal(
                proposal_id=deed.new_id(),
                kind="release",
                subject=release_subject(release_id),
                digest=release.digest,
                author=account,
                author_credential=credential,
                at=deed.now,
            )
            propose(connection, proposal)
            proposed.append(proposal.proposal_id)
        details = {"note": note, "proposals": proposed}
        event = ReleaseEvent(step="submitted", digest=release.digest, details=details)
        deed.record(event, release_subject(release_id), within=connection)
        return view_release(connection, release_id, champion)

    return deed.store.transact(submit)


def approve_release(deed: Deed, release_id: str, *, reject: bool = False, note: str = "") -> ReleaseView:
    """Approve a release that was submitted, or reject it, which needs a note.

    Refused where it does not wait for an answer, and where one of its authors is the same person: one account or one
    credential, except in a trial.
    """
    deed.demand("release.approve")
    if reject and not note.strip():
        raise Refused("a release is not rejected without a reason", mend="say why in the note")
    champion, trial = deed.store.ledger.live().route.champion, deed.trial

    def answer(connection: Connection) -> ReleaseView:
        lock_release(connection, release_id)
        release = view_release(connection, release_id, champion)
        if release.verdict != "submitted":
            raise Refused(
                f"release {release_id} does not wait for approval: it is {release.verdict}",
                mend=f"`roadworthy release submit {release_id}` puts it up" if release.verdict != "approved" else None,
            )
        answer_proposals(deed, connection, _proposals_of(release), reject=reject, trial=trial)
        step = "rejected" if reject else "approved"
        event = ReleaseEvent(step=step, digest=release.digest, details={"note": note})
        deed.record(event, release_subject(release_id), within=connection)
        return view_release(connection, release_id, champion)

    return deed.store.transact(answer)


def answer_proposals(
    deed: Deed, connection: Connection, proposals: Sequence[str], *, reject: bool, trial: bool
) -> None:
    """Answer proposals within a transaction. Refused where an author of one is the same person as who answers."""
    for proposal_id in proposals:
        proposal = read_proposal(connection, proposal_id)
        if proposal is not None:  # else the database refuses, and says so
            author = Actor(account=proposal.author, credential=proposal.author_credential)
            demand_two_people(author, deed.by, trial=trial)
        approve(
            connection,
            Approval(
                approval_id=deed.new_id(),
                proposal_id=proposal_id,
                approver=deed.by.account,
                approver_credential=deed.by.credential,
                verdict="reject" if reject else "approve",
                at=deed.now,
            ),
        )


def check_approved(connection: Connection, release: ReleaseView) -> None:
    """Refused unless the database itself holds an approval for every author of what was submitted last."""
    if release.verdict == "approved":
        answered = [read_approvals(connection, proposal) for proposal in _proposals_of(release)]
        if all(any(approval.verdict == "approve" for approval in approvals) for approvals in answered):
            return
    mend = {
        "submitted": f"another person: `roadworthy release approve {release.id}`",
        "rejected": "make another release, or submit it again with what was missing",
    }.get(release.verdict, f"`roadworthy release submit {release.id}`, and another person approves it")
    raise Refused(f"release {release.id} is {release.verdict}, not approved", mend=mend)


def _proposals_of(release: ReleaseView) -> list[str]:
    submitted = next(step for step in reversed(release.steps) if step.step == "submitted")
    return list(submitted.details["proposals"])
