"""The interface is as its own OpenAPI document says it is: schemathesis asks every operation, rightly and wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig

from roadworthy.access import ROLES
from roadworthy.api import list_routes
from roadworthy.door import RouteRow
from roadworthy.records import create_store
from tests.api.house import House
from tests.stores import MADE


@pytest.fixture(scope="module")
def busy_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A lender of its own, for nobody knows what this will do to it; one account may do everything."""
    url = f"sqlite:///{tmp_path_factory.mktemp('busy') / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire("everybody", *ROLES)
        house.go_live(tables={})
        yield house


@pytest.fixture(scope="module")
def document(busy_house: House) -> Any:
    # A NUL is refused in any text, which a schema would have to say of each.
    generation = GenerationConfig(allow_x00=False, database="none")
    config = schemathesis.Config(seed=1, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    return schemathesis.openapi.from_asgi("/openapi.json", busy_house.door, config=config)


def takes_anything(row: RouteRow) -> bool:
    """Whether there is something to get wrong in a request."""
    return bool(row.told.takes or row.told.query or "{" in row.path)


RIGHTLY = [(row, GenerationMode.POSITIVE) for row in list_routes()]
WRONGLY = [(row, GenerationMode.NEGATIVE) for row in list_routes() if takes_anything(row)]
OF_FILES = [checks.positive_data_acceptance, checks.negative_data_rejection]
"""A schema says nothing of what is in a file, so whether a file is right cannot be read from it."""
LONG = bool(os.environ.get("LONG_TESTS"))
UNSAYABLE = [checks.positive_data_acceptance]
BEYOND_A_SCHEMA = (
    "/v1/performance",  # the day has come
    "/v1/decisions",  # a text is a date of these centuries
    "/v1/decisions/{id}/correct",  # a number that is no column's has 64 bits too
    "/v1/decisions/{id}/final-answer",  # terms belong to an answer that offers something
    "/v1/decisions/{id}/human-review",  # the deadline is to come
    "/v1/decisions/{id}/human-review/answer",  # terms belong to an answer
    "/v1/erasures",  # one of two ids is given
    "/v1/holds",  # the same
)
"""Routes with a rule that no schema says: what keeps to the schema may still be refused there, with 422."""


@pytest.mark.parametrize(
    ("row", "mode"),
    [*RIGHTLY, *WRONGLY],
    ids=[f"{row.method} {row.path} {mode.value}" for row, mode in [*RIGHTLY, *WRONGLY]],
)
def test_every_operation_answers_as_it_says(
    row: RouteRow, mode: GenerationMode, busy_house: House, document: Any
) -> None:
    """Status, media type, headers and body are documented; what is right is taken, what is wrong is not; no 5xx."""
    operation = document[row.path][row.method]
    key = {"Authorization": f"Bearer {busy_house.keys['everybody']}"}

    excluded = OF_FILES if row.told.files else UNSAYABLE if row.path in BEYOND_A_SCHEMA else []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=100 if LONG else 6,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(headers=key, excluded_checks=excluded)

    ask()
