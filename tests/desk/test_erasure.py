"""An admin erases an applicant by page: what is there is listed, and goes on a second word; a hold stops it (R30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from roadworthy.records import make_wrapping_file
from tests.desk.conftest import Desk, open_desk, read_words


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A lender whose store is encrypted from its next record on."""
    with open_desk(f"sqlite:///{tmp_path / 'store.db'}") as desk:
        keys = make_wrapping_file(tmp_path / "wrapping.key")
        desk.house.store.ledger.keys.wrapping = keys
        settings = replace(desk.house.settings, wrapping_key_file=tmp_path / "wrapping.key")
        object.__setattr__(desk.house.services, "settings", settings)
        yield desk


def test_an_admin_looks_erases_and_is_told_what_went(desk: Desk, tmp_path: Path) -> None:
    decided = desk.decide("A-open", "officer")
    admin = desk.come("admin")
    assert "None is on." in read_words(admin.get("/erasure").text)
    nobody = admin.send("/erasure", applicant_id="C-nobody", application_id="", sure="", ground="")
    assert "nothing is kept about them" in read_words(nobody.text)
    neither = admin.send("/erasure", applicant_id="", application_id="", sure="", ground="")
    assert "one of the two" in read_words(neither.text)

    held = admin.send("/holds", applicant_id="C-A-open", application_id="", reason="a case in court")
    assert held.status_code == 303, read_words(held.text)
    listed = read_words(admin.send("/erasure", applicant_id="C-A-open", application_id="", sure="", ground="").text)
    assert "1 application(s): A-open" in listed
    assert "A legal hold keeps them" in listed
    refused = admin.send("/erasure", applicant_id="C-A-open", application_id="", sure="yes", ground="asked")
    assert "legal hold" in read_words(refused.text)
    [hold_id] = [record.record_id for record in desk.house.store.ledger.history("A-open")][1:]
    again = admin.send(f"/holds/{hold_id}/release", reason=" ")
    assert "says nothing" in read_words(again.text)
    assert admin.send(f"/holds/{hold_id}/release", reason="it is over").status_code == 303

    done = read_words(
        admin.send("/erasure", applicant_id="C-A-open", application_id="", sure="yes", ground="asked").text
    )
    assert "1 application(s), 1 key(s) and 0 file(s), for good" in done
    shown = read_words(desk.come("officer").get(f"/applications/A-open?decision={decided['decision_id']}").text)
    assert "The applicant's data were erased" in shown
    assert "C-A-open" not in shown
    kinds = [record.kind for record in desk.house.store.ledger.history("A-open")]
    assert kinds == ["decision", "legal_hold", "legal_hold", "erasure"]
    assert (tmp_path / "wrapping.erasures").is_file()
