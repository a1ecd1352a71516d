"""Monthly tables: uploaded, approved by another person, in force by the route, undone; and packages pushed."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from roadworthy.access import Actor
from roadworthy.errors import DataError, NotAllowed, NotFound, PackageError, Refused, UsageError
from roadworthy.lifecycle import (
    TableVersionView,
    Upload,
    approve_table,
    keep_package,
    list_packages,
    list_table_versions,
    promote_release,
    read_upload,
    roll_back,
    show_package,
    undo_table,
    upload_table,
    who_was_live,
)
from roadworthy.live import Decided, Envelope, decide_and_record
from roadworthy.records import metadata, new_id, read_content
from roadworthy.testing import make_package
from tests.lifecycle.conftest import ANA, BEN, CORA, EVERYBODY, OLGA, REGIONS, Lender, person, policy

READS = policy(0.99, rule="amount > regions.limit")
OCTOBER = b"region,limit,manager\nN,1000,Ana\nS,2000,Ben\nE,3000,\nW,4000,\n"
NOVEMBER = b"region,limit\nN,1500\nS,2000\nE,3000\nW,much\n"
APPLICATION = {
    "age": 40, "income": 90_000, "amount": 1_200, "months": 12, "late_payments": 0, "housing": "own", "region": "N",
    "employed": True,
}  # fmt: skip


def upload(
    lender: Lender, data: bytes = OCTOBER, effective: str = "2026-10-01", name: str = "regions.csv", by: Actor = ANA
) -> Upload:
    return upload_table(lender.deed(by), "regions", data, name, dt.date.fromisoformat(effective))


def approve(lender: Lender, version: str, by: Actor = BEN, **terms: Any) -> TableVersionView:
    return approve_table(lender.deed(by), "regions", version, **terms)


def states(lender: Lender) -> list[str]:
    return [version.state for version in list_table_versions(lender.store, "regions")]


def decide(lender: Lender, applied_at: str) -> str:
    """Whether the application, made and decided at that moment, is within its region's limit."""
    now = max(lender.now, dt.datetime.fromisoformat(applied_at))
    envelope = Envelope(
        record_id=new_id(now),
        actor="webshop",
        inputs=msgspec.Raw(msgspec.json.encode(APPLICATION)),
        applied_at=applied_at,
    )
    (made,) = decide_and_record(lender.current, [envelope], now=now)
    assert isinstance(made, Decided), made
    return str(msgspec.json.decode(made.reply)["answer"])


def go_live(lender: Lender) -> None:
    """A release that reads the table, with October's in force."""
    release_id = lender.approved(policy=READS, tables={"regions": REGIONS})
    approve(lender, upload(lender).version)
    promote_release(lender.deed(BEN), release_id, current=lender.current)


def test_a_table_is_uploaded_by_one_and_approved_by_another_and_decides_from_its_date(lender: Lender) -> None:
    """R14: the route changes and the release does not; each application has the row of its own day."""
    go_live(lender)
    assert (decide(lender, "2026-10-15T12:00:00Z"), decide(lender, "2026-11-15T12:00:00Z")) == ("refer", "refer")
    found = upload(lender, NOVEMBER, "2026-11-01")
    assert (found.version, found.follows, found.rows, found.aside) == ("2", "1", 3, 1)
    assert (found.set_aside[0].row, found.set_aside[0].rule) == (4, "type")
    assert (found.diff.changed, found.diff.unchanged, found.diff.gone) == (2, 1, 1)
    first = found.diff.changes[0]
    assert (first.key, first.column, first.old, first.new, first.relative) == ("N", "limit", 1000.0, 1500.0, 0.5)
    assert found.warnings == (
        "1 of 4 keys (region) are not in the file, and keep the rows they have. Is it whole?",
        "manager: no row has a value any more. Does the file lack the column?",
    )
    assert read_upload(lender.store, "regions", "2") == found
    assert states(lender) == ["in_force", "waiting"]
    assert decide(lender, "2026-11-15T12:00:00Z") == "refer"  # nobody has approved it yet

    approved = approve(lender, "2", note="as agreed")
    assert (approved.state, approved.uploaded_by, approved.answered_by, approved.note) == (
        "in_force", "ana", "ben", "as agreed",
    )  # fmt: skip
    assert states(lender) == ["replaced", "in_force"]
    live = lender.store.ledger.live()
    assert (live.route.champion, dict(live.route.tables), live.epoch) == ("1", {"regions": "2"}, 3)
    # From the start of the day where the product is used: 23:00 UTC of the day before.
    moments = ("2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z")
    assert [decide(lender, moment) for moment in moments] == ["refer", "approve"]


