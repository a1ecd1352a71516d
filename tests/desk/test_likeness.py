"""How applicants like this one turned out, on their page (R16, R17, R21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roadworthy.access import EVERY_BRANCH, Branches
from roadworthy.desk.likeness import Rates, observed_rates
from roadworthy.measures import calibration
from roadworthy.outcomes import record_outcomes
from roadworthy.product import Outcome, Product, Purpose
from roadworthy.records import Decision, ReleaseRef, Store, create_store
from tests.desk.conftest import Desk, open_desk, read_words
from tests.stores import MADE, another_store_url

LONG_AGO = datetime.now(UTC) - timedelta(days=800)
PDS = [0.02 + 0.0003 * i for i in range(300)]
"""The PDs of the lender's past: every tenth of them went bad."""


def season(desk: Desk) -> None:
    """Three hundred approved and booked long ago, a tenth of which went bad; and one booked lately: reports go on."""
    deed = desk.house.services.deed
    service = desk.house.deed("service").by
    release = ReleaseRef("1", "model", "policy")
    entries = []
    for i, pd in enumerate(PDS):
        stated = Decision(answer="approve", pd=pd, score=600.0, release=release, applied_at=LONG_AGO, branch="N")
        entries.append(deed(service, LONG_AGO + timedelta(seconds=i)).entry(stated, f"old-{i}"))
    now = datetime.now(UTC) - timedelta(days=2)
    stated = Decision(answer="approve", pd=0.02, score=600.0, release=release, applied_at=now, branch="N")
    desk.house.store.ledger.append([*entries, deed(service, now).entry(stated, "young")])
    rows = [
        {"application_id": f"old-{i}", "bad": int(i % 10 == 0), "at": LONG_AGO + timedelta(days=300),
         "known_at": LONG_AGO + timedelta(days=301), "booked_at": LONG_AGO + timedelta(days=1)}
        for i in range(len(PDS))
    ]  # fmt: skip
    rows.append({"application_id": "young", "event": "booked", "at": now, "known_at": now})
    taken = record_outcomes(desk.house.services.deed(replace(service, branches=EVERY_BRANCH)), rows)
    assert taken.set_aside == ()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def seasoned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with a past, on each store."""
    with open_desk(another_store_url(request.param, request, tmp_path_factory.mktemp("store"))) as desk:
        season(desk)
        yield desk


def test_the_page_says_how_many_of_a_hundred_like_this_went_bad(seasoned: Desk) -> None:
    """An approved applicant at 3.8% lies among 30 of whom 3 went bad: Wilson's interval is 3.5% to 25.6%."""
    seasoned.decide("new-1")
    officer = seasoned.come("officer")
    words = read_words(officer.get("/applications/new-1").text)
    for _ in range(600):
        if "are being counted" not in words:
            break
        words = read_words(officer.get("/applications/new-1").text)
    assert "Of applicants like this, 10 of 100 went bad (n = 30); with 95% confidence between 3.5 and 25.6" in words
    assert "Whose outcomes: 300 booked and matured applications" in words


def test_the_rate_is_of_every_branch_for_everybody_and_says_so(seasoned: Desk) -> None:
    """All of the past is of branch N: an officer of another one reads the same rate, and opens none of these."""
    seasoned.decide("south-1", region="S")
    south = seasoned.hire("south", "officer", branches=Branches.of("S"))
    for _ in range(600):
        words = read_words(south.get("/applications/south-1").text)
        if "are being counted" not in words:
            break
    assert "(n = 30)" in words
    assert "They are of every branch, whichever ones you see" in words
    assert south.get("/applications/old-1").status_code == 404


def test_beyond_every_pd_lent_to_nobody_knows(seasoned: Desk) -> None:
    seasoned.decide("new-2", late_payments=5)
    words = read_words(seasoned.come("officer").get("/applications/new-2").text)
    assert "not known: fewer than 10 with a PD like this were lent to long enough ago" in words


def test_no_rate_is_made_of_a_few() -> None:
    """Nine in each of two buckets, then ten: a rate of few would be about them, and not about those like them."""
    nine, ten = (calibration([0] * n + [1] * n, [0.1] * n + [0.2] * n, buckets=2) for n in (9, 10))
    assert Rates({"": nine}).of("1", 0.1) is None
    like = Rates({"": ten}).of("1", 0.1)
    assert like is not None
    assert (like.count, like.observed) == (10, 0.0)


def test_the_outcomes_are_counted_once_a_day(seasoned: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    product = seasoned.house.current.take().require().product
    store = seasoned.house.store
    now = datetime.now(UTC)
    first = observed_rates(store, product, now, patience=30)
    assert isinstance(first, Rates)
    assert observed_rates(store, product, now) is first
    tomorrow = observed_rates(store, product, now + timedelta(days=1), patience=30)
    assert isinstance(tomorrow, Rates)
    assert tomorrow is not first
    assert set(tomorrow.by_release) == {"", "1"}


@pytest.mark.parametrize(
    ("horizon", "said"), [(None, "nobody has said within how many months"), (12, "no outcome can be judged yet")]
)
def test_why_there_is_no_rate_is_said_in_words(horizon: int | None, said: str, tmp_path: Path) -> None:
    product = Product(name="loans", outcome=Outcome(target="default"), purpose=Purpose(horizon_months=horizon))
    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a-store", at=MADE) as store:
        why = observed_rates(store, product, datetime.now(UTC), patience=30)
    assert isinstance(why, str)
    assert why.startswith(said)


def test_a_fault_is_not_kept_for_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product(name="loans", outcome=Outcome(target="default"), purpose=Purpose(horizon_months=12))
    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a-store", at=MADE) as store:
        with monkeypatch.context() as broken:
            broken.setattr(Store, "reading", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                observed_rates(store, product, datetime.now(UTC), patience=30)
        assert isinstance(observed_rates(store, product, datetime.now(UTC), patience=30), str)
