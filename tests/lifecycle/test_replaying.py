"""Very many decisions are made again: the same bits, or what differs is named, each for a real reason (R23)."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import text

import roadworthy.decision
from roadworthy.access import EVERY_BRANCH, Actor, Branches, Deed
from roadworthy.cli.replay import _reopen
from roadworthy.contract import check_table, to_arrow
from roadworthy.decision import Decisions, Release
from roadworthy.errors import NotAllowed, StoreError
from roadworthy.lifecycle import Asked, Replay, Replays, replay_decision, replay_decisions, replays_to_arrow, tell_build
from roadworthy.live import ROWS, CurrentRoute, Manifest, describe_build, read_manifest, rows_to_bytes
from roadworthy.policy import Policy, policy_yaml
from roadworthy.records import (
    Decision,
    Entry,
    Erasure,
    Record,
    Store,
    WrappingKeys,
    create_store,
    decode_payload,
    encode_payload,
    keep_content,
    new_id,
    open_store,
    read_wrapping_text,
)
from roadworthy.records.store import connect_store
from roadworthy.settings import read_settings
from roadworthy.testing import make_package, make_release
from roadworthy.testing.going_live import go_live
from tests.golden.make_decisions import (
    BY_REGION,
    DAY,
    FRAGILE,
    MADE,
    REGIONS,
    decide,
    decide_everything,
    erase,
    read_rows,
)
from tests.stores import another_store_url

KEY = "rww_" + "k" * 43


def keys() -> WrappingKeys:
    return read_wrapping_text(KEY, "a test")


def reopening(url: str, folder: Path) -> Callable[[], CurrentRoute]:
    """How the command's other processes open a store."""
    return partial(_reopen, read_settings(folder, {"ROADWORTHY_STORE": url, "ROADWORTHY_WRAPPING_KEY": KEY}))


def deed(store: Store, *roles: str, branches: Branches = EVERY_BRANCH) -> Deed:
    actor = Actor(account="vera", credential="key:1", roles=frozenset(roles or ("validator",)), branches=branches)
    return Deed(store, actor, MADE, lambda: new_id(MADE))


def replay(store: Store, asked: Asked | None = None, **how: Any) -> tuple[Replays, list[Replay]]:
    """All that was asked for made again by a program that begins anew, and what differed."""
    written: list[Replay] = []
    found = replay_decisions(deed(store), CurrentRoute(store), asked or Asked(), write=written.extend, **how)
    assert found.same + found.erased + found.different == found.decisions
    assert len(written) == found.different
    return found, written


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in which something was decided in every way that there is. It is only read."""
    folder = tmp_path_factory.mktemp("past")
    with create_store(another_store_url(request.param, request, folder), store_id="past", at=MADE, keys=keys()) as made:
        decide_everything(made, folder)
        yield made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the same store, to be copied."""
    folder = tmp_path_factory.mktemp("kept")
    with create_store(f"sqlite:///{folder / 'kept.db'}", store_id="own", at=MADE, keys=keys()) as made:
        decide_everything(made, folder)
    return folder / "kept.db"


@pytest.fixture
def own(kept: Path, tmp_path: Path) -> Iterator[Store]:
    """The same in a store of the test's own."""
    shutil.copyfile(kept, tmp_path / "own.db")
    with open_store(f"sqlite:///{tmp_path / 'own.db'}", keys=keys()) as opened:
        yield opened


def by_hand(store: Store, statement: str, **values: Any) -> None:
    """What somebody with the database's own password can do."""
    with store.connections.writer.connect() as connection:
        connection.begin()
        connection.execute(text("DROP TRIGGER IF EXISTS records_no_update"))
        connection.execute(text(statement), values)
        connection.commit()


def decisions(store: Store) -> list[tuple[str, Decision]]:
    records = store.ledger.read(limit=10_000).records
    return [(one.record_id, decode_payload(one.payload, Decision)) for one in records if one.kind == "decision"]


def test_whatever_was_decided_comes_out_the_same_to_the_last_bit(past: Store) -> None:
    made = [decision for _, decision in decisions(past)]
    found, written = replay(past)
    assert (found.decisions, found.same, written) == (len(made), len(made), [])
    assert found.largest_ulps == found.answers_changed == 0
    assert set(found.builds) == {found.build_now}
    # What there is to it: no kind of decision is missing from those that were made again.
    assert {decision.assignment for decision in made} == {"champion", "stopped"}
    assert {decision.language for decision in made} == {"", "de", "en"}
    assert {decision.answer for decision in made} == {"approve", "refer", "decline"}
    assert any(decision.engine_failed for decision in made)
    assert any(decision.corrects for decision in made)
    assert any("outside_contract" in decision.rules for decision in made)
    assert {decision.release.id for decision in made} == set(found.releases) == {"1", "2", "3", "4"}
    assert {str(decision.rows.get("regions") and decision.rows["regions"]["limit"]) for decision in made} >= {
        "5000.0", "9000.0", "None",
    }  # fmt: skip