def test_undoing_goes_back_to_the_version_followed(lender: Lender) -> None:
    go_live(lender)
    upload(lender, NOVEMBER, "2026-11-01")
    approve(lender, "2")
    assert decide(lender, "2026-11-15T12:00:00Z") == "approve"
    undone = undo_table(lender.deed(OLGA), "regions", "the wrong file")
    assert (undone.version, undone.state, undone.undone_by, undone.note) == ("2", "undone", "olga", "the wrong file")
    assert states(lender) == ["in_force", "undone"]
    assert decide(lender, "2026-11-15T12:00:00Z") == "refer"
    with pytest.raises(Refused, match="is the first, and release 1 reads it"):
        undo_table(lender.deed(OLGA), "regions", "all of it")
    # What was undone does not come back; the file can be uploaded again.
    with pytest.raises(Refused, match="does not wait"):
        approve(lender, "2")
    again = upload(lender, NOVEMBER, "2026-11-01")
    assert again.warnings[0] == "this is the same file as version 2, uploaded for 2026-11-01"
    assert approve(lender, again.version).follows == "1"


def test_a_table_that_nothing_live_reads_can_be_undone_to_none(lender: Lender) -> None:
    lender.create(policy=READS, tables={"regions": REGIONS})
    approve(lender, upload(lender).version)
    undo_table(lender.deed(BEN), "regions", "not yet")
    assert dict(lender.store.ledger.live().route.tables) == {}
    with pytest.raises(Refused, match="no version of table 'regions' is in force"):
        undo_table(lender.deed(BEN), "regions", "again")


def test_the_uploader_does_not_approve_and_the_database_says_so_too(lender: Lender) -> None:
    lender.create(policy=READS, tables={"regions": REGIONS})
    upload(lender, by=CORA)
    for same in (CORA, person("ben", "approver", key="key:cora")):
        with pytest.raises(Refused, match=r"made this|one credential"):
            approve(lender, "1", same)
    forged = {
        "approval_id": "V-1", "author": "cora", "author_credential": "key:cora", "approver": "cora",
        "approver_credential": "key:2", "verdict": "approve", "at_us": 0, "trial": False,
    }  # fmt: skip
    with lender.store.reading() as connection:
        proposals = connection.exec_driver_sql("SELECT proposal_id FROM proposals WHERE kind = 'table'").scalars().all()
    statement = insert(metadata.tables["approvals"]).values(forged | {"proposal_id": proposals[0]})
    with pytest.raises(IntegrityError):
        lender.store.transact(lambda connection: connection.execute(statement))
    assert (states(lender), lender.store.ledger.epoch()) == (["waiting"], 0)


def test_in_a_trial_one_person_does_both(trial: Lender) -> None:
    trial.create(by=EVERYBODY, policy=READS, tables={"regions": REGIONS})
    upload(trial, by=EVERYBODY)
    assert approve(trial, "1", EVERYBODY).state == "in_force"


def test_a_rejected_version_says_why_and_changes_nothing(lender: Lender) -> None:
    lender.create(policy=READS, tables={"regions": REGIONS})
    upload(lender)
    with pytest.raises(Refused, match="without a reason"):
        approve(lender, "1", reject=True)
    rejected = approve(lender, "1", reject=True, note="last year's")
    assert (rejected.state, rejected.note, rejected.answered_by) == ("rejected", "last year's", "ben")
    with pytest.raises(Refused, match="does not wait"):
        approve(lender, "1")
    assert lender.store.ledger.epoch() == 0


def test_what_was_compared_with_another_version_is_not_put_in_force(lender: Lender) -> None:
    lender.create(policy=READS, tables={"regions": REGIONS})
    upload(lender)
    upload(lender, NOVEMBER, "2026-11-01")
    approve(lender, "1")
    with pytest.raises(Refused, match="was compared with nothing, and version 1 is in force now"):
        approve(lender, "2")
    assert approve(lender, "2", reject=True, note="stale").state == "rejected"


def test_a_corrected_file_for_the_same_day_replaces_its_rows(lender: Lender) -> None:
    go_live(lender)
    upload(lender, b"region,limit\nN,1300\n", "2026-10-01")
    approve(lender, "2")
    assert decide(lender, "2026-10-15T12:00:00Z") == "approve"


def test_of_many_at_once_each_upload_has_its_number_and_one_approval_wins(lender: Lender) -> None:
    lender.create(policy=READS, tables={"regions": REGIONS})
    deeds = [(lender.deed(ANA), lender.deed(person(f"ben{i}", "approver"))) for i in range(6)]

    def add(i: int) -> str:
        data = f"region,limit\nN,{1000 + i}\n".encode()
        return upload_table(deeds[i][0], "regions", data, "regions.csv", dt.date(2026, 10, 1)).version

    def answer(i: int) -> str | None:
        try:
            return approve_table(deeds[i][1], "regions", str(i + 1)).version
        except Refused:
            return None

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(add, range(6))) == ["1", "2", "3", "4", "5", "6"]
        won = [version for version in pool.map(answer, range(6)) if version is not None]
    live = lender.store.ledger.live()
    assert (won, live.epoch) == ([live.route.tables["regions"]], 1)


