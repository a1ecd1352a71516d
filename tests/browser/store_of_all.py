"""A lender of whom every page has something to show: waiting, done, undone, refused and under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.batch import job_handlers
from roadworthy.jobs import Runner
from roadworthy.records import new_id
from tests.api.house import POLICY
from tests.desk.lender import LOOSE, NOVEMBER, READS, Lender, open_lender
from tests.desk.test_accuracy import MONEY, season
from tests.desk.test_files import applications

__all__ = ["Everything", "open_store_of_all"]

PRICED = READS + MONEY.removeprefix(POLICY)


@dataclass(frozen=True)
class Everything:
    """The lender, and the addresses of what was made for the pages to show."""

    lender: Lender
    waiting_table: str
    done_file: str
    queued_file: str
    loose_release: str


@contextmanager
def open_store_of_all(ready: Any, folder: Path) -> Iterator[Everything]:
    """A1 waits for a person, A0 was approved, A4 declined, A3 is proposed for an override, A5 under review, A9 was
    corrected, A7 had its final answer; years of matured loans, a table that waits with warnings, a priced release live,
    one approved that would go wrong, one put up, one file done and one queued."""
    with open_lender(ready, folder) as lender:
        desk, house = lender.desk, lender.desk.house
        for name, late in (("A0", 0), ("A1", 2), ("A3", 5), ("A4", 5), ("A5", 5), ("A7", 2), ("A9", 5)):
            desk.decide(name, late_payments=late)
        assert lender.promote(lender.approved(PRICED), read="yes").status_code == 303
        season(desk)
        junior = desk.hire("junior", "officer", authority=100.0)
        officer = lender.officer
        junior.act("/applications/A3/override", answer="approve", reason_code="security", words="a house")
        officer.act("/applications/A5/review", view="I paid it all", until="2099-12-31")
        officer.act("/applications/A7/final-answer", answer="counter_offer", amount="3000", term="18", note="in person")
        officer.act("/applications/A9/correct", **{"in.late_payments": "0", "evidence": "bureau file of today"})
        loose = lender.approved(LOOSE)
        lender.ana.act(f"/releases/{lender.create(PRICED.replace('0.12', '0.11'))}/submit", note="a little tighter")
        desk.come("admin").send("/people/officer/keys", days="10")
        waiting = lender.upload(NOVEMBER.replace(b"9500", b"95000"), "regions_2026-10.csv", "2026-11-01")
        runner = Runner(house.store, job_handlers(house.current, house.clock), worker="one", clock=house.clock,
                        new_id=lambda: new_id(house.clock()))  # fmt: skip
        done = officer.send("/files", files={"file": ("loans.csv", applications(30, "f", broken=True))}, record="on")
        assert runner.run_one()
        queued = officer.send("/search/export?answer=approve", format="xlsx")
        yield Everything(
            lender=lender,
            waiting_table=waiting,
            done_file=done.headers["Location"],
            queued_file=queued.headers["Location"],
            loose_release=loose,
        )
