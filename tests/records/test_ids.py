"""Record ids are UUIDv7: in the order of time, and never the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.records import moment, new_id, to_us

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # zone by hypothesis


@given(TIMES)
def test_an_id_is_a_version_7_of_its_millisecond(at: datetime) -> None:
    made = UUID(new_id(at))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == to_us(at) // 1000
    assert str(made) == new_id(at)[:14] + str(made)[14:]


def test_ids_of_later_milliseconds_sort_later_and_those_of_one_differ() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    later = [new_id(at + timedelta(milliseconds=step)) for step in range(1000)]
    assert later == sorted(later)
    assert len({new_id(at) for _ in range(10_000)}) == 10_000


@given(TIMES)
def test_a_moment_comes_back_to_the_microsecond(at: datetime) -> None:
    assert moment(to_us(at)) == at


def test_a_time_without_a_zone_is_no_moment() -> None:
    with pytest.raises(UsageError, match="time zone"):
        to_us(datetime(2026, 11, 1))  # noqa: DTZ001  # that it is refused is the test