def test_a_release_with_another_contract_of_the_table_goes_live_where_the_rows_fit_it(lender: Lender) -> None:
    go_live(lender)
    wider = REGIONS + "  floor: {type: number, missing: true}\n"
    promote_release(lender.deed(BEN), lender.approved(policy=READS, tables={"regions": wider}), current=lender.current)
    assert decide(lender, "2026-10-15T12:00:00Z") == "refer"
    needed = REGIONS + "  floor: {type: number}\n"
    unfit = lender.approved(policy=READS, tables={"regions": needed})
    with pytest.raises(Exception, match="another contract"):
        promote_release(lender.deed(BEN), unfit, current=lender.current)
    assert lender.champion == "2"
    assert roll_back(lender.deed(BEN), current=lender.current).id == "1"


def test_what_is_wrong_with_an_upload_is_said_and_nothing_is_kept(lender: Lender) -> None:
    with pytest.raises(NotFound, match="no release reads a table 'regions'"):
        upload(lender)
    lender.create(policy=READS, tables={"regions": REGIONS})
    with pytest.raises(DataError, match="not one of its 1 rows"):
        upload(lender, b"region,limit\nN,much\n")
    for effective in (dt.date(1, 1, 1), dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC)):
        with pytest.raises(UsageError, match="no date to take effect on"):
            upload_table(lender.deed(ANA), "regions", OCTOBER, "regions.csv", effective)
    assert list_table_versions(lender.store, "regions") == []
    for version in ("1", "x", "", "01"):
        with pytest.raises(NotFound, match="has no version"):
            approve(lender, version)
        with pytest.raises(NotFound, match="has no version"):
            read_upload(lender.store, "regions", version)
    for name in ("branches", "regions\0", "x" * 1_000):
        with pytest.raises(UsageError):
            upload_table(lender.deed(ANA), name, OCTOBER, "regions.csv", dt.date(2026, 10, 1))
        with pytest.raises(NotFound, match="has no version"):
            approve_table(lender.deed(BEN), name, "1")
    with pytest.raises(UsageError, match="says why"):
        undo_table(lender.deed(BEN), "regions", "")


def test_who_may_not_is_refused(lender: Lender) -> None:
    for by in (BEN, person("oto", "officer")):
        with pytest.raises(NotAllowed):
            upload(lender, by=by)
    for by in (ANA, OLGA):
        with pytest.raises(NotAllowed):
            approve(lender, "1", by)
    with pytest.raises(NotAllowed):
        undo_table(lender.deed(ANA), "regions", "why not")


def test_who_was_live_names_the_tables_and_a_change_of_table_changes_no_release(lender: Lender) -> None:
    go_live(lender)
    promoted = lender.now
    upload(lender, NOVEMBER, "2026-11-01")
    approve(lender, "2")
    before, after = who_was_live(lender.store, promoted), who_was_live(lender.store, lender.now)
    assert (before.tables, after.tables) == ({"regions": "1"}, {"regions": "2"})
    assert (after.release, after.since, after.by, after.epoch) == ("1", promoted, "ben", 3)


class TestPackages:
    def test_a_package_is_kept_once_by_its_bytes(self, lender: Lender) -> None:
        shop = person("ci", "service")
        kept = keep_package(lender.deed(shop), lender.package)
        again = keep_package(lender.deed(ANA), lender.package)
        assert kept == again == show_package(lender.store, kept.digest)
        assert (kept.name, kept.engine, kept.pushed_by, kept.size) == (
            "made-up-scorecard", "compiled", "ci", len(lender.package),
        )  # fmt: skip
        assert kept.model == make_package("scorecard").digest
        assert lender.create().manifest.package == kept.digest
        other = keep_package(lender.deed(ANA), make_package("boosted").to_bytes())
        assert [package.digest for package in list_packages(lender.store)] == [kept.digest, other.digest]
        with lender.store.reading() as connection:
            content = read_content(connection, kept.digest)
        assert content is not None
        assert content.data == lender.package

    def test_a_flipped_byte_anywhere_is_refused(self, lender: Lender) -> None:
        data = bytearray(lender.package)
        data[len(data) // 2] ^= 1
        with pytest.raises(PackageError):
            keep_package(lender.deed(ANA), bytes(data))
        assert list_packages(lender.store) == []
        with pytest.raises(NotFound, match="there is no package"):
            show_package(lender.store, "0" * 64)
        with pytest.raises(NotFound, match="there is no package"):
            show_package(lender.store, "x\0")
        with pytest.raises(NotAllowed):
            keep_package(lender.deed(BEN), lender.package)
