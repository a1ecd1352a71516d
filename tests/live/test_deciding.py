"""Decided under one route, recorded before the answer, once for each key (R13, R28, R29), on both stores."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from roadworthy.access import Branches
from roadworthy.decision import decide
from roadworthy.errors import NothingLive, StaleEpoch
from roadworthy.live import (
    STOPPED,
    CurrentRoute,
    Decided,
    Envelope,
    KeyTaken,
    NotDecided,
    decide_again,
    decide_and_record,
    load_release,
    read_manifest,
    render_reply,
)
from roadworthy.records import (
    Decision,
    Once,
    Route,
    RouteChange,
    Store,
    decode_payload,
    encode_payload,
    new_id,
    read_application,
    verify_chain,
)
from roadworthy.testing import make_applications, make_release
from roadworthy.testing.going_live import PRODUCT_YAML, go_live, keep_release

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_STRICT = """
name: strict
bands:
  - {up_to: 0.01, answer: approve}
  - {answer: decline}
rules: []
"""


def rows(n: int, seed: int = 3) -> list[dict[str, Any]]:
    """Made-up applications as JSON would bring them."""
    X, _ = make_applications(n, seed)
    plain: list[dict[str, Any]] = msgspec.json.decode(X.to_json(orient="records").encode())
    return plain


def envelope(inputs: dict[str, Any], **given: Any) -> Envelope:
    return Envelope(record_id=new_id(NOW), actor="webshop", inputs=msgspec.Raw(msgspec.json.encode(inputs)), **given)


def test_what_is_decided_is_what_decide_says_and_is_recorded_before_the_answer(store: Store) -> None:
    release = make_release("scorecard")
    go_live(store, release, at=NOW)
    current = CurrentRoute(store)

    made = decide_and_record(
        current, [envelope(row, application_id=f"A-{i}") for i, row in enumerate(rows(40))], now=NOW
    )

    expected = decide(make_applications(40, 3)[0], release)
    for i, one in enumerate(made):
        assert isinstance(one, Decided)
        assert not one.replayed
        reply = msgspec.json.decode(one.reply)
        stated = expected.row(i)
        assert reply["application_id"] == f"A-{i}"
        for part in ("answer", "pd", "score", "rules", "reasons", "pd_at_reference", "adjusted"):
            assert reply[part] == stated[part]
        assert reply["final_answer"] == (None if reply["answer"] == "refer" else reply["answer"])
        assert reply["release"]["id"] == "1"
        assert reply["release"]["model"] == release.package.digest
        record = store.ledger.find(one.record_id)
        assert record is not None
        assert render_reply(record) == one.reply
        with store.reading() as connection:
            application = read_application(connection, f"A-{i}")
        assert application is not None
        assert application.answer == reply["answer"]
        assert application.branch == rows(40)[i]["region"]
        assert application.amount == rows(40)[i]["amount"]
    assert verify_chain(store).fault is None


def test_a_repeat_gets_the_same_bytes_and_another_body_under_the_key_is_refused(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    current = CurrentRoute(store)
    first, other = rows(2)
    key = Once("webshop", "k-1", b"digest of the first body")
    [made] = decide_and_record(current, [envelope(first, once=key)], now=NOW)

    later = NOW + timedelta(days=1)
    again, taken, twice, same = decide_and_record(
        current,
        [
            envelope(first, once=key),
            envelope(other, once=Once("webshop", "k-1", b"digest of another body")),
            envelope(other, once=Once("webshop", "k-2", b"x")),
            envelope(other, once=Once("webshop", "k-2", b"x")),
        ],
        now=later,
    )

    assert isinstance(made, Decided)
    assert again == Decided(made.record_id, made.reply, replayed=True)
    assert isinstance(taken, KeyTaken)
    assert taken.record.record_id == made.record_id
    assert isinstance(twice, Decided)
    assert same == Decided(twice.record_id, twice.reply, replayed=True)


def test_a_repeat_gets_its_decision_though_the_contract_has_changed(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    current = CurrentRoute(store)
    key = Once("webshop", "k-1", b"d")
    [made] = decide_and_record(current, [envelope(rows(1)[0], once=key)], now=NOW)
    # The same body would break today's contract: it is asked for under its key all the same.
    [again] = decide_and_record(current, [envelope({"age": "no number"}, once=key)], now=NOW)

    assert isinstance(made, Decided)
    assert again == Decided(made.record_id, made.reply, replayed=True)


def test_one_that_breaks_the_contract_does_not_keep_the_others(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    good, bad = rows(2)

    made = decide_and_record(
        CurrentRoute(store),
        [
            envelope(good),
            envelope({**bad, "age": "41", "aeg": 1}),
            envelope(good, application_id="x" * 256),
            envelope(good, application_id="release:2"),
            envelope(good, applied_at="the day before yesterday"),
            envelope(good, application_id="A-1"),
        ],
        now=NOW,
    )

    broken = [
        [(violation.path, violation.rule) for violation in one.violations] if isinstance(one, NotDecided) else None
        for one in made
    ]
    assert broken == [
        None,
        [("$.inputs.age", "type"), ("$.inputs.aeg", "unknown_column")],
        [("$.application_id", "text_too_long")],
        [("$.application_id", "allowed")],
        [("$.applied_at", "date")],
        None,
    ]


def test_an_application_without_id_or_time_gets_the_decisions_id_and_now(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    [made] = decide_and_record(CurrentRoute(store), [envelope(rows(1)[0])], now=NOW)

    assert isinstance(made, Decided)
    record = store.ledger.find(made.record_id)
    assert record is not None
    assert record.subject == made.record_id
    assert decode_payload(record.payload, Decision).applied_at == NOW


def test_nothing_decides_while_nothing_is_live(store: Store) -> None:
    with pytest.raises(NothingLive, match="no release is live"):
        decide_and_record(CurrentRoute(store), [envelope(rows(1)[0])], now=NOW)


def test_a_program_that_started_before_anything_was_live_takes_up_the_first_release(store: Store) -> None:
    current = CurrentRoute(store)
    with pytest.raises(NothingLive):
        decide_and_record(current, [envelope(rows(1)[0])], now=NOW)
    assert not current.trial
    store.declare_trial()
    go_live(store, make_release("scorecard"), at=NOW)

    [made] = decide_and_record(current, [envelope(rows(1)[0])], now=NOW)

    assert isinstance(made, Decided)
    assert msgspec.json.decode(made.reply)["trial"] is True


def test_nobody_sends_an_application_of_a_branch_they_do_not_see_or_of_a_day_to_come(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    row = rows(1)[0]
    here, there = Branches.of(row["region"]), Branches.of("elsewhere")

    made = decide_and_record(
        CurrentRoute(store),
        [
            envelope(row, branches=here),
            envelope(row, branches=there),
            envelope(row, applied_at="2026-11-22T09:30:01Z"),
            envelope(row, applied_at="2026-11-21T09:30:00Z"),
            envelope(row, application_id=" A-1"),
            envelope(row, application_id="A\u202e1"),
        ],
        now=NOW,
    )

    broken = [
        [(one.path, one.rule) for one in each.violations] if isinstance(each, NotDecided) else None for each in made
    ]
    assert broken == [
        None,
        [("$.inputs.region", "allowed")],
        [("$.applied_at", "range")],
        None,
        [("$.application_id", "type")],
        [("$.application_id", "type")],
    ]


def test_an_id_that_is_sent_as_a_number_is_the_same_id(store: Store) -> None:
    """It is read as a text, so it is nobody's way to an application of a branch that they do not see."""
    go_live(store, make_release("scorecard"), at=NOW)
    current = CurrentRoute(store)
    given = rows(60)
    row = given[0]
    other = next(one for one in given if one["region"] != row["region"])
    assert isinstance(decide_and_record(current, [envelope(row, application_id="900")], now=NOW)[0], Decided)
    theirs = Branches.of(other["region"])
    for name in ("900", 900):
        [made] = decide_and_record(current, [envelope(other, application_id=name, branches=theirs)], now=NOW)
        assert isinstance(made, NotDecided)
        assert [one.path for one in made.violations] == ["$.application_id"]
    assert len(store.ledger.history("900")) == 1


