"""What is read from projections is what every record of the applications says, as of any moment."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from roadworthy.outcomes import reading
from roadworthy.outcomes.reading import read_decisions, read_recorded
from roadworthy.records import (
    Decision,
    Erasure,
    FinalAnswer,
    HumanReview,
    Override,
    ReleaseRef,
    decode_payload,
    metadata,
    to_us,
)
from tests.outcomes.conftest import BEFORE, Lender

EVERYBODY = select(metadata.tables["applications"].c.application_id)
MOMENTS = [BEFORE + timedelta(days=day) for day in (-1, 0, 3, 10, 30, 59, 400)]


def test_columns_say_what_the_records_say_as_of_any_moment(lender: Lender) -> None:
    """Decided again, answered, overridden, reviewed and erased at any time and in any order."""
    draw = random.Random(11)
    entries = []
    for number in range(150):
        decided = ""
        for step in range(draw.choice((1, 1, 2, 4, 7))):
            at = BEFORE + timedelta(days=draw.randrange(60))
            said: Any = Decision(
                answer=draw.choice(("approve", "refer", "decline")), pd=draw.choice((None, draw.random())), score=None,
                release=ReleaseRef(draw.choice("123"), "m", "p"), branch=draw.choice((None, "N")),
                applied_at=draw.choice((None, at)),
            )  # fmt: skip
            if step and draw.random() < 0.7:
                answer = draw.choice(("approve", "decline"))
                said = draw.choice((
                    FinalAnswer(decision_id=decided, answer=answer),
                    Override(decision_id=decided, answer=answer, reason_code="other"),
                    HumanReview(decision_id=decided, step="requested"),
                    HumanReview(decision_id=decided, step="done", answer=draw.choice((None, answer))),
                    Erasure(ground="asked"),
                ))  # fmt: skip
            entry = lender.deed(at).entry(said, f"A-{number}")
            decided = entry.record_id if isinstance(said, Decision) else decided
            entries.append(entry)
    lender.store.ledger.append(entries)
    seen = set()
    for moment in MOMENTS:
        with lender.store.reading() as connection:
            found = read_decisions(connection, to_us(moment)).sort("application_id")
            told = read_recorded(connection, EVERYBODY, to_us(moment)).sort("application_id")
        assert found.equals(told), moment
        seen.add(found.height)
    assert len(seen) > 4, "the moments differ"


def test_only_of_what_changed_since_is_a_record_decoded(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million records are not decoded to say what the projection says."""
    for number in range(5):
        lender.decide(f"A-{number}")
    lender.answer("B", lender.decide("B", "refer"), "approve", at=BEFORE + timedelta(days=9))
    decoded: list[str] = []

    def count(payload: bytes, kind: Any) -> Any:
        decoded.append(kind.__name__)
        return decode_payload(payload, kind)

    monkeypatch.setattr(reading, "decode_payload", count)
    with lender.store.reading() as connection:
        assert read_decisions(connection, to_us(BEFORE + timedelta(days=9)))["final_answer"].drop_nulls().len() == 1
        assert decoded == []
        assert read_decisions(connection, to_us(BEFORE + timedelta(days=8))).height == 6
    assert len(decoded) == 1
