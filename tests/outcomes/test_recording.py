"""Outcomes taken in (R5, R14): recorded once, put right by new rows, or set aside with why; nothing is lost."""

from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.access import NO_BRANCH, Branches
from roadworthy.errors import NotAllowed, UsageError
from roadworthy.outcomes import OutcomesTaken, list_outcomes_set_aside, record_outcomes
from roadworthy.outcomes.row import Fault, read_outcome
from roadworthy.records import Erasure, OutcomeEvent, decode_payload, verify_chain
from tests.outcomes.conftest import Lender, event, rules_of
from tests.stores import MADE

ROOT = Path(__file__).resolve().parents[2]
BOOKED = event("A-1", "booked", "2024-02-01")


@pytest.fixture
def booked(lender: Lender) -> Lender:
    lender.decide("A-1")
    assert lender.send(BOOKED) == OutcomesTaken(1, 0, ())
    return lender


def aside(lender: Lender, *rows: Any) -> list[tuple[int, str, str]]:
    """The rules that rows fail, where none is recorded."""
    taken = lender.send(*rows)
    assert taken.recorded == 0
    return rules_of(taken)


def test_what_came_is_not_repeated_in_what_is_said_of_it() -> None:
    row = {"application_id": "A-1", "event": "Ana Núñez, 4 Main Street", "at": "2024-01-01", "known_at": "2024-01-01"}
    faults = read_outcome(row | {"Ana Núñez": 1}, UTC, 2**60)
    assert {fault.rule for fault in faults if isinstance(fault, Fault)} == {"unknown_event", "unknown_field"}
    assert "Ana" not in str(faults)


def test_events_are_recorded_with_both_their_times_and_the_zone_is_the_products(lender: Lender) -> None:
    lender.decide("A-1")
    taken = lender.send(
        event("A-1", "booked", "2024-07-01", amount=5000),
        event("A-1", "payment", "2024-08-01T09:00:00Z", "2024-08-02T10:30", amount="120.50"),
        event("A-1", "days_past_due", "2024-10-01", days=30.0),
    )
    events = [decode_payload(record.payload, OutcomeEvent) for record in lender.store.ledger.history("A-1")[1:]]
    assert taken == OutcomesTaken(3, 0, ())
    assert events == [
        OutcomeEvent(
            event="booked", at=datetime(2024, 6, 30, 22, tzinfo=UTC), known_at=datetime(2024, 6, 30, 22, tzinfo=UTC),
            amount=5000.0,
        ),
        OutcomeEvent(
            event="payment", at=datetime(2024, 8, 1, 9, tzinfo=UTC), known_at=datetime(2024, 8, 2, 8, 30, tzinfo=UTC),
            amount=120.5,
        ),
        OutcomeEvent(
            event="days_past_due", at=datetime(2024, 9, 30, 22, tzinfo=UTC),
            known_at=datetime(2024, 9, 30, 22, tzinfo=UTC), days=30,
        ),
    ]  # fmt: skip


def test_the_days_of_days_past_due_may_come_as_its_amount(booked: Lender) -> None:
    assert booked.send(event("A-1", "days_past_due", "2024-10-01", amount=60.0)).recorded == 1
    last = decode_payload(booked.store.ledger.history("A-1")[-1].payload, OutcomeEvent)
    assert (last.days, last.amount) == (60, None)
    assert aside(booked, event("A-1", "days_past_due", "2024-11-01")) == [(0, "$.days", "missing")]
    assert aside(booked, event("A-1", "days_past_due", "2024-11-01", amount=60.5)) == [(0, "$.days", "missing")]


def test_the_bare_form_brings_its_booking_along(lender: Lender) -> None:
    lender.decide("A-1")
    row = {"application_id": "A-1", "bad": 1, "booked_at": "2024-02-01", "at": "2024-09-01", "known_at": "2024-09-05"}
    assert lender.send(row) == OutcomesTaken(1, 0, ())
    events = [decode_payload(record.payload, OutcomeEvent) for record in lender.store.ledger.history("A-1")[1:]]
    assert [(each.event, each.bad) for each in events] == [("booked", None), ("bad", 1)]
    assert lender.send(row) == OutcomesTaken(0, 1, ())
    assert lender.send({**row, "booked_at": "2024-02-01T15:00", "known_at": "2024-09-06"}).repeated == 1
    assert lender.send({**row, "booked_at": "2024-02-02"}).set_aside[0].rule == "contradictory"
    assert lender.count_events("A-1") == 2


