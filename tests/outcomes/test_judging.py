"""Bad, good or censored, as of a day and from nothing but what was known then (R14, R16, R17, R21)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import MeasureError, Refused, UsageError
from roadworthy.outcomes import (
    Judged,
    find_reported_day,
    judge_outcomes,
    matured_calibration,
    matured_confusion,
    matured_gains,
)
from roadworthy.product import Outcome, Product, Purpose, label_outcomes
from roadworthy.records import Erasure, HumanReview, Override
from tests.outcomes.conftest import BEFORE, RELEASE, Lender, event


def of(judged: Judged, application_id: str) -> tuple[str, float]:
    """Status and `bad` of one application."""
    (row,) = np.flatnonzero(judged.application_id == application_id)
    return str(judged.statuses[row]), float(judged.bad[row])


def bare(application_id: str, bad: int, at: str, known_at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"application_id": application_id, "bad": bad, "at": at, "known_at": known_at or at, **more}


def test_the_definition_by_hand(lender: Lender) -> None:
    """Twelve months from 2024-02-01: the window's last day is 2025-02-01."""
    names = (
        "good",
        "default",
        "late",
        "too-late",
        "dpd",
        "dpd-89",
        "bare",
        "bare-good",
        "closed",
        "untaken",
        "waiting",
    )
    for name in names:
        lender.decide(name)
    lender.answer("referred-no", lender.decide("referred-no", "refer"), "decline")
    lender.decide("referred", "refer")
    lender.decide("declined", "decline")
    booked = [event(name, "booked", "2024-02-01") for name in names[:-2]]
    taken = lender.send(
        *booked,
        event("default", "default", "2024-03-01"),
        event("late", "default", "2025-02-01T22:30"),
        event("too-late", "default", "2025-02-02"),
        event("dpd", "days_past_due", "2024-06-01", days=90),
        event("dpd-89", "days_past_due", "2024-06-01", days=89),
        bare("bare", 1, "2024-06-01"),
        bare("bare-good", 0, "2025-06-01"),
        event("closed", "closed", "2024-03-01"),
        event("untaken", "not_taken_up", "2024-03-01"),
    )
    assert taken.set_aside == ()
    judged = lender.judge(date(2025, 3, 1))
    assert dict(zip(judged.application_id.tolist(), judged.statuses.tolist(), strict=True)) == {
        "good": "good", "default": "bad", "late": "bad", "too-late": "good", "dpd": "bad", "dpd-89": "good",
        "bare": "bad", "bare-good": "good", "closed": "good", "untaken": "not_booked", "waiting": "not_booked",
        "referred-no": "declined", "referred": "open", "declined": "declined",
    }  # fmt: skip
    assert (np.nansum(judged.bad), int(judged.matured.sum())) == (4.0, 9)
    (row,) = np.flatnonzero(judged.application_id == "late")
    assert (judged.booked_on[row], judged.window_ends[row], judged.bad_on[row]) == tuple(
        np.array(["2024-02-01", "2025-02-01", "2025-02-01"], dtype="datetime64[D]")
    )


def test_the_window_is_over_at_the_end_of_its_last_day_where_the_product_is_used(lender: Lender) -> None:
    lender.decide("A")
    lender.send(event("A", "booked", "2024-02-01"))
    end = datetime(2025, 2, 1, 23, tzinfo=UTC)  # midnight in Berlin
    assert of(lender.judge(end - timedelta(microseconds=2)), "A")[0] == "immature"
    assert of(lender.judge(end - timedelta(microseconds=1)), "A") == ("good", 0.0)
    assert of(lender.judge(date(2025, 1, 31)), "A")[0] == "immature"
    assert of(lender.judge(date(2025, 2, 1)), "A")[0] == "good"


def test_an_early_bad_is_bad_but_in_no_rate_and_closed_early_is_not_yet_good(lender: Lender) -> None:
    for name in ("bad", "closed"):
        lender.decide(name)
        lender.send(event(name, "booked", "2024-02-01"))
    lender.send(event("bad", "default", "2024-05-01"), event("closed", "closed", "2024-05-01"))
    judged = lender.judge(date(2024, 6, 1))
    assert judged.statuses.tolist() == ["bad", "immature"]
    assert np.isnan(judged.bad).all()
    assert "left out: 1 immature, 1 bad already in a window still open" in judged.population


