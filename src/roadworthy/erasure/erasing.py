"""Erasing an applicant: their keys are destroyed, what was kept for reading is removed, and the chain still holds.

Nothing of the ledger is removed: what it sealed is ciphertext that nobody opens any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, or_, select

from roadworthy.access import Deed
from roadworthy.batch import WorkFiles, forget_work, look_through_work
from roadworthy.casework import check_words
from roadworthy.erasure.listed import ErasureList, Listed
from roadworthy.erasure.reach import Reach, Whom, find_reach
from roadworthy.errors import OutcomeUnknown, Refused, RoadworthyError
from roadworthy.records import NO_APPLICATION, Entry, Erasure, Store, metadata

__all__ = ["ErasureDone", "ErasurePlan", "erase_applicant", "erase_within", "plan_erasure"]

_records, _once = metadata.tables["records"], metadata.tables["once"]
_ASIDE = "outcomes"


class ErasurePlan(Struct, frozen=True):
    """What an erasure would do: what is kept about the applicant, and the files of long work that hold it."""

    reach: Reach
    work: WorkFiles


class ErasureDone(Struct, frozen=True, kw_only=True):
    """What was erased.

    keys, applications   how many keys were destroyed, and the applications that were about them
    exports              jobs whose files had them, or may have had: whoever has a copy deletes it
    files                how many kept files were forgotten
    under_way            jobs that were not over, whose files were left
    plain                records from before the store was encrypted, which stay readable
    remains              what may still lie in the store's own files, and until when; None where nothing does
    """

    keys: int
    application_ids: tuple[str, ...]
    exports: tuple[str, ...]
    files: int
    under_way: tuple[str, ...]
    plain: int
    remains: str | None


def plan_erasure(deed: Deed, whom: Whom) -> ErasurePlan:
    """What would be erased. Permission applicant.erase. NotFound where nothing is kept about them."""
    deed.demand("applicant.erase")
    whom.check()
    with deed.store.reading() as connection:
        reach = find_reach(deed.store, connection, whom)
    return ErasurePlan(reach, _look(deed.store, reach))


def erase_applicant(deed: Deed, whom: Whom, *, ground: str, erasures: ErasureList) -> ErasureDone:
    """Erase an applicant's data, for good. Permission applicant.erase.

    ground     why, in words that name nobody; stands in the records
    erasures   the list outside the store, which a restored backup is held to; it is written first

    Refused while a legal hold is on them, which is said with the records that set it. NotFound, UsageError, StoreError.
    """
    deed.demand("applicant.erase")
    ground = check_words("ground", ground, needed=True)
    plan = plan_erasure(deed, whom)
    _refuse_held(plan.reach)
    listed = Listed(
        erasure_id=deed.new_id(), key_ids=plan.reach.key_ids, application_ids=plan.reach.application_ids,
        at=deed.now, by=deed.by.account, ground=ground,
    )  # fmt: skip
    erasures.add(listed)

    def work(connection: Connection) -> tuple[Reach, int]:
        # With everybody else still: whatever was appended meanwhile is reached as well.
        deed.store.connections.keep_still(connection)
        reach = find_reach(deed.store, connection, whom)
        _refuse_held(reach)
        entries = [_entry(deed, reach, plan.work, ground, subject) for subject in _subjects(reach)]
        erase_within(deed.store, connection, reach.key_ids, reach.application_ids, entries, deed.now)
        return reach, forget_work(connection, plan.work.holding)

    try:
        reach, files = deed.store.transact(work)
    except RoadworthyError as error:
        if not isinstance(error, OutcomeUnknown):  # else it is done again, or is done, when the store is next opened
            erasures.add(Listed(erasure_id=listed.erasure_id, withdrawn=True))
        raise
    if set(reach.key_ids) - set(plan.reach.key_ids) or set(reach.application_ids) - set(plan.reach.application_ids):
        more = Listed(
            erasure_id=deed.new_id(), key_ids=reach.key_ids, application_ids=reach.application_ids,
            at=deed.now, by=deed.by.account, ground=ground,
        )  # fmt: skip
        erasures.add(more)
    return ErasureDone(
        keys=len(reach.key_ids),
        application_ids=reach.application_ids,
        exports=(*plan.work.holding, *plan.work.may_hold),
        files=files,
        under_way=plan.work.under_way,
        plain=reach.plain,
        remains=deed.store.connections.scrub(),
    )


def erase_within(
    store: Store,
    connection: Connection,
    key_ids: Sequence[str],
    application_ids: Sequence[str],
    entries: Sequence[Entry],
    at: datetime,
) -> None:
    """Destroy keys, record it, and remove what was kept for reading, in the transaction of `connection`."""
    store.ledger.keys.destroy(connection, key_ids, at)
    store.ledger.append(entries, within=connection)
    # A row that was set aside is known again by a digest of it, which somebody could try rows against.
    aside = select(_records.c.record_id).where(
        _records.c.kind == "outcome_set_aside",
        or_(
            _records.c.subject.in_(application_ids),
            and_(_records.c.subject == _ASIDE, _records.c.key_id.in_(key_ids)),
        ),
    )
    if rows := list(connection.execute(aside).scalars()):
        connection.execute(delete(_once).where(_once.c.caller == "outcomes:", _once.c.record_id.in_(rows)))


def _look(store: Store, reach: Reach) -> WorkFiles:
    return look_through_work(store, reach.words, since=reach.since, branches=reach.branches)


def _refuse_held(reach: Reach) -> None:
    if reach.held:
        raise Refused(
            "a legal hold keeps these data: nothing is erased while it is on",
            where=", ".join(reach.held),
            mend="have it released first, with the reason: roadworthy hold release ID",
        )


def _subjects(reach: Reach) -> tuple[str, ...]:
    return reach.application_ids or tuple(f"{NO_APPLICATION}{key_id}" for key_id in reach.key_ids[:1])


def _entry(deed: Deed, reach: Reach, work: WorkFiles, ground: str, subject: str) -> Entry:
    erasure = Erasure(key_ids=reach.key_ids, exports=(*work.holding, *work.may_hold), ground=ground, plain=reach.plain)
    return deed.entry(erasure, subject)
