"""A past decision is made again, bit by bit, from its record alone (R23)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from roadworthy.access import Actor, Branches, Deed
from roadworthy.errors import NotAllowed, NotFound
from roadworthy.lifecycle import explain_decision, replay_decision
from roadworthy.live import CurrentRoute, Decided, Envelope, decide_and_record
from roadworthy.records import Decision, Entry, Store, decode_payload, encode_payload, new_id
from roadworthy.testing import make_applications, make_release
from roadworthy.testing.going_live import go_live

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_APPROVE_ALL = "name: all\nbands:\n  - {answer: approve}\nrules: []\n"


def deed(store: Store, *roles: str, branches: Branches = Branches(every=True)) -> Deed:  # noqa: B008  # it is frozen
    actor = Actor(account="vera", credential="key:1", roles=frozenset(roles), branches=branches)
    return Deed(store, actor, NOW, lambda: new_id(NOW))


def decided(store: Store, n: int = 12) -> list[str]:
    X, _ = make_applications(n, 4)
    rows: list[dict[str, Any]] = msgspec.json.decode(X.to_json(orient="records").encode())
    asked = [
        Envelope(record_id=new_id(NOW), actor="webshop", inputs=msgspec.Raw(msgspec.json.encode(row))) for row in rows
    ]
    made = decide_and_record(CurrentRoute(store), asked, now=NOW)
    return [one.record_id for one in made if isinstance(one, Decided)]


def test_every_decision_replays_to_the_same_bits_after_another_release_is_live(store: Store) -> None:
    go_live(store, make_release("boosted"), at=NOW)
    ids = decided(store)
    go_live(store, make_release("scorecard", _APPROVE_ALL), number="2", at=NOW + timedelta(days=30))
    current = CurrentRoute(store)

    replays = [replay_decision(deed(store, "validator"), current, one) for one in ids]

    assert len(replays) == 12
    assert all(replay.same and replay.differs == () and replay.ulps == 0 for replay in replays)
    assert len({replay.answer for replay in replays}) > 1


def test_what_was_decided_under_the_stop_switch_replays_as_it_was(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW, stopped=True)
    replay = replay_decision(deed(store, "operator"), CurrentRoute(store), decided(store, 1)[0])
    assert (replay.same, replay.answer_now) == (True, "refer")


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"pd": 0.123}, ("model",)),
        ({"answer": "approve", "rules": ("other",)}, ("policy",)),
        ({"build": "another", "score": 1.0}, ("code",)),
        ({"rows": {"regions": {"limit": 1.0}}}, ("tables",)),
    ],
)
def test_what_differs_is_named(store: Store, change: dict[str, Any], blamed: tuple[str, ...]) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    record = store.ledger.find(decided(store, 1)[0])
    assert record is not None
    claimed = msgspec.structs.replace(decode_payload(record.payload, Decision), **change)
    wrong = Entry(
        record_id=new_id(NOW), kind="decision", subject="A-9", actor="x", at=NOW, payload=encode_payload(claimed),
        sealed=record.sealed,
    )  # fmt: skip
    store.ledger.append([wrong])

    replay = replay_decision(deed(store, "analyst"), CurrentRoute(store), wrong.record_id)

    assert (replay.same, replay.differs) == (False, blamed)


def test_the_contributions_add_up_and_stay_in_their_branch(store: Store) -> None:
    go_live(store, make_release("boosted"), at=NOW)
    one = decided(store, 1)[0]
    explained = explain_decision(deed(store, "analyst"), CurrentRoute(store), one)

    assert sum(explained.contributions.values()) == pytest.approx(
        explained.output - explained.reference_output, abs=1e-12
    )
    with pytest.raises(NotFound, match="no such record among those you see"):
        explain_decision(deed(store, "officer", branches=Branches.of("nowhere")), CurrentRoute(store), one)


def test_nobody_replays_without_leave_and_nothing_that_is_no_decision(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=NOW)
    current = CurrentRoute(store)
    with pytest.raises(NotAllowed, match="may not replay past decisions"):
        replay_decision(deed(store, "officer"), current, decided(store, 1)[0])
    with pytest.raises(NotFound, match="there is no decision"):
        replay_decision(deed(store, "analyst"), current, store.ledger.history("release:1")[0].record_id)