def test_only_what_was_known_counts_and_corrections_only_once_they_were_known(lender: Lender) -> None:
    lender.decide("A")
    lender.send(event("A", "booked", "2024-02-01"), event("A", "default", "2024-12-01", "2025-03-01"))
    wrong = lender.store.ledger.history("A")[-1].record_id
    lender.send(event("A", "default", "2025-02-10", "2025-05-01", corrects=wrong))
    assert [of(lender.judge(day), "A") for day in (date(2025, 2, 15), date(2025, 4, 1), date(2025, 5, 1))] == [
        ("good", 0.0), ("bad", 1.0), ("good", 0.0),
    ]  # fmt: skip


def test_a_later_word_on_the_same_event_puts_it_right(lender: Lender) -> None:
    lender.decide("A")
    lender.send(event("A", "booked", "2024-02-01"), event("A", "days_past_due", "2024-06-01", days=95))
    lender.send(event("A", "days_past_due", "2024-06-01", "2024-07-01", days=59))
    assert of(lender.judge(date(2024, 6, 30)), "A")[0] == "bad"
    assert of(lender.judge(date(2025, 6, 30)), "A") == ("good", 0.0)
    # What was known earlier and arrives later does not take its place.
    assert lender.send(event("A", "days_past_due", "2024-06-01", "2024-06-15", days=91)).recorded == 1
    assert of(lender.judge(date(2025, 6, 30)), "A") == ("good", 0.0)
    assert of(lender.judge(date(2024, 6, 30)), "A")[0] == "bad"


def test_what_was_told_anew_does_not_come_back_once_that_is_put_right_by_name(lender: Lender) -> None:
    """A default told on one day, again on another, which is then said to have been a payment: none stands."""
    lender.decide("A")
    lender.send(event("A", "booked", "2024-02-01"), event("A", "default", "2024-05-01", "2024-06-01"))
    lender.send(event("A", "default", "2024-05-01", "2024-07-01", amount=9.0))
    again = lender.store.ledger.history("A")[-1].record_id
    assert of(lender.judge(date(2024, 7, 31)), "A")[0] == "bad"
    wrong = event("A", "payment", "2024-05-02", "2024-08-01", amount=9.0, corrects=again)
    assert lender.send(wrong).set_aside == ()
    assert of(lender.judge(date(2024, 8, 31)), "A")[0] == "immature"
    assert of(lender.judge(date(2024, 7, 31)), "A")[0] == "bad"


def test_a_bare_bad_without_a_booking_counts_from_the_application(lender: Lender) -> None:
    lender.decide("A", at=datetime(2024, 2, 1, 9, tzinfo=UTC))
    assert lender.send(bare("A", 1, "2024-01-31")).set_aside[0].rule == "before_booking"
    lender.send(bare("A", 1, "2024-08-01"))
    judged = lender.judge(date(2025, 2, 1))
    assert of(judged, "A") == ("bad", 1.0)
    assert str(judged.window_ends[0]) == "2025-02-01"
    assert of(lender.judge(date(2024, 7, 31)), "A")[0] == "not_booked"


def test_the_last_decision_and_the_last_answer_made_by_then_count(lender: Lender) -> None:
    first = lender.decide("A", "refer", at=datetime(2024, 1, 1, tzinfo=UTC), pd=0.3)
    lender.answer("A", first, "approve", at=datetime(2024, 1, 5, tzinfo=UTC))
    lender.decide("A", "decline", at=datetime(2024, 2, 1, tzinfo=UTC), pd=0.4, corrects=first, release=RELEASE)
    found = [lender.judge(date(2024, month, day)) for month, day in ((1, 2), (1, 6), (2, 2))]
    assert [(j.answer[0], j.final_answer[0], j.pd[0], j.statuses[0]) for j in found] == [
        ("refer", None, 0.3, "open"), ("refer", "approve", 0.3, "not_booked"), ("decline", None, 0.4, "declined"),
    ]  # fmt: skip
    assert len(lender.judge(date(2023, 12, 31))) == 0


def test_overrides_and_reviews_are_answers_too(lender: Lender) -> None:
    later = BEFORE + timedelta(days=1)
    one, two = lender.decide("A", "decline"), lender.decide("B", "decline")
    lender.deed(later).record(Override(decision_id=one, answer="approve", reason_code="policy_exception"), "A")
    lender.deed(later).record(HumanReview(decision_id=two, step="requested"), "B")
    assert lender.statuses() == {"A": "not_booked", "B": "declined"}
    lender.deed(later).record(HumanReview(decision_id=two, step="done", answer="approve"), "B")
    lender.deed(later).record(HumanReview(decision_id=two, step="done"), "B")
    assert lender.judge().final_answer.tolist() == ["approve", "approve"]


def test_who_was_erased_counts_nowhere(lender: Lender) -> None:
    for name in ("A", "B"):
        lender.decide(name)
        lender.send(event(name, "booked", "2024-02-01"))
    lender.deed().record(Erasure(ground="asked"), "A")
    judged = lender.judge(date(2025, 6, 1))
    assert judged.statuses.tolist() == ["erased", "good"]
    assert "left out: 1 erased" in judged.population


