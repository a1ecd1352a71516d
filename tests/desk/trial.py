"""A trial store with something in it for every role: referrals, an odd week, an upload, a challenger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from roadworthy.records import create_store
from tests.desk.lender import CENTS, LOOSE, OCTOBER, Lender, open_lender_on
from tests.desk.past import WEEKS, live_past
from tests.stores import MADE

__all__ = ["open_trial"]


@contextmanager
def open_trial(folder: Path) -> Iterator[Lender]:
    """Release 1 is live and 2 approved; version 2 of the table waits, with warnings; A-2 waits, A-5 is declined."""
    with create_store(f"sqlite:///{folder / 'trial.db'}", store_id="a-trial", at=MADE, trial=True) as store:
        today = datetime.now(UTC)
        monday = datetime.combine((today - timedelta(days=today.weekday())).date(), time(), tzinfo=UTC)
        live_past(store, monday - timedelta(weeks=WEEKS))
        with open_lender_on(store) as lender:
            lender.desk.house.hire_everybody()
            lender.come()
            number = lender.approved()
            lender.ben.act(f"{lender.upload(OCTOBER, 'regions_2026-10.csv', '2026-10-01')}/approve")
            assert lender.promote(number).status_code == 303
            for place in (0, 2, 5):
                lender.desk.decide(f"A-{place}", late_payments=place)
            lender.approved(LOOSE)
            lender.upload(CENTS, "regions_2026-10.csv", "2026-11-01")
            yield lender