def test_what_other_libraries_call_a_date_or_a_number_is_one(lender: Lender) -> None:
    for name in ("1", "2", "3", "4"):
        lender.decide(name)
    taken = lender.send(
        {"application_id": 1, "event": "booked", "bad": None,
         "at": date(2024, 2, 1), "known_at": datetime(2024, 2, 1, 5)},  # noqa: DTZ001  # naive times are meant
        {"application_id": np.int64(2), "event": "booked",
         "at": pd.Timestamp("2024-02-01"), "known_at": pd.Timestamp("2024-02-02", tz="UTC")},
        {"application_id": "3", "event": "booked", "amount": np.float32(2.5),
         "at": np.datetime64("2024-02-01"), "known_at": np.datetime64("2024-02-01T10:00")},
        {"application_id": " 4 ", "event": "booked", "corrects": "", "days": pd.NaT,
         "at": "20240201", "known_at": "2024-02-01T10:00:00+05:30"},
    )  # fmt: skip
    assert taken == OutcomesTaken(4, 0, ())


def test_the_same_row_again_is_repeated_however_it_is_written(booked: Lender) -> None:
    assert booked.send(BOOKED, {**BOOKED, "at": "2024-01-31T23:00:00Z", "amount": None}) == OutcomesTaken(0, 2, ())
    assert booked.count_events("A-1") == 1


def test_what_is_told_again_as_known_later_is_nothing_new(booked: Lender) -> None:
    """A feed that sends everything every month, dated by its own day, does not fill the ledger."""
    assert booked.send({**BOOKED, "known_at": "2024-03-01"}, {**BOOKED, "known_at": "2024-04-01"}).repeated == 2
    assert booked.send({**BOOKED, "known_at": "2024-03-01", "amount": 1}).recorded == 1
    assert booked.send({**BOOKED, "known_at": "2024-04-01"}).recorded == 1


def test_two_imports_of_the_same_file_at_once_record_it_once(lender: Lender) -> None:
    rows = []
    for number in range(30):
        lender.decide(f"A-{number}")
        rows += [event(f"A-{number}", "booked", "2024-02-01"), event(f"A-{number}", "default", "2024-08-01")]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: lender.send(*rows), range(4)))
    assert sum(each.recorded for each in taken) == 60
    assert sum(each.repeated for each in taken) == 180
    assert verify_chain(lender.store).fault is None


def test_two_different_defaults_sent_at_once_do_not_both_stand(booked: Lender) -> None:
    rows = [event("A-1", "default", f"2024-08-{day:02}") for day in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(booked.send, rows))
    assert sum(each.recorded for each in taken) == 1
    assert {rule for each in taken for _, _, rule in rules_of(each)} == {"contradictory"}
    assert len([each for each in taken if each.set_aside]) == 7


def test_the_order_of_a_file_does_not_matter(lender: Lender) -> None:
    lender.decide("A-1")
    rows = [
        event("A-1", "closed", "2025-02-01"),
        event("A-1", "default", "2024-08-01"),
        event("A-1", "payment", "2024-03-01", amount=1),
        BOOKED,
    ]
    assert lender.send(*rows) == OutcomesTaken(4, 0, ())


WRONG_ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"application_id": None}, "$.application_id", "missing"),
    ({"application_id": 1.5}, "$.application_id", "type"),
    ({"application_id": "x" * 256}, "$.application_id", "type"),
    ({"application_id": "A\0"}, "$.application_id", "type"),
    ({"application_id": "\ud800"}, "$.application_id", "type"),
    ({"application_id": "nobody"}, "$.application_id", "no_such_application"),
    ({"event": None}, "$.event", "missing"),
    ({"event": "defualt"}, "$.event", "unknown_event"),
    ({"event": 7}, "$.event", "unknown_event"),
    ({"event": "bad"}, "$.bad", "missing"),
    ({"bad": 1}, "$.bad", "either_or"),
    ({"event": None, "bad": 2}, "$.bad", "range"),
    ({"event": None, "bad": "yes"}, "$.bad", "type"),
    ({"at": None}, "$.at", "missing"),
    ({"known_at": ""}, "$.known_at", "missing"),
    ({"at": pd.NaT}, "$.at", "missing"),
    ({"at": "soon"}, "$.at", "type"),
    ({"at": 20240801}, "$.at", "type"),
    ({"at": "2024-02-30"}, "$.at", "type"),
    ({"at": "0001-01-01"}, "$.at", "range"),
    ({"at": "0001-01-01T00:00:00+14:00"}, "$.at", "range"),
    ({"known_at": "2024-07-31"}, "$.known_at", "known_too_early"),
    ({"known_at": "2031-01-01"}, "$.known_at", "future"),
    ({"at": "2031-01-01", "known_at": "2031-01-01"}, "$.at", "future"),
    ({"amount": math.nan}, "$.amount", "range"),
    ({"amount": math.inf}, "$.amount", "range"),
    ({"amount": -1}, "$.amount", "range"),
    ({"amount": "1,000"}, "$.amount", "type"),
    ({"amount": True}, "$.amount", "type"),
    ({"amount": 10**400}, "$.amount", "type"),
    ({"amount": [1]}, "$.amount", "type"),
    ({"days": 1.5}, "$.days", "range"),
    ({"days": -30}, "$.days", "range"),
    ({"days": 10**9}, "$.days", "range"),
    ({"knownat": "2024-08-01"}, "$.knownat", "unknown_field"),
    ({"Ana Núñez": "1"}, "$", "unknown_field"),
    ({"booked_at": "2024-02-01"}, "$.booked_at", "unknown_field"),
    ({"event": None, "bad": 1, "booked_at": "2024-09-01"}, "$.at", "before_booking"),
    ({"at": "2024-01-31", "known_at": "2024-08-01"}, "$.at", "before_booking"),
    ({"corrects": "01900000-0000-7000-8000-000000000000"}, "$.corrects", "no_such_record"),
]