def test_a_day_to_come_is_not_judged_and_today_ends_now(lender: Lender) -> None:
    now = datetime(2025, 2, 1, 12, tzinfo=UTC)
    with lender.store.reading() as connection:
        for later in (date(2025, 2, 2), now + timedelta(seconds=1)):
            with pytest.raises(UsageError, match="of which nobody knows anything yet"):
                judge_outcomes(connection, lender.product, later, now=now)
        with pytest.raises(UsageError, match="at the end of all days"):
            judge_outcomes(connection, lender.product, date.max, now=now)
        assert judge_outcomes(connection, lender.product, date(2025, 2, 1), now=now).as_of == now
        assert judge_outcomes(connection, lender.product, date(2025, 1, 1), now=now).as_of.month == 1


def test_without_a_horizon_nothing_is_judged(lender: Lender) -> None:
    product = Product(name="loans", outcome=Outcome(target="default"))
    with lender.store.reading() as connection:
        with pytest.raises(Refused, match="within how many months"):
            judge_outcomes(connection, product, date(2025, 1, 1))
        with pytest.raises(UsageError, match="no time zone"):
            judge_outcomes(connection, lender.product, datetime(2025, 1, 1))  # noqa: DTZ001  # the fault


def test_the_outcomes_own_horizon_and_days_count(lender: Lender) -> None:
    lender.decide("A")
    lender.send(event("A", "booked", "2024-02-01"), event("A", "days_past_due", "2024-04-15", days=30))
    outcome = Outcome(target="default", horizon_months=3, bad_days_past_due=30)
    lender.product = Product(name="loans", outcome=outcome, purpose=Purpose())
    assert of(lender.judge(date(2024, 5, 1)), "A") == ("bad", 1.0)
    with pytest.raises(msgspec.ValidationError, match="bad_days_past_due"):
        msgspec.convert({"target": "x", "bad_days_past_due": 0}, Outcome)


def test_the_measures_are_over_those_that_matured_and_say_so(lender: Lender) -> None:
    risk = {"a": 0.5, "b": 0.4, "c": 0.1, "d": 0.05, "young": 0.2, "failed": None}
    for name, pd in risk.items():
        lender.decide(name, pd=pd, release=RELEASE)
        lender.send(event(name, "booked", "2025-02-01" if name == "young" else "2024-02-01"))
    lender.decide("no", "decline")
    lender.send(event("a", "default", "2024-08-01"), event("c", "default", "2024-08-01"))
    judged = lender.judge(date(2025, 3, 1))
    population = (
        "4 booked and matured applications, as known on 2025-03-01 22:59 UTC; bad is default, or 90 days past due, "
        "within 12 months of booking; left out: 1 immature, 1 declined, 1 without a PD"
    )
    gains = matured_gains(judged, 2)
    assert gains.population == population
    assert gains.bads.tolist() == [1.0, 1.0]
    assert matured_calibration(judged, 2).observed.tolist() == [0.5, 0.5]
    table = matured_confusion(judged, 0.3)
    assert (table.tp, table.fp, table.fn, table.tn, table.population) == (1, 1, 1, 1, population)
    assert matured_gains(judged.of_release("1"), 2).population.startswith(
        "4 booked and matured applications of release 1,"
    )
    with pytest.raises(Refused, match="no outcome can be judged yet: 0 booked and matured applications of release 2"):
        matured_confusion(judged.of_release("2"), 0.3)
    with pytest.raises(Refused, match="not enough evidence yet, all are bad"):
        matured_gains(judged.keep(judged.bad == 1.0))
    with pytest.raises(MeasureError, match="buckets"):
        matured_gains(judged, 0)


def test_what_is_judged_is_read_only_and_travels_as_arrow(lender: Lender) -> None:
    lender.decide("A", branch="north")
    judged = lender.judge()
    with pytest.raises(ValueError, match="read-only"):
        judged.bad[0] = 1.0
    table = judged.to_arrow()
    assert table["status"].to_pylist() == ["not_booked"]
    assert table["branch"].to_pylist() == ["north"]
    assert table.schema.metadata[b"population"].decode() == judged.population
    assert repr(judged) == f"Judged(1 applications: {judged.population})"


_DAYS = st.dates(date(2024, 1, 1), date(2026, 6, 1))
_MORE = st.fixed_dictionaries(
    {"event": st.sampled_from(["booked", "not_taken_up", "payment", "days_past_due", "default", "closed", "bad"]),
     "at": _DAYS, "known_at": _DAYS, "amount": st.sampled_from([1.0, 2.0]), "days": st.sampled_from([30, 95])}
)  # fmt: skip


