"""What requests at random brought down once, each as somebody would do it (R28)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.house import POLICY, PRODUCT, REGIONS
from tests.desk.conftest import Desk, open_desk, read_words
from tests.http.test_fuzzing import PACKAGE, TABLE


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as made:
        yield made


def test_a_table_of_which_no_version_is_in_force_is_listed_with_what_waits(desk: Desk) -> None:
    key = {"Authorization": f"Bearer {desk.house.keys['analyst']}"}
    package = desk.http.post("/v1/packages", files={"file": PACKAGE}, headers=key).json()["digest"]
    parts = {"package": package, "policy": POLICY, "product": PRODUCT, "tables": {"regions": REGIONS}}
    assert desk.http.post("/v1/releases", json=parts, headers=key).status_code == 201
    approver = desk.come("approver")
    assert "regions none – – –" in read_words(approver.get("/tables").text)
    desk.come("operator").act("/tables/regions", files={"file": ("r.csv", TABLE)}, effective="2020-01-01")
    assert "regions none – – version 1 by operator" in read_words(approver.get("/tables").text)


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://x]", "null", "//", "\xff"])
def test_a_form_that_says_nothing_sound_of_where_it_comes_from_is_of_another_site(origin: str, desk: Desk) -> None:
    operator = desk.come("operator")
    headers = {"Origin": origin.encode("latin-1")}
    sent = operator._ask("POST", "/stop", data={"token": operator.token, "reason": "x"}, headers=headers)
    assert sent.status_code == 403
    assert "The form came from another site" in read_words(sent.text)
