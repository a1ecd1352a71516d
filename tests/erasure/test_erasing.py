"""An applicant is erased: nothing in the store's files says anything about them, and the chain still holds (R30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.batch import ask_to_export, ask_to_score, job_handlers, read_kept_file
from roadworthy.erasure import (
    ErasureList,
    Listed,
    Whom,
    create_kept_store,
    erase_applicant,
    find_overdue,
    keys_of,
    list_holds,
    list_of,
    open_kept_store,
    plan_erasure,
    release_hold,
    retain,
    set_hold,
)
from roadworthy.errors import Gone, NotAllowed, NotFound, Refused, StoreError, Unwritable, UsageError
from roadworthy.jobs import Runner, read_job
from roadworthy.live import Decided, Envelope, decide_all_again, decide_and_record
from roadworthy.records import (
    Erased,
    Erasure,
    Once,
    Particulars,
    Wanted,
    backup,
    create_store,
    decode_payload,
    new_id,
    open_store,
    read_content,
    rebuild_projections,
    restore,
    search_applications,
    verify_chain,
)
from roadworthy.settings import Settings
from tests.api.house import INPUTS, Client, House

WHO = "C-PRIVATE-7731"
VIEW = "my very private circumstances"
NEXT = "another sentence that nobody else says"
INCOME = 31_337.25
RIGHT = 98_765.4321
MARKS = (WHO, VIEW, "31337.25", "98765.4321", "private remark on the loan")


OFFICER = Actor(account="officer", credential="key:officer", roles=frozenset({"officer"}), branches=EVERY_BRANCH)


def officer(place: Place) -> Deed:
    """A deed of somebody who sees every branch."""
    return place.house.services.deed(OFFICER)


@dataclass
class Place:
    """A lender on an encrypted store, and somebody with a view, a correction, a row set aside, files and exports."""

    house: House
    client: Client
    settings: Settings

    def ask(self, method: str, path: str, who: str, **how: Any) -> Any:
        return self.client.ask(method, path, who, **how)

    def decide(self, application: str, applicant: str | None = WHO, key: str | None = None, **inputs: Any) -> Any:
        body = {"inputs": INPUTS | inputs, "application_id": application}
        if applicant is not None:
            body["applicant_id"] = applicant
        return self.ask("POST", "/v1/decisions", "service", json=body, headers={"Idempotency-Key": key} if key else {})

    def readable(self, application: str) -> bool:
        record = self.house.store.ledger.history(application)[0]
        return self.house.store.ledger.unseal([record]) != [None]

    def work(self) -> None:
        runner = Runner(
            self.house.store, job_handlers(self.house.current, self.house.clock), worker="w", clock=self.house.clock,
            new_id=self.house.services.new_id,
        )  # fmt: skip
        while runner.run_one():
            pass

    @property
    def erasures(self) -> ErasureList:
        return list_of(self.settings)

    def bytes(self) -> bytes:
        """Everything in the files of a store on SQLite."""
        path = Path(self.settings.store.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.suffix != ".serving")


def wrap(house: House, name: str, applicant: str | None = None, key: str | None = None) -> Envelope:
    """An application on its way, past the door."""
    return Envelope(
        record_id=new_id(house.clock()),
        actor="service",
        inputs=msgspec.Raw(msgspec.json.encode(INPUTS)),
        application_id=name,
        applicant_id=applicant,
        once=None if key is None else Once("service", key, b"another body"),
    )


def open_place(settings: Settings) -> Iterator[Place]:
    with create_kept_store(settings, store_id="a-store", now=datetime(2026, 11, 1, tzinfo=UTC)) as store:
        house = House(store, settings)
        house.go_live()
        house.hire_everybody()
        with house.client() as client:
            yield Place(house, client, settings)


def settings_in(folder: Path, url: str | None = None) -> Settings:
    return Settings(
        store=url or f"sqlite:///{folder / 'store.db'}",
        rate_limit_per_second=0,
        wrapping_key_file=folder / "keys/w.key",
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield from open_place(settings_in(tmp_path))


@pytest.fixture
def either(tmp_path: Path, store_url: str) -> Iterator[Place]:
    """On SQLite and on PostgreSQL."""
    yield from open_place(settings_in(tmp_path, store_url))


def live_with(place: Place) -> str:
    """Everything that somebody can have said to us; the decision on A-1."""
    first = place.decide("A-1", key="k-1", income=INCOME)
    assert first.status_code == 201, first.text
    decision_id: str = first.json()["decision_id"]
    asked = place.ask(
        "POST", f"/v1/decisions/{decision_id}/human-review", "officer",
        json={"view": VIEW, "deadline": "2030-01-01T00:00:00Z"}, headers={"Idempotency-Key": "review"},
    )  # fmt: skip
    assert asked.status_code == 201, asked.text
    second = place.decide("A-2").json()["decision_id"]
    corrected = place.ask(
        "POST", f"/v1/decisions/{second}/correct", "officer",
        json={"inputs": {"income": RIGHT}, "evidence": "the payslip"},
    )  # fmt: skip
    assert corrected.status_code == 201, corrected.text
    assert place.decide("A-3", "C-8").status_code == 201
    row = {
        "application_id": "A-1",
        "event": "no such event",
        "at": "2026-11-02",
        "remark": "private remark on the loan",
    }
    taken = place.ask("POST", "/v1/outcomes", "operator", json={"outcomes": [row]})
    assert taken.status_code in (200, 201, 422), taken.text
    return decision_id


def test_nothing_in_the_stores_files_says_anything_about_who_was_erased(place: Place) -> None:
    decision_id = live_with(place)
    asked = ask_to_export(officer(place), Wanted(applicant_id=WHO), "csv")
    others = ask_to_export(officer(place), Wanted(applicant_id="C-8"), "csv")
    data = f"application_id,applicant_id,{','.join(INPUTS)}\nU-1,{WHO},{','.join(map(str, INPUTS.values()))}\n"
    upload = ask_to_score(officer(place), data.replace("True", "true").encode(), "loans.csv", record=False)
    place.work()
    queued = ask_to_export(officer(place), Wanted(name="x"), "csv")
    with place.house.store.reading() as connection:
        jobs = {job.job_id: read_job(connection, job.job_id, by=OFFICER) for job in (asked, others, upload)}
    assert {job.state for job in jobs.values()} == {"done"}, [job.error for job in jobs.values()]
    before = place.bytes()
    assert WHO.encode() in before, "the projections hold it, or this test proves nothing"
    for secret in (VIEW, "98765.4321", "private remark on the loan"):
        assert secret.encode() not in before, "what is sealed is ciphertext while it is there"

    body = {"applicant_id": WHO, "ground": "asked for it"}
    listed = place.ask("POST", "/v1/erasures", "admin", json=body | {"dry_run": True})
    assert listed.status_code == 200, listed.text
    plan = listed.json()
    assert plan["reach"]["application_ids"] == ["A-1", "A-2"]
    assert set(plan["work"]["holding"]) == {asked.job_id, upload.job_id}
    assert plan["work"]["under_way"] == [queued.job_id]
    assert place.ask("POST", "/v1/erasures", "officer", json=body).status_code == 403
    assert place.ask("POST", "/v1/erasures", "admin", json=body | {"applicant_id": "C-nobody"}).status_code == 404
    done = place.ask("POST", "/v1/erasures", "admin", json=body)
    assert done.status_code == 201, done.text
    assert done.json()["plain"] == 0
    assert done.json()["files"] >= 3
    assert done.json()["remains"] is None

    after = place.bytes()
    for secret in MARKS:
        assert secret.encode() not in after, secret
    assert b"C-8" in after
    assert WHO not in place.erasures.path.read_text()
    assert verify_chain(place.house.store).fault is None
    with pytest.raises(NotFound, match="no longer kept"):
        read_kept_file(officer(place), jobs[asked.job_id], "decisions")
    assert read_kept_file(officer(place), jobs[others.job_id], "decisions").data
    erasures = [
        decode_payload(record.payload, Erasure)
        for name in ("A-1", "A-2")
        for record in place.house.store.ledger.history(name)
        if record.kind == "erasure"
    ]
    assert len(erasures) == 2
    assert all(set(one.exports) == {asked.job_id, upload.job_id} for one in erasures)

    # Every door says so.
    shown = place.ask("GET", f"/v1/decisions/{decision_id}", "officer").json()
    assert shown["status"] == "erased"
    assert (shown["inputs"], shown["applicant_id"], shown["amount"]) == (None, None, None)
    assert all(item["sealed"] is None for item in shown["history"])
    for income in (INCOME, 1.0):
        again = place.decide("A-1", key="k-1", income=income)
        assert (again.status_code, again.json()["type"]) == (410, "/problems/gone")
    fresh = place.decide("A-1")
    assert fresh.status_code == 422
    assert place.client.violations(fresh) == {("$.application_id", "allowed")}
    correction = {"inputs": {"income": 1.0}, "evidence": "a letter"}
    review = {"view": NEXT, "deadline": "2030-01-01T00:00:00Z"}
    for path, said in (
        ("correct", correction),
        ("human-review", review),
        ("final-answer", {"answer": "approve"}),
    ):
        refused = place.ask("POST", f"/v1/decisions/{decision_id}/{path}", "officer", json=said)
        assert refused.status_code == 410, (path, refused.text)
    found = place.ask("POST", "/v1/decisions/search", "officer", json={"applicant_id": WHO}).json()
    assert found["applications"] == [] if "applications" in found else not found.get("found")
    record = place.house.store.ledger.find(decision_id)
    assert record is not None
    [lost] = decide_all_again(place.house.current, [record])
    assert getattr(lost, "lost", None) == "erased"
    rebuild_projections(place.house.store)
    assert WHO.encode() not in place.bytes()
    assert place.ask("POST", "/v1/erasures", "admin", json=body).status_code == 404
    # Who comes back is somebody new.
    assert place.decide("A-9").status_code == 201


def test_one_erased_application_of_a_batch_does_not_keep_the_others(either: Place) -> None:
    house = either.house
    for name, who in (("A-1", "C-1"), ("A-2", "C-2")):
        assert either.decide(name, who, key=f"k-{name}").status_code == 201
    done = erase_applicant(house.deed("admin"), Whom(application_id="A-1"), ground="asked", erasures=either.erasures)
    assert (done.keys, done.application_ids) == (1, ("A-1",))

    made = decide_and_record(
        house.current,
        [wrap(house, "A-1"), wrap(house, "A-3"), wrap(house, "A-1", key="k-A-1"), wrap(house, "A-2")],
        now=house.clock(),
    )
    assert [type(one).__name__ for one in made] == ["NotDecided", "Decided", "Erased", "Decided"]
    assert isinstance(made[1], Decided)
    assert isinstance(made[2], Erased)
    assert verify_chain(house.store).fault is None
    with house.store.reading() as connection:
        keys = connection.exec_driver_sql("SELECT count(*) FROM applicant_keys WHERE wrapped IS NULL").scalar_one()
        assert keys == 1
    assert (
        plan_erasure(house.deed("admin"), Whom(applicant_id="C-2")).reach.application_ids == ()
    )  # A-2 names nobody now


def test_an_erasure_is_done_again_in_a_backup_from_before_it(place: Place, tmp_path: Path) -> None:
    live_with(place)
    backup(place.house.store, tmp_path / "monday.zip", at=datetime.now(UTC))
    done = erase_applicant(
        place.house.deed("admin"), Whom(applicant_id=WHO), ground="asked for it", erasures=place.erasures
    )
    assert done.application_ids == ("A-1", "A-2")
    elsewhere = replace(place.settings, store=f"sqlite:///{tmp_path / 'again.db'}")
    restore(tmp_path / "monday.zip", elsewhere.store)
    with pytest.raises(StoreError, match="encrypted") as error:
        open_kept_store(replace(elsewhere, wrapping_key_file=tmp_path / "nowhere.key"), now=datetime.now(UTC))
    assert error.value.where == str(tmp_path / "nowhere.key")
    for _ in range(2):  # the second time there is nothing left to do
        with open_kept_store(elsewhere, now=datetime.now(UTC)) as store:
            with store.reading() as connection:
                assert search_applications(connection, Wanted(applicant_id=WHO)).applications == ()
            records = [record for record in store.ledger.history("A-1") if record.kind == "decision"]
            assert store.ledger.unseal(records) == [None]
            erasures = [record for record in store.ledger.history("A-1") if record.kind == "erasure"]
            assert len(erasures) == 1
            assert "restore" in decode_payload(erasures[0].payload, Erasure).ground
            assert verify_chain(store).fault is None
    for secret in MARKS:
        assert secret.encode() not in (tmp_path / "again.db").read_bytes(), secret


def test_a_legal_hold_stops_erasure_and_the_end_of_time_until_it_is_released(either: Place) -> None:
    house = either.house
    assert either.decide("A-1", "C-1").status_code == 201
    assert either.decide("A-2", "C-2").status_code == 201
    set_up = either.ask("POST", "/v1/holds", "admin", json={"applicant_id": "C-1", "reason": "a case in court"})
    assert set_up.status_code == 201, set_up.text
    hold_id = set_up.json()["hold_id"]
    [held] = either.ask("GET", "/v1/holds", "admin").json()["holds"]
    assert (held["hold_id"], held["subject"], held["reason"]) == (hold_id, "A-1", "a case in court")
    assert either.decide("A-3", "C-1").status_code == 201  # what comes later is held as well
    refused = either.ask("POST", "/v1/erasures", "admin", json={"application_id": "A-3", "ground": "asked"})
    assert refused.status_code == 409
    assert "legal hold" in refused.json()["detail"]
    house.late = timedelta(days=800)
    overdue = find_overdue(house.deed("admin"), 25)
    assert (overdue.applicants, overdue.held) == ((Whom(applicant_id="C-2"),), 1)
    assert retain(house.deed("admin"), 25) == 1
    assert retain(house.deed("admin"), 25) == 0
    assert [record.kind for record in house.store.ledger.history("A-2")] == ["decision", "erasure"]
    with pytest.raises(NotAllowed):
        release_hold(house.deed("officer"), hold_id, reason="x")
    with pytest.raises(UsageError, match="says nothing"):
        release_hold(house.deed("admin"), hold_id, reason=" ")
    house.late = timedelta()
    freed = either.ask("POST", f"/v1/holds/{hold_id}/release", "admin", json={"reason": "the case is closed"})
    assert freed.status_code == 200, freed.text
    assert list_holds(house.deed("admin")) == ()
    assert either.ask("POST", f"/v1/holds/{hold_id}/release", "admin", json={"reason": "again"}).status_code == 404
    kinds = [record.kind for record in house.store.ledger.history("A-1")]
    assert kinds == ["decision", "legal_hold", "legal_hold"]
    erase_applicant(house.deed("admin"), Whom(applicant_id="C-1"), ground="asked", erasures=either.erasures)
    assert verify_chain(house.store).fault is None


def test_who_applied_again_is_not_overdue(place: Place) -> None:
    place.decide("A-1", "C-1")
    place.decide("A-2", None)
    place.house.late = timedelta(days=800)
    decide_and_record(place.house.current, [wrap(place.house, "A-3", "C-1")], now=place.house.clock())
    overdue = find_overdue(place.house.deed("admin"), 25)
    assert overdue.applicants == (Whom(application_id="A-2"),)
    assert overdue.before < place.house.clock() - timedelta(days=750)


def test_records_from_before_are_said_to_stay_readable(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with create_store(settings.store, store_id="a", at=datetime(2026, 11, 1, tzinfo=UTC)) as store:
        house = House(store, settings)
        house.go_live()
        house.hire_everybody()
        with house.client() as client:
            Place(house, client, settings).decide("A-1")
        with pytest.raises(Refused, match="keeps no keys"):
            set_hold(house.deed("admin"), Whom(applicant_id=WHO), reason="a case")
        done = erase_applicant(house.deed("admin"), Whom(applicant_id=WHO), ground="asked", erasures=list_of(settings))
        assert (done.keys, done.plain, done.application_ids) == (0, 1, ("A-1",))
        assert keys_of(settings) is None


@pytest.mark.parametrize("torn", [b"", b'{"erasure_id":"half', b'\n{"erasure_id":"x","key_ids":["k'])
def test_a_list_that_was_cut_off_takes_the_next_erasure_whole(torn: bytes, place: Place) -> None:
    place.decide("A-1")
    place.erasures.path.write_bytes(torn)
    erase_applicant(place.house.deed("admin"), Whom(applicant_id=WHO), ground="asked", erasures=place.erasures)
    [listed] = place.erasures.read()
    assert listed.application_ids == ("A-1",)


@pytest.mark.parametrize("damage", [lambda text: text.replace(b":", b";", 1), lambda _: b"garbage\n\n"])
def test_a_list_that_is_damaged_is_refused_and_nobody_comes_back(
    damage: Callable[[bytes], bytes], place: Place
) -> None:
    place.decide("A-1")
    erase_applicant(place.house.deed("admin"), Whom(applicant_id=WHO), ground="asked", erasures=place.erasures)
    path = place.erasures.path
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"line \d of the list of erasures is damaged"):
        open_kept_store(place.settings, now=datetime.now(UTC))


def test_an_erasure_that_was_refused_is_not_done_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.decide("A-1")
    admin = place.house.deed("admin")

    def no_room(*_: object) -> None:
        raise Unwritable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(place.house.store), "transact", no_room)
        with pytest.raises(Unwritable):
            erase_applicant(admin, Whom(applicant_id=WHO), ground="asked", erasures=place.erasures)
    assert place.erasures.read() == []
    assert place.readable("A-1")


@pytest.mark.parametrize("held", ["before", "after"])
def test_an_erasure_that_was_begun_is_done_later_unless_a_hold_was_set_since(place: Place, held: str) -> None:
    place.decide("A-1")
    admin = place.house.deed("admin")
    reach = plan_erasure(admin, Whom(applicant_id=WHO)).reach
    now = datetime.now(UTC)
    set_hold(admin, Whom(applicant_id=WHO), reason="a case")
    begun = now + timedelta(days=1 if held == "before" else -1)  # a hold of the backup's time was let go since
    place.erasures.add(
        Listed(
            erasure_id="e-1", key_ids=reach.key_ids, application_ids=reach.application_ids,
            at=begun, by="admin", ground="asked",
        )
    )  # fmt: skip
    open_kept_store(place.settings, now=now).close()
    assert place.readable("A-1") == (held == "after")


def test_an_erasure_that_is_done_again_forgets_the_files_of_that_time(place: Place, tmp_path: Path) -> None:
    place.decide("A-1")
    data = pl.DataFrame([INPUTS | {"application_id": "A-1", "applicant_id": WHO}]).write_csv()
    upload = ask_to_score(officer(place), data.encode(), "loans.csv", record=False)
    place.work()
    backup(place.house.store, tmp_path / "monday.zip", at=datetime.now(UTC))
    erase_applicant(place.house.deed("admin"), Whom(applicant_id=WHO), ground="asked", erasures=place.erasures)
    elsewhere = replace(place.settings, store=f"sqlite:///{tmp_path / 'again.db'}")
    restore(tmp_path / "monday.zip", elsewhere.store)
    digest = upload.input["file"]
    with open_store(elsewhere.store, keys=keys_of(elsewhere)) as store, store.reading() as connection:
        assert read_content(connection, digest) is not None
    with open_kept_store(elsewhere, now=datetime.now(UTC)) as store, store.reading() as connection:
        assert read_content(connection, digest) is None
    assert WHO.encode() not in (tmp_path / "again.db").read_bytes()


def test_what_is_asked_wrongly_erases_nothing(place: Place) -> None:
    place.decide("A-1")
    admin = place.house.deed("admin")
    for whom in (Whom(), Whom(applicant_id=WHO, application_id="A-1"), Whom(applicant_id="a\0b")):
        with pytest.raises(UsageError):
            erase_applicant(admin, whom, ground="asked", erasures=place.erasures)
    with pytest.raises(UsageError, match="ground"):
        erase_applicant(admin, Whom(applicant_id=WHO), ground=" .", erasures=place.erasures)
    assert place.erasures.read() == []
    place.erasures.path.mkdir(parents=True)
    with pytest.raises(StoreError, match="nothing was erased"):
        erase_applicant(admin, Whom(applicant_id=WHO), ground="asked", erasures=place.erasures)
    [record] = place.house.store.ledger.history("A-1")
    [plain] = place.house.store.ledger.unseal([record])
    assert plain is not None
    assert decode_payload(plain, Particulars).applicant_id == WHO
    assert issubclass(Gone, Refused)
