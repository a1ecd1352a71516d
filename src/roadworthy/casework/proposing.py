"""An override put before a second person, who confirms or rejects it later, with a credential of their own."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.access import Actor, Deed, console_actor, demand_override, find_account
from roadworthy.casework.acting import Receipt, is_text
from roadworthy.casework.case import Case, find_branch, take_case
from roadworthy.casework.overriding import demand_overridable, make_override
from roadworthy.errors import NotFound, Refused
from roadworthy.records import (
    Approval,
    Entry,
    Override,
    Proposal,
    approve,
    encode_payload,
    keep_content,
    kind_of,
    metadata,
    moment,
    propose,
    read_approvals,
    read_content,
    read_proposal,
)

__all__ = [
    "ProposedOverride",
    "confirm_override",
    "list_proposed_overrides",
    "propose_override",
    "reject_override",
]

KIND = "override"
_DRAFT = "application/vnd.roadworthy.override+json"
_proposals = metadata.tables["proposals"]
_approvals = metadata.tables["approvals"]
_applications = metadata.tables["applications"]


class _Draft(Struct, frozen=True, kw_only=True):
    """An override that waits for its second person."""

    override: Override
    replaces: str | None


class ProposedOverride(Struct, frozen=True, kw_only=True):
    """An override that waits for a second person: what is proposed, by whom, and on what amount."""

    proposal_id: str
    application_id: str
    decision_id: str
    answer: str
    reason_code: str
    words: str
    by: str
    at: datetime
    amount: float | None
    branch: str | None


def propose_override(
    deed: Deed, decision_id: str, answer: str, *, reason_code: str, words: str, replaces: str | None = None
) -> ProposedOverride:
    """Put an override before a second person, who confirms or rejects it with a credential of their own.

    Nothing about the decision changes until then. Permission override.make; refused as `override` is, authority apart.
    """
    deed.demand("override.make")
    draft = _Draft(override=make_override(decision_id, answer, reason_code, words), replaces=replaces)

    def work(connection: Connection) -> ProposedOverride:
        case = take_case(deed, connection, decision_id, "override.make", to_act=True)
        case.demand_no_review()
        demand_overridable(case, answer, replaces)
        proposal = Proposal(
            proposal_id=deed.new_id(),
            kind=KIND,
            subject=case.record.subject,
            digest=keep_content(connection, msgspec.json.encode(draft), _DRAFT),
            author=deed.by.account,
            author_credential=deed.by.credential,
            at=deed.now,
        )
        propose(connection, proposal)
        return _show(proposal, draft, case.application.amount, case.decision.branch)

    return deed.store.transact(work)


def confirm_override(deed: Deed, proposal_id: str) -> Receipt:
    """Confirm what another person proposed: it is recorded as theirs, with the actor as the second person.

    Permission override.approve, in the branch. Refused where the two are one person or the actor's authority is not
    enough, where it was answered already, and where the decision or the proposer's rights changed meanwhile.
    """

    def work(connection: Connection) -> Receipt:
        proposal, draft, case = _take_proposal(deed, connection, proposal_id)
        case.demand_no_review()
        demand_overridable(case, draft.override.answer, draft.replaces)
        first = _find_author(connection, proposal, trial=case.record.trial)
        amount, branch = case.application.amount, case.decision.branch
        demand_override(first, amount, branch=branch, second=deed.by, trial=case.record.trial)
        _answer(deed, connection, proposal_id, "approve")
        said = msgspec.structs.replace(draft.override, second=deed.by.account)
        entry = Entry(
            record_id=deed.new_id(),
            kind=kind_of(said),
            subject=case.record.subject,
            actor=first.account,
            at=deed.now,
            payload=encode_payload(said),
        )
        deed.store.ledger.append([entry], within=connection)
        return Receipt(entry.record_id)

    return deed.store.transact(work)


def reject_override(deed: Deed, proposal_id: str) -> None:
    """Say no to a proposed override: the decision stays as it is. Permission override.approve, in the branch."""

    def work(connection: Connection) -> None:
        _take_proposal(deed, connection, proposal_id)
        _answer(deed, connection, proposal_id, "reject")

    deed.store.transact(work)


def list_proposed_overrides(deed: Deed) -> tuple[ProposedOverride, ...]:
    """What waits for a second person, oldest first, in the branches the actor sees. Permission override.approve."""
    deed.demand("override.approve")
    answered = select(_approvals.c.proposal_id)
    wanted = (
        select(_proposals, _applications.c.amount)
        .join(_applications, _applications.c.application_id == _proposals.c.subject)
        .where(_proposals.c.kind == KIND, _proposals.c.proposal_id.not_in(answered))
        .order_by(_proposals.c.at_us, _proposals.c.proposal_id)
    )
    with deed.store.reading() as connection:
        found = []
        for row in connection.execute(wanted).all():
            proposal = Proposal(
                proposal_id=row.proposal_id, kind=row.kind, subject=row.subject, digest=row.digest,
                author=row.author, author_credential=row.author_credential, at=moment(row.at_us),
            )  # fmt: skip
            draft = _read_draft(connection, proposal)
            # The decision's own branch: the application may have been decided again in another one since.
            branch = find_branch(connection, draft.override.decision_id)
            if deed.by.branches.hold(branch):
                found.append(_show(proposal, draft, row.amount, branch))
    return tuple(found)


def _take_proposal(deed: Deed, connection: Connection, proposal_id: str) -> tuple[Proposal, _Draft, Case]:
    deed.demand("override.approve")
    proposal = read_proposal(connection, proposal_id) if is_text(proposal_id) else None
    if proposal is None or proposal.kind != KIND:
        raise NotFound.unseen()
    draft = _read_draft(connection, proposal)
    case = take_case(deed, connection, draft.override.decision_id, "override.approve", to_act=True)
    answers = read_approvals(connection, proposal_id)
    if answers:
        verdict = {"approve": "confirmed", "reject": "rejected"}[answers[0].verdict]
        raise Refused(f"{answers[0].approver} {verdict} this already", where=proposal_id)
    return proposal, draft, case


def _find_author(connection: Connection, proposal: Proposal, *, trial: bool) -> Actor:
    """The proposer with the rights they have now."""
    account = find_account(connection, proposal.author)
    if account is not None and account.active:
        return account.actor(proposal.author_credential)
    console = console_actor(connection, trial=True)
    if trial and proposal.author == console.account:
        return console
    raise Refused(f"{proposal.author} has no account in use any more", where=proposal.proposal_id)


def _answer(deed: Deed, connection: Connection, proposal_id: str, verdict: str) -> None:
    approve(
        connection,
        Approval(
            approval_id=deed.new_id(),
            proposal_id=proposal_id,
            approver=deed.by.account,
            approver_credential=deed.by.credential,
            verdict=verdict,
            at=deed.now,
        ),
    )


def _read_draft(connection: Connection, proposal: Proposal) -> _Draft:
    content = read_content(connection, proposal.digest)
    if content is None:
        raise Refused("what was proposed was erased", where=proposal.proposal_id)
    return msgspec.json.decode(content.data, type=_Draft)


def _show(proposal: Proposal, draft: _Draft, amount: float | None, branch: str | None) -> ProposedOverride:
    return ProposedOverride(
        proposal_id=proposal.proposal_id,
        application_id=proposal.subject,
        decision_id=draft.override.decision_id,
        answer=draft.override.answer,
        reason_code=draft.override.reason_code,
        words=draft.override.words,
        by=proposal.author,
        at=proposal.at,
        amount=amount,
        branch=branch,
    )