def test_the_stop_switch_sends_everything_to_people(store: Store) -> None:
    live = go_live(store, make_release("scorecard"), at=NOW)
    current = CurrentRoute(store)
    current.take()
    stop = RouteChange(
        route=Route(champion="1", stopped=True), record_id=new_id(NOW), actor="omar", at=NOW, reason="odd"
    )
    store.ledger.change_route(stop, expected_epoch=live.epoch)

    made = decide_and_record(current, [envelope(row) for row in rows(20)], now=NOW)

    for one in made:
        assert isinstance(one, Decided)
        reply = msgspec.json.decode(one.reply)
        assert (reply["answer"], reply["final_answer"], reply["assignment"]) == ("refer", None, STOPPED)
        assert STOPPED in reply["rules"]
        assert [reason["code"] for reason in reply["reasons"]] == [STOPPED]


def test_a_switch_between_deciding_and_recording_is_decided_again_under_the_new_route(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    behind = CurrentRoute(store)
    assert behind.take().require().id == "1"
    go_live(store, make_release("scorecard", _STRICT), number="2", at=NOW)

    made = decide_and_record(behind, [envelope(row) for row in rows(10)], now=NOW)

    replies = [msgspec.json.decode(one.reply) for one in made if isinstance(one, Decided)]
    assert {reply["release"]["id"] for reply in replies} == {"2"}
    assert {reply["answer"] for reply in replies} <= {"approve", "decline"}


def test_switches_under_load_mix_nothing_and_fail_nobody(store: Store) -> None:
    first, second = make_release("scorecard"), make_release("scorecard", _STRICT)
    live = go_live(store, first, at=NOW)
    keep_release(store, second, number="2", at=NOW)
    X, _ = make_applications(16, 5)
    answers = {number: decide(X, release).answers().tolist() for number, release in (("1", first), ("2", second))}
    assert answers["1"] != answers["2"]
    batch = rows(16, 5)
    current = CurrentRoute(store)
    stop, decided, seen = threading.Event(), threading.Semaphore(0), set[str]()
    failures: list[object] = []

    def load() -> None:
        while not stop.is_set():
            try:
                made = decide_and_record(current, [envelope(row) for row in batch], now=NOW)
                replies = [msgspec.json.decode(one.reply) for one in made if isinstance(one, Decided)]
                releases = {reply["release"]["id"] for reply in replies}
                if len(releases) != 1 or [reply["answer"] for reply in replies] != answers[next(iter(releases))]:
                    failures.append(replies)
                seen.update(releases)
                decided.release()
            except Exception as error:  # noqa: BLE001  whatever it is, nobody should have met it
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()

    def wait_for_new_batches() -> None:
        """Two threads: of three batches from now on, one began after now."""
        while decided.acquire(blocking=False):
            pass
        for _ in range(3):
            assert decided.acquire(timeout=60)

    for i in range(20):
        wait_for_new_batches()
        change = RouteChange(route=Route(champion="21"[i % 2]), record_id=new_id(NOW), actor="ben", at=NOW)
        live = store.ledger.change_route(change, expected_epoch=live.epoch)
    wait_for_new_batches()
    stop.set()
    for thread in threads:
        thread.join()

    assert not failures
    assert seen == {"1", "2"}
    for record in store.ledger.read(limit=100_000).records:
        if (
            record.kind == "decision" and record.epoch is not None
        ):  # R13: what a decision says it was decided by was live at its epoch
            assert decode_payload(record.payload, Decision).release.id == ("1" if record.epoch % 2 else "2")


def test_what_was_decided_behind_an_epoch_is_refused_by_the_ledger(store: Store) -> None:
    live = go_live(store, make_release("scorecard"), at=NOW)
    with pytest.raises(StaleEpoch):
        store.ledger.change_route(
            RouteChange(route=Route(), record_id=new_id(NOW), actor="ben", at=NOW), expected_epoch=live.epoch - 1
        )


def test_a_release_loads_from_the_store_alone_and_decides_as_it_was_made(store: Store) -> None:
    release = make_release("boosted")
    manifest = keep_release(store, release, at=NOW)
    with store.reading() as connection:
        assert read_manifest(connection, "1") == manifest
        loaded = load_release(connection, "1")
    X, _ = make_applications(50, 8)
    np.testing.assert_array_equal(decide(X, loaded.release).pd, decide(X, release).pd)


_SPEAKING = """
name: speaking
bands: [{up_to: 0.0001, answer: approve}, {answer: decline}]
reasons:
  languages:
    de: {texts: {age: Das Alter, amount: Der Betrag, late_payments: Verspätete Zahlungen, income: Das Einkommen,
      months: Die Laufzeit, housing: Die Wohnung, region: Die Region, employed: Die Anstellung}}
    en: {}
"""


def test_reasons_are_stated_in_the_language_asked_for_and_replayed_in_it(store: Store) -> None:
    """Else in the product's own; the record says which, so that the same application comes out the same again."""
    product = PRODUCT_YAML + "reasons: {language: de}\n"
    go_live(store, make_release("scorecard", _SPEAKING), at=NOW, product=product)
    current = CurrentRoute(store)
    row = rows(1)[0]
    asked: list[tuple[str, ...]] = [(), ("it", "de-AT"), ("en-GB", "de"), ("it",)]
    made = decide_and_record(current, [envelope(row, languages=wanted) for wanted in asked], now=NOW)

    said = []
    for one in made:
        assert isinstance(one, Decided)
        record = store.ledger.find(one.record_id)
        assert record is not None
        assert encode_payload(decide_again(current, record).decision) == record.payload
        decision = decode_payload(record.payload, Decision)
        assert decision.method == "reference"
        said.append((decision.language, decision.reasons[0].text))
    german = {"Das Alter", "Der Betrag", "Verspätete Zahlungen", "Das Einkommen", "Die Laufzeit", "Die Wohnung",
              "Die Region", "Die Anstellung"}  # fmt: skip
    assert [language for language, _ in said] == ["de", "de", "en", "de"]
    assert [text in german for _, text in said] == [True, True, False, True]


def test_an_exact_reason_has_no_error_in_its_record(store: Store) -> None:
    go_live(store, make_release("scorecard", _STRICT), at=NOW)
    [made] = decide_and_record(CurrentRoute(store), [envelope(rows(1)[0])], now=NOW)
    assert isinstance(made, Decided)
    [reason, *_] = msgspec.json.decode(made.reply)["reasons"]
    assert set(reason) == {"code", "text", "column", "contribution"}