def test_each_wrong_row_is_set_aside_with_its_rule_and_kept_and_the_right_one_goes_in(booked: Lender) -> None:
    right = event("A-1", "default", "2024-08-01")
    rows: list[Any] = [{**right, **wrong} for wrong, _, _ in WRONG_ROWS]
    taken = booked.send(*rows, right, "no row", None, [1])
    expected = [(row, path, rule) for row, (_, path, rule) in enumerate(WRONG_ROWS)]
    here = len(rows)
    assert rules_of(taken) == [*expected, *((here + more, "$", "type") for more in (1, 2, 3))]
    assert taken.recorded == 1
    assert all(each.message for each in taken.set_aside)
    kept = list_outcomes_set_aside(booked.deed(), limit=1000)
    assert sorted((row.path, row.rule) for row in kept.rows) == sorted(
        (path, rule) for _, path, rule in rules_of(taken)
    )
    assert {"amount": "nan", **right} in [row.row for row in kept.rows]
    assert {"application_id": "nobody", "event": "default", "at": "2024-08-01", "known_at": "2024-08-01"} in [
        row.row for row in kept.rows
    ]
    assert verify_chain(booked.store).fault is None


def test_the_message_names_every_fault_of_a_row(booked: Lender) -> None:
    (failed,) = booked.send({"application_id": "A-1", "event": "defualt", "amount": -1, "known": 1}).set_aside
    for words in ("did you mean default?", "amount is 0 or more", "did you mean known_at?", "when it happened: at"):
        assert words in failed.message


def test_a_row_set_aside_goes_in_once_its_fault_is_mended_and_is_kept_once(lender: Lender) -> None:
    assert aside(lender, BOOKED) == [(0, "$.application_id", "no_such_application")]
    assert aside(lender, BOOKED) == [(0, "$.application_id", "no_such_application")]
    assert len(list_outcomes_set_aside(lender.deed()).rows) == 1
    lender.decide("A-1")
    assert lender.send(BOOKED) == OutcomesTaken(1, 0, ())


def test_a_row_that_two_send_is_set_aside_for_each_of_them(lender: Lender) -> None:
    """Neither sees what the other sent: each finds the row among their own, to be mended."""
    for account, branch in (("sue", "south"), ("nora", "north")):
        deed = lender.deed(branches=Branches.of(branch), account=account)
        assert rules_of(record_outcomes(deed, [BOOKED])) == [(0, "$.application_id", "no_such_application")]
        assert len(list_outcomes_set_aside(deed).rows) == 1, account


@pytest.mark.parametrize("answer", ["decline", "withdrawn", "incomplete", "expired"])
def test_nothing_is_booked_where_nothing_was_granted(lender: Lender, answer: str) -> None:
    decision = lender.decide("A-1")
    lender.answer("A-1", decision, answer)
    bare = {"application_id": "A-1", "bad": 0, "at": "2024-08-01", "known_at": "2024-08-01"}
    assert aside(lender, BOOKED, bare) == [(0, "$.event", "not_approved"), (1, "$.event", "not_approved")]
    lender.decide("A-2", "decline")
    assert aside(lender, event("A-2", "booked", "2024-02-01")) == [(0, "$.event", "not_approved")]
    lender.answer("A-2", lender.decide("A-2", "refer"), "counter_offer")
    assert lender.send(event("A-2", "booked", "2024-02-01")).recorded == 1


