"""The demo's bank, small: everything that its pages are there to show is there to be found (R6, R10, R14, R20)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import polars as pl
import pytest
from sqlalchemy import select

from roadworthy.access import EVERY_BRANCH, Deed, act_as
from roadworthy.casework import list_proposed_overrides
from roadworthy.erasure import open_kept_store
from roadworthy.errors import Refused
from roadworthy.lifecycle import list_releases, list_table_versions, list_tables, read_upload
from roadworthy.live import CurrentRoute
from roadworthy.outcomes import judge_outcomes, matured_worth
from roadworthy.pipeline import DemoResult, run_demo
from roadworthy.pipeline.demo.people import OTTOS_BRANCH, PEOPLE
from roadworthy.pipeline.demo.tables import merchants_in, spoil_merchants
from roadworthy.portfolio import simulate
from roadworthy.records import (
    Decision,
    Store,
    Wanted,
    decode_payload,
    metadata,
    new_id,
    search_applications,
)
from roadworthy.settings import read_settings

END = date(2025, 12, 31)
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
records = metadata.tables["records"]


@dataclass(frozen=True)
class Demo:
    """What was said, what came of it, and the store."""

    result: DemoResult
    said: tuple[str, ...]
    store: Store

    def deed(self, name: str) -> Deed:
        with self.store.reading() as connection:
            return Deed(self.store, act_as(connection, name, trial=True), NOW, lambda: new_id(NOW))

    def read(self, kind: str) -> list[tuple[str, str, datetime, bytes]]:
        with self.store.reading() as connection:
            wanted = select(records.c.subject, records.c.actor, records.c.at_us, records.c.payload)
            rows = connection.execute(wanted.where(records.c.kind == kind).order_by(records.c.at_us)).all()
        return [(row[0], row[1], datetime.fromtimestamp(row[2] / 1e6, UTC), row[3]) for row in rows]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    said: list[str] = []
    result = run_demo(tmp_path_factory.mktemp("demo"), 2_000, 2026, said.append)
    with open_kept_store(read_settings(result.directory, {}), now=NOW) as store:
        yield Demo(result, tuple(said), store)


def test_the_cut_off_in_money_comes_from_the_live_record(demo: Demo) -> None:
    live = CurrentRoute(demo.store).refresh().require()
    with demo.store.reading() as connection:
        judged = judge_outcomes(connection, live.product, NOW)
    worth = matured_worth(demo.store, judged, live.release.policy)
    assert worth is not None
    assert "without a column" not in worth.table.population
    assert abs(float(worth.best.profit)) > 0


def test_money_over_other_months_than_the_outcomes_is_refused(demo: Demo) -> None:
    live = CurrentRoute(demo.store).refresh().require()
    with demo.store.reading() as connection:
        judged = judge_outcomes(connection, live.product, NOW)
    with pytest.raises(Refused, match="money is counted over"):
        matured_worth(demo.store, replace(judged, horizon_months=judged.horizon_months + 12), live.release.policy)


def test_each_decision_has_its_branch_and_otto_sees_his_alone(demo: Demo) -> None:
    with demo.store.reading() as connection:
        everywhere = search_applications(connection, Wanted(), limit=10_000).applications
    assert None not in {one.branch for one in everywhere}
    assert len({one.branch for one in everywhere}) > 10
    otto = demo.deed("otto").by
    assert otto.branches.hold(OTTOS_BRANCH)
    assert not any(otto.branches.hold(one.branch) for one in everywhere if one.branch != OTTOS_BRANCH)
    assert 0 < otto.authority < demo.deed("olga").by.authority
    assert all(person.branches == EVERY_BRANCH for name, person in PEOPLE.items() if name != "otto")


def test_a_month_of_merchants_is_in_force_from_its_first_day_and_a_decision_names_its_row(demo: Demo) -> None:
    assert list_tables(demo.store) == ("merchants",)
    versions = {view.version: view for view in list_table_versions(demo.store, "merchants")}
    effective = [versions[str(number)].effective for number in range(1, 38)]
    assert effective[0] == date(2022, 12, 1)
    assert all(day.day == 1 for day in effective)
    assert effective == sorted(set(effective))
    used = set()
    for _, _, at, payload in demo.read("decision"):
        decision = decode_payload(payload, Decision)
        row = decision.rows["merchants"]
        if row is None:  # the application came through no merchant
            continue
        effective_from = datetime.fromisoformat(str(row["effective"])).date()
        assert effective_from == at.date().replace(day=1)
        used.add(effective_from)
    assert len(used) > 24


def test_next_months_merchants_wait_with_what_is_worth_noticing(demo: Demo) -> None:
    (waiting,) = [view for view in list_table_versions(demo.store, "merchants") if view.state == "waiting"]
    assert waiting.effective == date(2026, 1, 1)
    upload = read_upload(demo.store, "merchants", waiting.version)
    assert upload.aside == 1
    assert upload.diff.gone == 2  # the one that is not there, and the one whose row was set aside
    assert any(warning.startswith("max_amount: 1 value is more than 5 times") for warning in upload.warnings)
    assert any(warning.startswith("arrears_share: 5 values are more than 5 times") for warning in upload.warnings)


def test_the_challenger_is_approved_and_waits(demo: Demo) -> None:
    first, second = sorted(list_releases(demo.store), key=lambda release: int(release.id))
    assert (first.id, first.state) == ("1", "live")
    assert (second.id, second.verdict) == (demo.result.challenger, "approved")
    assert second.state != "live"
    current = CurrentRoute(demo.store)
    allowed = [current.load(one).contract["employment_type"].allowed or () for one in ("1", "2")]
    assert "platform" not in allowed[0]
    assert "platform" in allowed[1]


def test_the_bad_week_is_one_anybody_can_find_and_some_of_it_was_put_right(demo: Demo) -> None:
    first, last = demo.result.bad_week
    assert (first.weekday(), last - first) == (0, timedelta(days=4))
    assert END - timedelta(days=183) < first < END
    corrections = demo.read("correction")
    assert 1 <= len(corrections) <= 12
    for _, actor, at, payload in corrections:
        assert actor == "olga"
        assert first + timedelta(days=7) <= at.date() < first + timedelta(days=14)
        assert msgspec.json.decode(payload)["columns"] == ["debt_to_income", "income"]
    decisions = [(at.date(), msgspec.json.decode(payload)) for _, _, at, payload in demo.read("decision")]
    asked = [(day, one["answer"]) for day, one in decisions if one.get("corrects") is None]

    def declined(begins: date, days: int) -> float:
        answers = [answer for day, answer in asked if begins <= day < begins + timedelta(days=days)]
        return answers.count("decline") / max(len(answers), 1)

    assert declined(first, 5) > 1.25 * declined(first - timedelta(days=183), 183)


def test_something_waits_for_everybody(demo: Demo) -> None:
    with demo.store.reading() as connection:
        everything = search_applications(connection, Wanted(), limit=10_000).applications
    assert any(one.status == "open" for one in everything)
    assert sum(one.status == "review" for one in everything) == 1
    made = [msgspec.json.decode(payload) for _, _, _, payload in demo.read("override")]
    assert len(made) >= 3
    assert all(one["words"] and one["reason_code"] for one in made)
    assert any(one.get("second") == "ben" for one in made)
    proposed = list_proposed_overrides(demo.deed("ben"))
    assert all(one.by == "otto" and one.branch == OTTOS_BRANCH for one in proposed)


def test_each_link_signs_its_person_in_and_says_what_to_try(demo: Demo) -> None:
    people = [name for name, person in PEOPLE.items() if person.role != "service"]
    assert list(demo.result.links) == sorted(people) == sorted(demo.result.people)
    assert demo.result.people["olga"].startswith("officer: referrals: ")
    assert f"promote release {demo.result.challenger}" in demo.result.people["omar"]


def test_nothing_happens_before_what_it_follows(demo: Demo) -> None:
    """The records stand in the order of the portfolio's days; only what lets people in is of today."""
    with demo.store.reading() as connection:
        wanted = select(records.c.at_us).where(records.c.kind.in_(("decision", "final_answer", "table_version")))
        times = list(connection.execute(wanted.order_by(records.c.slot, records.c.seq)).scalars())
    assert times == sorted(times)


def test_the_spoilt_file_is_a_months_file_but_for_its_four_faults() -> None:
    rows = merchants_in(simulate(500, seed=1), date(2025, 12, 1))
    spoilt = pl.read_csv(spoil_merchants(rows).encode())
    assert len(rows) == 51
    assert len(spoilt) == 50
    assert spoilt["merchant"].to_list() == [name for place, name in enumerate(rows["merchant"]) if place != 2]
    assert spoilt["max_amount"][:2].to_list() == [str(rows["max_amount"][0] * 10), "to be agreed"]
    assert (spoilt["arrears_share"] > 0.25).sum() == 5