@given(first=st.lists(_MORE, max_size=6), later=st.lists(_MORE, max_size=6), as_of=_DAYS, data=st.data())
@settings(max_examples=20)
def test_what_is_known_later_never_changes_what_was_judged(
    many: Lender, first: list[dict[str, Any]], later: list[dict[str, Any]], as_of: date, data: st.DataObject
) -> None:
    application_id = many.decide("x")  # its own id names an application that no other example has
    many.decide(application_id)

    def complete(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**row, "application_id": application_id, "bad": row["days"] // 90 if row["event"] == "bad" else None}
            for row in rows
        ]

    many.send(*complete(first))
    before = many.judge(as_of)
    known = many.store.ledger.history(application_id)
    events = [record.record_id for record in known if record.kind == "outcome_event"]
    after_as_of = [{**row, "known_at": max(row["known_at"], as_of + timedelta(days=1))} for row in complete(later)]
    for row in after_as_of:
        row["corrects"] = data.draw(st.sampled_from([None, *events]))
    many.send(*after_as_of)
    after = many.judge(as_of)
    assert of(before, application_id)[0] == of(after, application_id)[0]
    assert pl.DataFrame(before.to_arrow()).equals(pl.DataFrame(after.to_arrow()))
    assert before.population == after.population


@given(
    st.lists(
        st.tuples(st.dates(date(2023, 1, 1), date(2024, 12, 31)), st.none() | st.integers(0, 600)),
        min_size=1, max_size=20,
    ),
    st.dates(date(2024, 1, 1), date(2026, 6, 1)),
)  # fmt: skip
@settings(max_examples=15)
def test_events_and_a_file_of_past_applications_are_judged_alike(
    many: Lender, loans: list[tuple[date, int | None]], as_of: date
) -> None:
    """Two ways to the same truth: labels of a table, and events judged on the same day."""
    names = [many.decide("y") for _ in loans]
    rows, table = [], []
    for name, (booked, days) in zip(names, loans, strict=True):
        many.decide(name, at=datetime(2022, 1, 1, tzinfo=UTC))
        rows.append(event(name, "booked", booked.isoformat()))
        bad_on = None if days is None else booked + timedelta(days=days)
        if bad_on is not None:
            rows.append(event(name, "default", bad_on.isoformat()))
        known = bad_on is not None and bad_on <= as_of
        table.append({"status": "late" if known else "paid", "booked": booked, "on": bad_on if known else None})
    assert many.send(*rows).set_aside == ()
    outcome = Outcome(
        target="status", bad=("late",), good=("paid",), booked_date="booked", outcome_date="on", horizon_months=12,
        as_of=as_of,
    )  # fmt: skip
    labels = label_outcomes(pa.Table.from_pylist(table), outcome)
    frame = pl.DataFrame({"id": names, "status": labels.names, "bad": labels.bad, "booked": [b for b, _ in loans]})
    judged = many.judge(as_of)
    for row in frame.iter_rows(named=True):
        status, bad = of(judged, row["id"])
        if row["booked"] > as_of:
            assert status == "not_booked"  # as nobody had booked it by then
        else:
            assert status == row["status"]
            assert bad == row["bad"] or (np.isnan(bad) and np.isnan(row["bad"]))


def test_after_the_last_report_silence_is_no_good_news(lender: Lender) -> None:
    """A loan of January 2024 whose lender fell silent in June: as of 2026 it would count as good, and nobody knows."""

    def reported(day: date) -> date:
        with lender.store.reading() as connection:
            return find_reported_day(connection, lender.product, day)

    lender.decide("a")
    assert reported(date(2025, 6, 1)) == date(2025, 6, 1), "nothing was ever reported: there is no day to go back to"
    lender.send(event("a", "booked", "2024-02-01"), event("a", "days_past_due", "2024-06-10T22:30Z", days=30))
    assert reported(date(2024, 6, 30)) == date(2024, 6, 30)
    assert reported(date(2024, 7, 25)) == date(2024, 7, 25), "whoever reports once a month is this silent"
    assert reported(date(2024, 7, 26)) == date(2024, 6, 11), "the day in Berlin"
    assert reported(date(2026, 1, 1)) == date(2024, 6, 11)
    assert reported(date(2024, 1, 1)) == date(2024, 1, 1), "before anything was reported"
    assert lender.statuses(date(2026, 1, 1))["a"] == "good"
    assert lender.statuses(reported(date(2026, 1, 1)))["a"] == "immature"
