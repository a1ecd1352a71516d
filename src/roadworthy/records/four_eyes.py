"""Four eyes: what one person proposes another approves. The database itself refuses anything else."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, insert, literal, select
from sqlalchemy.exc import IntegrityError

from roadworthy.errors import Refused, UsageError
from roadworthy.records.moments import moment, to_us
from roadworthy.records.schema import approvals, proposals, store

__all__ = ["Approval", "Proposal", "approve", "propose", "read_approvals", "read_proposal"]


class Proposal(Struct, frozen=True, kw_only=True):
    """What an author asks for: `kind` is release, policy, cut_off, model or table; `digest` is of what is meant."""

    proposal_id: str
    kind: str
    subject: str
    digest: str
    author: str
    author_credential: str
    at: datetime


class Approval(Struct, frozen=True, kw_only=True):
    """Another's answer to a proposal: `verdict` is approve or reject."""

    approval_id: str
    proposal_id: str
    approver: str
    approver_credential: str
    verdict: str
    at: datetime


def propose(connection: Connection, proposal: Proposal) -> None:
    """Keep a proposal, for good. UsageError where its id was used before."""
    try:
        connection.execute(
            insert(proposals).values(
                proposal_id=proposal.proposal_id,
                kind=proposal.kind,
                subject=proposal.subject,
                digest=proposal.digest,
                author=proposal.author,
                author_credential=proposal.author_credential,
                at_us=to_us(proposal.at),
            )
        )
    except IntegrityError as error:
        raise UsageError(f"the proposal cannot be kept: {error.orig}", where=proposal.proposal_id) from error


def approve(connection: Connection, approval: Approval) -> None:
    """Keep an answer, for good. Refused where author and approver are one person or one credential, except in a trial,
    where the approver answered already, and where there is no such proposal.
    """
    answer = select(
        literal(approval.approval_id),
        proposals.c.proposal_id,
        proposals.c.author,
        proposals.c.author_credential,
        literal(approval.approver),
        literal(approval.approver_credential),
        literal(approval.verdict),
        literal(to_us(approval.at)),
        select(store.c.trial).scalar_subquery(),
    ).where(proposals.c.proposal_id == approval.proposal_id)
    try:
        kept = connection.execute(
            insert(approvals).from_select(list(approvals.columns), answer).returning(approvals.c.approval_id)
        ).one_or_none()
    except IntegrityError as error:
        if "four_eyes" in str(error.orig):
            raise Refused(
                f"{approval.approver} proposed this, or proposed it with the same key",
                where=approval.proposal_id,
                mend="another person approves it, with a key of their own",
            ) from error
        raise Refused(f"the answer cannot be kept: {error.orig}", where=approval.proposal_id) from error
    if kept is None:
        raise Refused("there is no such proposal", where=approval.proposal_id)


def read_proposal(connection: Connection, proposal_id: str) -> Proposal | None:
    """A proposal by its id."""
    row = connection.execute(select(proposals).where(proposals.c.proposal_id == proposal_id)).one_or_none()
    if row is None:
        return None
    return Proposal(
        proposal_id=row.proposal_id,
        kind=row.kind,
        subject=row.subject,
        digest=row.digest,
        author=row.author,
        author_credential=row.author_credential,
        at=moment(row.at_us),
    )


def read_approvals(connection: Connection, proposal_id: str) -> list[Approval]:
    """The answers to a proposal, by their ids."""
    wanted = select(approvals).where(approvals.c.proposal_id == proposal_id).order_by(approvals.c.approval_id)
    return [
        Approval(
            approval_id=row.approval_id,
            proposal_id=row.proposal_id,
            approver=row.approver,
            approver_credential=row.approver_credential,
            verdict=row.verdict,
            at=moment(row.at_us),
        )
        for row in connection.execute(wanted)
    ]
