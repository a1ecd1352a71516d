"""Releases: made, put up, approved by another person, live by one swap of the route, and back (R1, R13, R14)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from roadworthy.access import Actor, Deed
from roadworthy.errors import (
    ContractError,
    NotAllowed,
    NotFound,
    PackageError,
    PolicyError,
    ProductError,
    Refused,
    StoreError,
    UsageError,
)
from roadworthy.lifecycle import (
    approve_release,
    create_release,
    list_releases,
    promote_release,
    resume_deciding,
    roll_back,
    show_release,
    stop_deciding,
    submit_release,
    who_was_live,
)
from roadworthy.live import CurrentRoute, read_manifest
from roadworthy.records import (
    Route,
    RouteChange,
    RouteEvent,
    Store,
    create_store,
    decode_payload,
    drop_content,
    metadata,
    new_id,
    read_content,
    verify_chain,
)
from tests.lifecycle.conftest import (
    ANA,
    BEN,
    CORA,
    EVERYBODY,
    OLGA,
    PRODUCT,
    REGIONS,
    UNSTATED,
    Lender,
    person,
    policy,
)
from tests.stores import MADE, another_store_url


def promote(lender: Lender, release_id: str, by: Actor = BEN, **terms: Any) -> Any:
    return promote_release(lender.deed(by), release_id, current=lender.current, **terms)


MISFITS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"package": b"PK\x03\x04 no package"}, PackageError, "not a whole package"),
    ({"policy": policy(rule="shoe_size > 45")}, PolicyError, "shoe_size"),
    ({"policy": "name: x\nbands: []"}, PolicyError, "bands"),
    ({"product": "name: x"}, ProductError, "outcome"),
    ({"tables": {"regions": REGIONS.replace("name: regions", "name: places")}}, ContractError, "places"),
    ({"tables": {"regions": REGIONS.replace("role: identity, ", "")}}, ContractError, "0 columns of role"),
    ({"tables": {"regions": REGIONS.replace("region:", "place:")}}, ContractError, "do not have"),
    (
        {"tables": {"regions": REGIONS.replace(", allowed: [N, S, E, W]", "").replace("category", "number")}},
        ContractError,
        "a number there and a category",
    ),
    (
        {"policy": policy() + "cases: [{name: young, inputs: {}, pd: 0.5, expect: {answer: approve}}]"},
        Refused,
        "case 'young' failed",
    ),
]


class TestMaking:
    def test_a_release_keeps_its_files_by_their_digests_and_gets_the_next_number(self, lender: Lender) -> None:
        first, second = lender.create(), lender.create(policy=policy(0.2), tables={"regions": REGIONS})
        assert (first.id, first.state, first.created_by, first.missing) == ("1", "created", "ana", ())
        assert (second.id, [release.id for release in list_releases(lender.store)]) == ("2", ["1", "2"])
        with lender.store.reading() as connection:
            manifest = read_manifest(connection, "2")
            kept = [
                read_content(connection, digest)
                for digest in (manifest.package, manifest.policy, manifest.product, manifest.tables["regions"])
            ]
        assert [content.data for content in kept if content] == [
            lender.package, policy(0.2).encode(), PRODUCT.encode(), REGIONS.encode()
        ]  # fmt: skip
        assert manifest == second.manifest
        assert lender.steps("release:1") == [("ana", "created")]

    def test_the_same_release_again_is_refused_by_its_number(self, lender: Lender) -> None:
        lender.create()
        with pytest.raises(Refused, match="release 1 already"):
            lender.create()
        # Other comments are no other decisions; another purpose is another release.
        with pytest.raises(Refused, match="release 1 already"):
            lender.create(policy=policy() + "# a comment\n")
        assert lender.create(product=UNSTATED).id == "2"

    def test_what_is_not_stated_of_the_purpose_is_named_when_the_release_is_made(self, lender: Lender) -> None:
        assert lender.create(product=UNSTATED).missing == ("purpose.owner", "purpose.success")

    def test_what_does_not_fit_is_refused_before_anything_is_kept(self, lender: Lender) -> None:
        for files, error, says in MISFITS:
            with pytest.raises(error, match=says):
                lender.create(**files)
        assert list_releases(lender.store) == []
        assert lender.store.ledger.read().records == ()

    def test_two_at_once_get_two_numbers(self, lender: Lender) -> None:
        deeds = [lender.deed(ANA) for _ in range(8)]

        def create(i: int) -> str:
            return create_release(deeds[i], package=lender.package, policy=policy(0.1 + i / 100), product=PRODUCT).id

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(create, range(8))) == [str(i + 1) for i in range(8)]
        assert verify_chain(lender.store).fault is None

    def test_only_an_analyst_makes_one(self, lender: Lender) -> None:
        with pytest.raises(NotAllowed):
            lender.create(by=BEN)

    def test_a_release_that_is_none_is_said_to_be_none(self, lender: Lender) -> None:
        lender.create()
        for release_id in ("9", "x", "", "01", "１", "1; drop table releases", "9" * 5_000, "9" * 12, "1\0"):
            with pytest.raises(NotFound, match="there is no release") as caught:
                show_release(lender.store, release_id)
            assert caught.value.available == ["1"]


class TestFourEyes:
    def test_another_person_approves(self, lender: Lender) -> None:
        release = lender.create()
        assert submit_release(lender.deed(ANA), release.id, "please").state == "submitted"
        approved = approve_release(lender.deed(BEN), release.id, note="looks right")
        assert (approved.state, approved.submitted_by, approved.approved_by) == ("approved", "ana", "ben")
        assert lender.steps("release:1") == [("ana", "created"), ("ana", "submitted"), ("ben", "approved")]

    @pytest.mark.parametrize(
        "approver", [CORA, person("ben", "approver", key="key:cora")], ids=["same account", "same key"]
    )
    def test_the_author_is_refused_by_account_and_by_credential(self, lender: Lender, approver: Actor) -> None:
        release = lender.create(by=CORA)
        submit_release(lender.deed(CORA), release.id)
        with pytest.raises(Refused, match=r"made this|one credential"):
            approve_release(lender.deed(approver), release.id)
        assert show_release(lender.store, release.id).state == "submitted"

    def test_who_made_it_does_not_approve_what_another_put_up(self, lender: Lender) -> None:
        release = lender.create(by=CORA)
        submit_release(lender.deed(ANA), release.id)
        with pytest.raises(Refused, match="cora made this"):
            approve_release(lender.deed(CORA), release.id)
        assert approve_release(lender.deed(BEN), release.id).state == "approved"

    def test_an_approval_written_behind_our_back_is_refused_by_the_database(self, lender: Lender) -> None:
        release = lender.create()
        submitted = submit_release(lender.deed(ANA), release.id)
        (proposal,) = submitted.steps[-1].details["proposals"]
        row = {
            "approval_id": "V-1", "proposal_id": proposal, "author": "ana", "author_credential": "key:ana",
            "approver": "ana", "approver_credential": "key:other", "verdict": "approve", "at_us": 0, "trial": False,
        }  # fmt: skip
        for lie in ({}, {"author": "eve"}, {"trial": True}, {"approver": "ben", "approver_credential": "key:ana"}):
            forged = insert(metadata.tables["approvals"]).values(row | lie)
            with pytest.raises(IntegrityError):
                lender.store.transact(partial(Connection.execute, statement=forged))
        with pytest.raises(Refused, match="submitted, not approved"):
            promote(lender, release.id)

    def test_a_record_alone_approves_nothing(self, lender: Lender) -> None:
        from roadworthy.records import ReleaseEvent

        release = lender.create()
        submit_release(lender.deed(ANA), release.id)
        lender.deed(ANA).record(ReleaseEvent(step="approved", digest=release.digest), "release:1")
        with pytest.raises(Refused, match="not approved"):
            promote(lender, release.id)

    def test_a_rejected_release_says_why_and_can_be_put_up_again(self, lender: Lender) -> None:
        release = lender.create()
        submit_release(lender.deed(ANA), release.id)
        with pytest.raises(Refused, match="without a reason"):
            approve_release(lender.deed(BEN), release.id, reject=True)
        rejected = approve_release(lender.deed(BEN), release.id, reject=True, note="no backtest")
        assert (rejected.state, rejected.steps[-1].details["note"]) == ("rejected", "no backtest")
        with pytest.raises(Refused, match="rejected, not approved"):
            promote(lender, release.id)
        submit_release(lender.deed(ANA), release.id, "with a backtest")
        assert approve_release(lender.deed(BEN), release.id).state == "approved"
        assert promote(lender, release.id).state == "live"

    def test_no_step_is_taken_twice_or_out_of_turn(self, lender: Lender) -> None:
        release = lender.create()
        with pytest.raises(Refused, match="does not wait for approval: it is created"):
            approve_release(lender.deed(BEN), release.id)
        submit_release(lender.deed(ANA), release.id)
        with pytest.raises(Refused, match="is submitted already"):
            submit_release(lender.deed(ANA), release.id)
        approve_release(lender.deed(BEN), release.id)
        for again in (submit_release, approve_release):
            with pytest.raises(Refused, match="approved"):
                again(lender.deed(person("dan", "analyst", "approver")), release.id)

    def test_of_many_answers_at_once_one_counts(self, lender: Lender) -> None:
        release = lender.create()
        submit_release(lender.deed(ANA), release.id)
        deeds = [lender.deed(person(f"ben{i}", "approver")) for i in range(8)]

        def answer(i: int) -> str:
            try:
                return approve_release(deeds[i], release.id, reject=bool(i % 2), note="so").state
            except Refused:
                return "refused"

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(answer, range(8)))
        assert answers.count("refused") == 7
        assert len(lender.steps("release:1")) == 3

    def test_only_an_approver_approves(self, lender: Lender) -> None:
        lender.create()
        for by in (ANA, OLGA, person("web", "service")):
            with pytest.raises(NotAllowed):
                approve_release(lender.deed(by), "1")


class TestGoingLive:
    def test_an_approved_release_goes_live_and_decides(self, lender: Lender) -> None:
        lender.current.take()
        release = promote(lender, lender.approved(), reason="the first")
        taken = lender.current.take()
        assert (release.state, release.notes, taken.epoch, taken.require().id) == ("live", (), 1, "1")
        event = decode_payload(lender.last("route").payload, RouteEvent)
        assert (event.reason, event.break_glass) == ("the first", None)
        assert lender.last("release:1").epoch == 1

    def test_what_is_not_approved_is_refused_with_the_mend(self, lender: Lender) -> None:
        lender.create()
        with pytest.raises(Refused, match="created, not approved") as caught:
            promote(lender, "1")
        assert caught.value.mend is not None
        assert "release submit 1" in caught.value.mend
        assert lender.champion is None

    def test_nothing_goes_live_without_its_purpose(self, lender: Lender) -> None:
        release_id = lender.approved(product=UNSTATED)
        with pytest.raises(Refused, match=r"purpose\.owner, purpose\.success") as caught:
            promote(lender, release_id)
        assert caught.value.mend is not None
        with pytest.raises(Refused, match=r"purpose\.owner"):  # nor by breaking the glass
            promote(lender, release_id, OLGA, break_glass="the old one fails")
        assert lender.champion is None

    def test_glass_is_broken_with_a_permission_and_a_reason_that_stands_in_the_record(self, lender: Lender) -> None:
        lender.create()
        with pytest.raises(NotAllowed):
            promote(lender, "1", BEN, break_glass="the old one fails")
        with pytest.raises(UsageError, match="says why"):
            promote(lender, "1", OLGA, break_glass=" ")
        assert promote(lender, "1", OLGA, break_glass="the old one fails").state == "live"
        assert decode_payload(lender.last("route").payload, RouteEvent).break_glass == "the old one fails"
        assert show_release(lender.store, "1").steps[-1].details["break_glass"] == "the old one fails"

    def test_a_release_that_lost_a_part_never_goes_live(self, lender: Lender) -> None:
        release_id = lender.approved()
        manifest = show_release(lender.store, release_id).manifest
        lender.store.transact(lambda connection: drop_content(connection, manifest.package))
        with pytest.raises(StoreError, match="does not hold"):
            promote(lender, release_id)
        assert lender.store.ledger.epoch() == 0

    def test_a_model_that_gives_other_pds_than_at_sealing_never_goes_live(
        self, lender: Lender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release_id = lender.approved()
        engine = lender.current.load(release_id).release.package.engine
        honest: Callable[..., Any] = type(engine).pd
        monkeypatch.setattr(type(engine), "pd", lambda self, batch: honest(self, batch) + 1e-6)
        with pytest.raises(Refused, match="the PD they had at sealing"):
            promote(lender, release_id)
        monkeypatch.setattr(type(engine), "pd", lambda self, batch: honest(self, batch) * (1 + 1e-15))
        assert "last bits" in promote(lender, release_id).notes[0]

    def test_a_table_that_it_reads_must_be_in_force(self, lender: Lender) -> None:
        release_id = lender.approved(tables={"regions": REGIONS})
        with pytest.raises(Refused, match="no version is in force: regions"):
            promote(lender, release_id)

    def test_the_stop_switch_and_the_tables_stay_as_they_are(self, lender: Lender) -> None:
        promote(lender, lender.approved())
        live = lender.store.ledger.live()
        lender.store.ledger.change_route(
            RouteChange(
                route=Route(champion="1", challengers=("2", "3"), canary="2", canary_share=0.1, tables={"fees": "7"}),
                record_id=new_id(lender.now), actor="test", at=lender.now,
            ),
            expected_epoch=live.epoch,
        )  # fmt: skip
        stop_deciding(lender.deed(ANA), "odd answers")
        promote(lender, lender.approved(policy=policy(0.2)))
        assert lender.store.ledger.live().route == Route(
            champion="2", challengers=("3",), tables={"fees": "7"}, stopped=True
        )

    def test_only_approvers_and_operators_promote(self, lender: Lender) -> None:
        for by in (ANA, person("web", "service"), person("val", "validator")):
            with pytest.raises(NotAllowed):
                promote(lender, "1", by)

    def test_a_trial_needs_one_person_and_no_approval_and_says_what_would_be_missing(self, trial: Lender) -> None:
        trial.create(by=EVERYBODY, product=UNSTATED)
        release = promote(trial, "1", EVERYBODY)
        assert release.state == "live"
        assert release.notes == ("the purpose is not stated in full: purpose.owner, purpose.success",)
        assert trial.last("route").trial
        # All the steps of two people can be tried by one.
        trial.create(policy=policy(0.2), by=EVERYBODY)
        submit_release(trial.deed(EVERYBODY), "2")
        assert approve_release(trial.deed(EVERYBODY), "2").approved_by == "console"
        with pytest.raises(IntegrityError):
            trial.store.transact(
                lambda connection: connection.execute(metadata.tables["store"].update().values(trial=False))
            )


class TestGoingBack:
    def test_back_goes_to_what_was_live_before_and_again_one_more(self, lender: Lender) -> None:
        for up_to in (0.1, 0.2, 0.3):
            promote(lender, lender.approved(policy=policy(up_to)))
        assert roll_back(lender.deed(OLGA), current=lender.current, reason="3 declines all").id == "2"
        assert lender.current.take().require().id == "2"
        assert roll_back(lender.deed(BEN), current=lender.current).id == "1"
        with pytest.raises(Refused, match="there is no earlier release to go back to from release 1"):
            roll_back(lender.deed(BEN), current=lender.current)
        assert [release.state for release in list_releases(lender.store)] == ["live", "was_live", "was_live"]
        assert lender.steps("release:3")[-1] == ("olga", "rolled_back")
        # What was live before needs no new approval.
        assert promote(lender, "3").state == "live"
        assert roll_back(lender.deed(BEN), current=lender.current).id == "1"

    def test_there_is_nothing_to_go_back_from_where_nothing_is_live(self, lender: Lender) -> None:
        with pytest.raises(Refused, match="nothing is live"):
            roll_back(lender.deed(BEN), current=lender.current)

    def test_an_analyst_does_not_roll_back(self, lender: Lender) -> None:
        with pytest.raises(NotAllowed):
            roll_back(lender.deed(ANA), current=lender.current)


class TestWhoWasLive:
    def test_each_moment_has_its_release_since_when_and_by_whom(self, lender: Lender) -> None:
        before = lender.now
        promote(lender, lender.approved())
        first = lender.now
        stop_deciding(lender.deed(ANA), "odd answers")
        stopped = lender.now
        resume_deciding(lender.deed(OLGA), "looked at")
        promote(lender, lender.approved(policy=policy(0.2)), OLGA)
        second = lender.now
        roll_back(lender.deed(BEN), current=lender.current)

        def at(moment: Any) -> tuple[Any, ...]:
            live = who_was_live(lender.store, moment)
            return live.epoch, live.release, live.since, live.by, live.stopped

        assert at(before) == (0, None, None, None, False)
        assert at(first) == (1, "1", first, "ben", False)
        assert at(stopped + timedelta(seconds=1)) == (2, "1", first, "ben", True)
        assert at(second - timedelta(seconds=1)) == (3, "1", first, "ben", False)
        assert at(second) == (4, "2", second, "olga", False)
        assert at(lender.now) == (5, "1", lender.now, "ben", False)


class TestStopSwitch:
    def test_a_stop_is_one_change_with_a_reason_and_resuming_is_another(self, lender: Lender) -> None:
        assert stop_deciding(lender.deed(ANA), "odd answers").route.stopped
        assert stop_deciding(lender.deed(BEN), "me too").epoch == 1
        assert decode_payload(lender.last("route").payload, RouteEvent).reason == "odd answers"
        assert not resume_deciding(lender.deed(BEN), "looked at").route.stopped
        assert resume_deciding(lender.deed(BEN), "again").epoch == 2

    def test_who_stops_says_why_and_may(self, lender: Lender) -> None:
        with pytest.raises(UsageError, match="says why"):
            stop_deciding(lender.deed(ANA), " ")
        with pytest.raises(NotAllowed):
            stop_deciding(lender.deed(person("oto", "officer")), "I do not like it")
        with pytest.raises(NotAllowed):
            resume_deciding(lender.deed(ANA), "go on")

    def test_a_stop_gets_through_while_others_change_the_route(self, lender: Lender) -> None:
        promote(lender, lender.approved())
        deeds = [lender.deed(BEN) for _ in range(12)]

        def act(i: int) -> None:
            (stop_deciding if i % 2 else resume_deciding)(deeds[i], f"turn {i}")

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(act, range(12)))
        live = lender.store.ledger.live()
        assert live.route.champion == "1"
        assert len(lender.store.ledger.history("route")) == live.epoch


@pytest.mark.parametrize(("kind", "racers"), [("sqlite", 8), ("postgresql", 32)])
def test_of_many_promotions_at_once_one_wins_and_the_others_are_told_who(
    kind: str, racers: int, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    """R14: never a silent overwrite. Each racer has connections of its own, as replicas do."""
    url = another_store_url(kind, request, tmp_path)
    with create_store(url, store_id="race", at=MADE) as store:
        lender = Lender(store)
        for up_to in (0.1, 0.2, 0.3, 0.4):
            lender.approved(policy=policy(up_to))
        routes = [CurrentRoute(store) for _ in range(racers)]
        for epoch in (1, 2):
            lender.now += timedelta(minutes=1)
            gate = Barrier(racers)

            def go(i: int, epoch: int = epoch, gate: Barrier = gate) -> str:
                # Everybody has looked at the route, and nobody has changed it, when the first id is asked for.
                ids = chain([True], repeat(False))
                deed = Deed(
                    store=store,
                    by=person(f"ben{i}", "approver"),
                    now=lender.now,
                    new_id=lambda: (next(ids) and gate.wait(60), new_id(lender.now))[1],
                )
                try:
                    return promote_release(deed, str(i % 2 + 2 * epoch - 1), current=routes[i]).id
                except Refused as refusal:
                    return str(refusal)

            with ThreadPoolExecutor(racers) as pool:
                said = list(pool.map(go, range(racers)))
            live = store.ledger.live()
            (winner,) = (i for i, answer in enumerate(said) if answer.isdigit())
            assert (live.epoch, live.route.champion) == (epoch, said[winner])
            told = f"ben{winner} was quicker: release {said[winner]} is live"
            assert sum(told in answer for answer in said) == racers - 1
        assert verify_chain(store).fault is None


def test_the_tables_are_those_that_the_migration_makes(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    ours = [difference for difference in found if any(name in repr(difference) for name in OURS)]
    assert ours == []


OURS = ("'releases'", "'packages'", "'table_versions'")