CONTRADICTIONS: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([BOOKED], event("A-1", "not_taken_up", "2024-03-01")),
    ([event("A-1", "not_taken_up", "2024-03-01")], BOOKED),
    ([event("A-1", "not_taken_up", "2024-03-01")], event("A-1", "default", "2024-03-02")),
    ([event("A-1", "not_taken_up", "2024-03-01")], event("A-1", "bad", "2024-03-02", bad=1)),
    ([BOOKED], event("A-1", "booked", "2024-02-02")),
    ([BOOKED, event("A-1", "default", "2024-08-01")], event("A-1", "default", "2024-08-02")),
    ([BOOKED, event("A-1", "default", "2024-08-01", amount=1)], event("A-1", "default", "2024-08-01", amount=2)),
    ([BOOKED, event("A-1", "closed", "2024-08-01")], event("A-1", "default", "2024-08-02")),
    ([BOOKED, event("A-1", "closed", "2024-08-01")], event("A-1", "days_past_due", "2024-08-02", days=5)),
    ([BOOKED, event("A-1", "default", "2024-08-02")], event("A-1", "closed", "2024-08-01")),
    ([BOOKED, event("A-1", "closed", "2024-08-02")], event("A-1", "closed", "2024-08-01")),
    ([BOOKED, event("A-1", "bad", "2024-08-02", bad=0)], event("A-1", "bad", "2024-08-02", bad=1)),
    (
        [BOOKED, event("A-1", "bad", "2024-08-02", "2024-09-01", bad=1)],
        event("A-1", "bad", "2024-08-03", "2024-09-01", bad=0),
    ),
]


@pytest.mark.parametrize(("before", "then"), CONTRADICTIONS)
def test_what_cannot_both_be_so_is_set_aside(many: Lender, before: list[dict[str, Any]], then: dict[str, Any]) -> None:
    application_id = f"C-{CONTRADICTIONS.index((before, then))}"
    many.decide(application_id)
    named = [{**row, "application_id": application_id} for row in before]
    assert many.send(*named).recorded == len(before)
    assert aside(many, {**then, "application_id": application_id}) == [(0, "$.event", "contradictory")]


def test_an_event_before_its_booking_or_without_one_is_set_aside(lender: Lender) -> None:
    lender.decide("A-1")
    for what in ("payment", "default", "recovery", "closed"):
        assert aside(lender, event("A-1", what, "2024-08-01")) == [(0, "$.event", "before_booking")]
    assert lender.send(BOOKED).recorded == 1
    assert aside(lender, event("A-1", "payment", "2024-01-31", amount=1)) == [(0, "$.at", "before_booking")]
    # On the day of booking is not before it, whatever the hours say.
    assert lender.send(event("A-1", "payment", "2024-02-01", amount=1)).recorded == 1


def test_several_payments_on_one_day_add_up_and_one_told_later_puts_right(booked: Lender) -> None:
    paid = event("A-1", "payment", "2024-03-01", amount=100)
    assert booked.send(paid, {**paid, "amount": 50}).recorded == 2
    assert booked.send({**paid, "amount": 140, "known_at": "2024-04-01"}).recorded == 1


def test_a_correction_is_a_new_row_that_names_the_old_one(booked: Lender) -> None:
    booked.send(event("A-1", "default", "2024-08-01"))
    wrong = booked.store.ledger.history("A-1")[-1].record_id
    early = event("A-1", "default", "2024-07-01", "2024-07-02", corrects=wrong)
    assert aside(booked, early) == [(0, "$.known_at", "known_too_early")]
    assert booked.send(event("A-1", "default", "2024-10-01", corrects=wrong)).recorded == 1
    assert booked.count_events("A-1") == 3
    assert booked.store.ledger.find(wrong) is not None
    again = event("A-1", "default", "2024-10-05", corrects=wrong)
    assert aside(booked, again) == [(0, "$.corrects", "contradictory")]
    second = booked.store.ledger.history("A-1")[-1]
    assert second.kind == "outcome_set_aside"
    # A default that never was: the row that puts it right says so.
    latest = booked.store.ledger.history("A-1")[-2].record_id
    good = {"application_id": "A-1", "bad": 0, "at": "2024-10-01", "known_at": "2024-11-01", "corrects": latest}
    assert booked.send(good).recorded == 1
    assert booked.statuses()["A-1"] == "good"


def test_another_applications_record_is_not_corrected(booked: Lender) -> None:
    other = booked.store.ledger.history("A-1")[-1].record_id
    booked.decide("A-2")
    assert aside(booked, event("A-2", "booked", "2024-02-01", corrects=other)) == [(0, "$.corrects", "no_such_record")]