def test_processes_that_share_the_work_find_what_one_finds(
    own: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the records, whichever process was quicker."""
    monkeypatch.setattr("roadworthy.lifecycle.replaying._AT_ONCE", 7)
    for record_id, decision in decisions(own)[::5]:
        falsify(own, record_id, msgspec.structs.replace(decision, score=1.0))
    alone = replay(own)
    assert alone[0].different == len(alone[1]) > 10
    done: list[tuple[int, int]] = []
    together = replay(
        own, processes=2, reopen=reopening(own.url, tmp_path), progress=lambda *how_far: done.append(how_far)
    )
    assert together == alone
    assert done[-1][0] == done[-1][1] == len(done)


def test_a_store_that_cannot_be_opened_by_the_others_is_an_error(
    own: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("roadworthy.lifecycle.replaying._AT_ONCE", 7)
    with pytest.raises(StoreError, match="was ended"):
        replay(own, processes=2, reopen=reopening("sqlite:////nowhere/at/all.db", tmp_path))
    assert "roadworthy.errors.StoreError: " in capfd.readouterr().err


def test_a_span_a_release_a_branch_and_a_list_each_pick_their_own(past: Store) -> None:
    made = decisions(past)
    records = past.ledger.find_all([record_id for record_id, _ in made])
    named = [one.subject for one in records if one.subject == "app-0" or one.nth > 1]

    def count(fits: Callable[[datetime, Decision], bool]) -> int:
        return sum(fits(one.at, decode_payload(one.payload, Decision)) for one in records)

    since, before = MADE + DAY, MADE + 3 * DAY
    for asked, expected in (
        (Asked(since=since), count(lambda at, _: at >= since)),
        (Asked(since=since, before=before), count(lambda at, _: since <= at < before)),
        (Asked(release="3"), 4),
        (Asked(branch="N"), count(lambda _, decision: decision.branch == "N")),
        (Asked(applications=("app-0", records[0].subject)), len(named) + 1),
        (Asked(release="9"), 0),
    ):
        found, _ = replay(past, asked)
        assert found.decisions == found.same == expected, asked
    assert len(named) == 2


def test_nobody_replays_what_is_not_of_their_branches(past: Store) -> None:
    north = sum(decision.branch == "N" for _, decision in decisions(past))
    seen = replay_decisions(deed(past, branches=Branches.of("N")), CurrentRoute(past), Asked())
    assert seen.decisions == north > 0
    assert replay_decisions(deed(past, branches=Branches.of("N")), CurrentRoute(past), Asked(branch="S")).decisions == 0
    with pytest.raises(NotAllowed, match="may not replay past decisions"):
        replay_decisions(deed(past, "officer"), CurrentRoute(past), Asked())


def swap_content(store: Store, digest: str, data: bytes = b"other") -> None:
    """Other bytes under a digest."""
    by_hand(store, "UPDATE contents SET bytes = :data WHERE digest = :digest", data=data, digest=digest)


def rewrite(store: Store, record_id: str, change: Callable[[Any], Any]) -> None:
    """Another payload in a record that was made."""
    record = store.ledger.find(record_id)
    assert record is not None
    payload = msgspec.json.encode(change(msgspec.json.decode(record.payload)))
    assert payload != record.payload
    by_hand(store, "UPDATE records SET payload = :payload WHERE record_id = :id", payload=payload, id=record_id)


def falsify(store: Store, record_id: str, claimed: Decision) -> None:
    rewrite(store, record_id, lambda _: msgspec.json.decode(encode_payload(claimed)))


def swap_package(store: Store) -> None:
    swap_content(store, manifest(store).package, make_package("boosted").to_bytes())


def swap_policy(store: Store) -> None:
    swap_content(store, manifest(store).policy)


def swap_product(store: Store) -> None:
    swap_content(store, manifest(store).product)


def swap_contract_of_table(store: Store) -> None:
    swap_content(store, manifest(store).tables["regions"])


def swap_table_rows(store: Store) -> None:
    for version in table_versions(store):
        swap_content(store, msgspec.json.decode(version.payload)["digest"])


def lose_package(store: Store) -> None:
    by_hand(store, "DELETE FROM contents WHERE digest = :digest", digest=manifest(store).package)


def promote_by_hand(store: Store, package: Any = None, policy: Any = None) -> None:
    """Another model or policy, and a record of the release that names it: every digest fits, and none decided."""
    release = CurrentRoute(store).load("1").release
    other = Release(package or release.package, policy or release.policy, release.tables)
    written = package.to_bytes() if package is not None else policy_yaml(other.policy).encode()
    digest = store.transact(lambda connection: keep_content(connection, written, "application/octet-stream"))
    named = {"package": digest} if package is not None else {"policy": digest}
    details = {**named, "model": other.package.digest, "release": other.digest}
    [created] = [record for record in store.ledger.history("release:1") if record.nth == 1]
    rewrite(store, created.record_id, lambda event: {**event, "details": {**event["details"], **details}})


def promote_package(store: Store) -> None:
    promote_by_hand(store, package=make_package("boosted"))


def promote_policy(store: Store) -> None:
    promote_by_hand(store, policy=Policy.parse(BY_REGION.replace("0.08", "0.0799")))


def change_table_rows(store: Store) -> None:
    """Other limits, and records of the versions that name them."""
    limits = check_table(REGIONS, to_arrow({"region": ["N", "S", "E", "W"], "limit": [1.0, 2.0, 3.0, 4.0]}))
    digest = store.transact(lambda connection: keep_content(connection, rows_to_bytes(limits.batch), ROWS))
    for version in table_versions(store):
        rewrite(store, version.record_id, lambda event: {**event, "digest": digest})


def change_inputs(store: Store) -> None:
    """What was sealed, without its key."""
    by_hand(
        store, "UPDATE records SET sealed = :sealed WHERE kind = 'decision' AND key_id IS NOT NULL", sealed=bytes(80)
    )


def change_answers(store: Store) -> None:
    for record_id, decision in decisions(store):
        falsify(store, record_id, msgspec.structs.replace(decision, answer="approve", pd=0.01))


def break_payloads(store: Store) -> None:
    by_hand(store, "UPDATE records SET payload = :payload WHERE kind = 'decision'", payload=b"{}")


def unname_keys(store: Store) -> None:
    """So that it would look erased."""
    by_hand(store, "UPDATE records SET sealed = NULL, key_id = NULL WHERE kind = 'decision'")


def manifest(store: Store) -> Manifest:
    with store.reading() as connection:
        return read_manifest(connection, "1")


def table_versions(store: Store) -> list[Record]:
    return store.ledger.history("table:regions")


@pytest.mark.parametrize(
    ("change", "part", "made"),
    [
        (swap_package, "model", False),
        (lose_package, "model", False),
        (promote_package, "model", True),
        (swap_policy, "policy", False),
        (swap_product, "policy", False),
        (promote_policy, "policy", True),
        (swap_contract_of_table, "tables", False),
        (swap_table_rows, "tables", False),
        (change_table_rows, "tables", True),
    ],
)
def test_a_part_of_a_release_that_is_not_what_it_was_is_named(
    own: Store, change: Callable[[Store], None], part: str, made: bool
) -> None:
    """Every decision of the release differs by it, and no decision of another release does."""
    of_release = {record_id for record_id, decision in decisions(own) if decision.release.id == "1"}
    change(own)
    found, written = replay(own)
    assert {one.decision_id for one in written} <= of_release
    assert written
    assert {one.differs for one in written} == {(part,)}
    assert found.differs == {part: found.different}
    assert all((one.answer_now is not None) == made for one in written)
    if made:
        assert all(one.fields for one in written)
    else:
        assert {one.decision_id for one in written} == of_release
        assert found.not_made == found.different
        assert all(one.why for one in written)


@pytest.mark.parametrize("change", [change_inputs, change_answers, break_payloads, unname_keys])
def test_a_record_that_was_changed_is_named_as_data(own: Store, change: Callable[[Store], None]) -> None:
    """What looks erased and is not what was hashed was not erased."""
    change(own)
    found, written = replay(own)
    assert found.different >= 40
    assert found.erased == 0
    assert {one.differs for one in written} == {("data",)}
    one, _ = replay(own, Asked(release="1"))
    assert one.different > 0


def test_inputs_changed_behind_the_chain_are_named_as_data(store: Store) -> None:
    """Without keys somebody can write other inputs that still keep to the contract."""
    go_live(store, make_release("scorecard"), at=MADE)
    [one, other] = decide(CurrentRoute(store), read_rows(2), MADE)
    record = store.ledger.find(one)
    assert record is not None
    assert record.sealed is not None
    inputs = msgspec.json.decode(record.sealed)
    inputs["inputs"]["income"] = 1_000.0
    with store.connections.writer.connect() as connection:
        connection.begin()
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE records DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER records_no_update"))
        connection.execute(
            text("UPDATE records SET sealed = :sealed WHERE record_id = :id"),
            {"sealed": msgspec.json.encode(inputs), "id": one},
        )
        connection.commit()
    found, written = replay(store)
    assert (found.same, found.different) == (1, 1)
    assert (written[0].decision_id, written[0].differs) == (one, ("data",))
    assert "pd" in written[0].fields
    assert replay_decision(deed(store), CurrentRoute(store), other).same


def test_another_build_that_gives_the_same_bits_is_told_and_not_blamed(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And which of its libraries are others."""
    now = msgspec.json.decode(describe_build())
    then = {**now, "roadworthy": "0.0.9", "libraries": {**now["libraries"], "numpy": "1.26.4"}}
    monkeypatch.setattr(
        "roadworthy.live.current.describe_build", lambda: msgspec.json.encode(then, order="deterministic")
    )
    decide(CurrentRoute(own), FRAGILE, MADE + 5 * DAY)
    monkeypatch.undo()
    found, _ = replay(own)
    assert found.same == found.decisions
    assert len(found.builds) == 2
    [build] = set(found.builds) - {found.build_now}
    assert found.builds[build] == 3
    assert tell_build(own, build) == (
        f"roadworthy 0.0.9, now {now['roadworthy']}",
        f"numpy 1.26.4, now {now['libraries']['numpy']}",
    )
    assert tell_build(own, found.build_now) == ()
    assert tell_build(own, "f" * 64) == ("the store does not hold its description",)


def test_another_build_that_gives_other_bits_is_named_with_how_far_they_lie_apart(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nudged(*arguments: Any) -> Decisions:
        made = really(*arguments)
        return dataclasses.replace(made, pd=np.nextafter(np.nextafter(made.pd, 1), 1))

    really = roadworthy.decision.decide
    monkeypatch.setattr("roadworthy.live.deciding.decide", nudged)
    monkeypatch.setattr("roadworthy.live.current.describe_build", lambda: b'{"roadworthy":"0.0.9"}')
    decide(CurrentRoute(own), FRAGILE, MADE + 5 * DAY)
    monkeypatch.undo()
    found, written = replay(own)
    assert (found.different, found.largest_ulps, found.answers_changed) == (2, 2, 0)
    assert [(one.differs, one.fields, one.ulps) for one in written] == [(("code",), ("pd",), 2)] * 2


def test_who_was_erased_is_counted_as_erased(own: Store, tmp_path: Path) -> None:
    """Not as the same, since nothing was made again; not as different, since nothing is wrong."""
    erase(own, "person-0", tmp_path)
    found, written = replay(own)
    assert (found.different, written) == (0, [])
    assert found.erased == 9, "one of each group that was decided"
    [gone] = [one for one in own.ledger.read(limit=10_000).records if one.kind == "erasure"][:1]
    erased = next(one for one in own.ledger.history(gone.subject) if one.kind == "decision")
    one = replay_decision(deed(own), CurrentRoute(own), erased.record_id)
    assert (one.erased, one.same, one.answer_now, one.pd_now, one.differs) == (True, False, None, None, ())
    assert "erased" in one.why


def test_who_was_erased_before_there_were_keys_is_not_made_again_either(store: Store) -> None:
    go_live(store, make_release("scorecard"), at=MADE)
    one, _ = decide(CurrentRoute(store), read_rows(2), MADE)
    record = store.ledger.find(one)
    assert record is not None
    assert record.key_id is None
    told = Entry(
        record_id=new_id(MADE), kind="erasure", subject=record.subject, actor="ada", at=MADE,
        payload=encode_payload(Erasure(ground="asked for")),
    )  # fmt: skip
    store.ledger.append([told])
    found, _ = replay(store)
    assert (found.erased, found.same, found.different) == (1, 1, 0)


def test_a_store_without_its_keys_is_an_error_and_not_a_difference(own: Store, tmp_path: Path) -> None:
    other = connect_store(own.url, None, create=False)
    with other, pytest.raises(StoreError, match="cannot be opened here"):
        replay_decisions(deed(other), CurrentRoute(other), Asked())


def test_what_differs_goes_into_a_table(own: Store) -> None:
    change_answers(own)
    _, written = replay(own)
    table = replays_to_arrow(written)
    assert table.num_rows == len(written)
    first = table.to_pylist()[0]
    assert first["decision_id"] == written[0].decision_id
    assert (first["answer"], first["differs"]) == ("approve", "data")
    assert first["fields"].split() == list(written[0].fields)
    assert replays_to_arrow([]).schema == table.schema