def test_only_who_may_add_outcomes_does(lender: Lender) -> None:
    with pytest.raises(NotAllowed, match="may not add outcome events"):
        record_outcomes(lender.deed(roles=frozenset({"validator"})), [])
    with pytest.raises(NotAllowed, match="may not see input that failed a rule"):
        list_outcomes_set_aside(lender.deed(roles=frozenset({"approver"})))


def test_an_application_of_another_branch_is_nobodys(lender: Lender) -> None:
    lender.decide("A-1", branch="north")
    south = lender.deed(branches=Branches.of("south"), account="sue")
    taken = record_outcomes(south, [BOOKED, {**BOOKED, "application_id": "nobody"}])
    assert rules_of(taken) == [(row, "$.application_id", "no_such_application") for row in (0, 1)]
    assert len({failed.message for failed in taken.set_aside}) == 1
    north = lender.deed(branches=Branches.of("north"), account="nora")
    assert record_outcomes(north, [BOOKED, {**BOOKED, "event": "prepaid"}]).recorded == 1
    assert len(list_outcomes_set_aside(south).rows) == 2
    assert len(list_outcomes_set_aside(north).rows) == 1
    assert list_outcomes_set_aside(lender.deed(branches=NO_BRANCH, account="ned")).rows == ()
    assert len(list_outcomes_set_aside(lender.deed()).rows) == 3


def test_of_an_erased_applicant_nothing_more_is_kept(booked: Lender) -> None:
    booked.deed().record(Erasure(ground="asked"), "A-1")
    assert aside(booked, event("A-1", "default", "2024-08-01", amount=77)) == [(0, "$.application_id", "erased")]
    (kept,) = list_outcomes_set_aside(booked.deed()).rows
    assert kept.row == {}


def test_rows_set_aside_are_read_a_page_at_a_time(lender: Lender) -> None:
    for number in range(5):
        lender.send(event(f"N-{number}", "booked", "2024-02-01"), now=MADE + timedelta(hours=number))
    first = list_outcomes_set_aside(lender.deed(), limit=3)
    rest = list_outcomes_set_aside(lender.deed(), limit=3, after=first.next)
    named = [row.row["application_id"] for row in (*first.rows, *rest.rows)]
    assert named == ["N-4", "N-3", "N-2", "N-1", "N-0"]
    assert rest.next is None
    with pytest.raises(UsageError, match="limit is 0"):
        list_outcomes_set_aside(lender.deed(), limit=0)


def test_a_time_zone_that_is_none_is_refused(lender: Lender) -> None:
    for name in ("Mars/Olympus", "../etc", "", "Europe"):
        with pytest.raises(UsageError, match="no time zone"):
            record_outcomes(lender.deed(), [BOOKED], time_zone=name)


def test_rows_that_are_much_too_large_are_cut_short_and_kept(lender: Lender) -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    taken = lender.send({**BOOKED, "note": "x" * 1_000_000}, {**BOOKED, "note": deep}, {**BOOKED, "1.5": {1, 2}})
    assert [rule for _, _, rule in rules_of(taken)] == ["unknown_field"] * 3
    kept = list_outcomes_set_aside(lender.deed()).rows
    assert max(len(str(row.row)) for row in kept) < 70_000


_ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.datetimes())
_FIELDS = ("application_id", "event", "at", "known_at", "amount", "days", "bad", "booked_at", "corrects", "else")


@given(rows=st.lists(st.dictionaries(st.sampled_from(_FIELDS), _ANY), max_size=8))
@settings(max_examples=25)
def test_whatever_is_sent_every_row_is_accounted_for(many: Lender, rows: list[dict[str, Any]]) -> None:
    taken = many.send(*rows)
    assert taken.recorded + taken.repeated + len(taken.set_aside) == len(rows)


def test_the_page_about_outcomes_names_every_rule() -> None:
    code = "".join(
        (ROOT / "src/roadworthy/outcomes" / name).read_text() for name in ("row.py", "rules.py", "recording.py")
    )
    rules = set(re.findall(r'Fault\(\s*f?"[^"]+",\s*"(\w+)"', code)) | set(re.findall(r'_Unreadable\("(\w+)"', code))
    page = (ROOT / "docs/reference/outcomes.md").read_text()
    assert rules >= {"type", "range", "missing", "unknown_event", "no_such_application", "before_booking"}
    assert {rule for rule in rules | {"contradictory"} if f"`{rule}`" not in page} == set()
