"""Files at the desk: uploaded, scored, mended, exported, cancelled (R5, R8, R10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from litestar.testing import TestClient

from roadworthy.access import Branches
from roadworthy.app import make_door
from roadworthy.batch import ask_to_score, forget_files, open_table
from roadworthy.desk.pages import files
from roadworthy.jobs import Runner
from roadworthy.records import metadata
from roadworthy.testing import make_applications, make_package
from tests.desk.apart import desk, runner
from tests.desk.conftest import Desk, Person, read_words

__all__ = ["desk", "runner"]


def applications(n: int, name: str, *, broken: bool = False) -> bytes:
    table = pl.from_pandas(make_applications(n)[0]).cast({"age": pl.String})
    table = table.with_columns(application_id=pl.Series([f"{name}-{i}" for i in range(n)]))
    if broken:
        table = table.with_columns(age=pl.when(pl.int_range(n) == 0).then(pl.lit("old")).otherwise(pl.col("age")))
    return table.write_csv().encode()


def test_a_file_is_scored_recorded_and_its_bad_row_mended_without_deciding_the_others_twice(
    desk: Desk, runner: Runner
) -> None:
    officer = desk.come("officer")
    data = applications(12, "up", broken=True)
    sent = officer.send("/files", files={"file": ("loans.csv", data)}, record="on", once="a")
    where = sent.headers["Location"]
    assert (
        officer.send("/files", files={"file": ("loans.csv", data)}, record="on", once="a").headers["Location"] == where
    )
    page = officer.get(where)
    assert '<meta http-equiv="refresh"' in page.text
    assert "loans.csv was read: 12 rows" in read_words(page.text)
    assert runner.run_one()
    page = officer.get(where)
    words = read_words(page.text)
    assert "refresh" not in page.text
    assert "Decided 11 by release 1, on the record" in words
    assert "Set aside 1" in words
    aside = officer.get(f"{where}/set_aside")
    assert aside.headers["Content-Disposition"] == 'attachment; filename="set_aside.csv"'
    assert len(pl.read_csv(officer.get(f"{where}/decisions").content)) == 11
    before = desk.count_records()
    mended = officer.send(
        "/files", files={"file": ("mended.csv", aside.content.replace(b'"old"', b'"44"'))}, record="on"
    )
    assert runner.run_one()
    assert "Decided 1 by release 1" in read_words(officer.get(mended.headers["Location"]).text)
    assert desk.count_records() == before + 1
    read = sha256(data).hexdigest()[:16]
    again = officer.send("/files", files={"file": ("loans.csv", data)}, record="on", read=read)
    assert runner.run_one()
    assert "11 of them were recorded before" in read_words(officer.get(again.headers["Location"]).text)
    assert desk.count_records() == before + 1


def test_an_analyst_scores_without_recording_and_is_not_offered_to(desk: Desk, runner: Runner) -> None:
    analyst = desk.come("analyst")
    assert 'name="record"' not in analyst.get("/files").text
    before = desk.count_records()
    sent = analyst.send("/files", files={"file": ("loans.csv", applications(5, "an"))})
    assert runner.run_one()
    assert "not on the record" in read_words(analyst.get(sent.headers["Location"]).text)
    assert desk.count_records() == before
    refused = analyst.send("/files", files={"file": ("loans.csv", applications(5, "an"))}, record="on")
    assert refused.status_code == 403
    assert desk.come("officer").get(sent.headers["Location"]).status_code == 404, "it is somebody else's"


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 422, "no file was chosen"),
        (b"colour,shape\nred,round\n", 422, "It seems to be something else: its columns are colour, shape"),
        (b"answer,pd,score\ndecline,0.5,500\n", 422, "It seems to be decisions that were made already"),
        (b"application_id,event,at\nA-1,default,2026-01-01\n", 422, "It seems to be outcomes of applications"),
        (b"PK\x03\x04nonsense", 422, "loans.csv"),
        (applications(9, "many"), 409, "has 9 rows, and at most 8 are taken here"),
    ],
)
def test_the_wrong_file_is_told_before_anything_is_queued(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, data: bytes, status: int, said: str
) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 8)
    refused = desk.come("officer").send("/files", files={"file": ("loans.csv", data)}, record="on")
    assert refused.status_code == status
    assert said in read_words(refused.text)
    assert 'name="record" checked' in refused.text, "what was ticked is kept"


def test_a_search_is_exported_as_a_workbook_and_its_names_are_kept_nowhere(
    desk: Desk, runner: Runner, tmp_path: Path
) -> None:
    for name in ("=1+1", "plain"):
        desk.decide(name)
    officer = desk.come("officer")
    searched = officer.send("/search", applicant_id="C-=1+1").headers["Location"]
    before = contents(desk)
    sent = officer.send(searched.replace("/search?", "/search/export?"), format="xlsx")
    assert sent.status_code == 303, read_words(sent.text)
    assert runner.run_one()
    assert "1 applications, of the branches that officer sees" in read_words(officer.get(sent.headers["Location"]).text)
    file = officer.get(f"{sent.headers['Location']}/decisions")
    assert file.headers["Content-Disposition"] == 'attachment; filename="decisions.xlsx"'
    (tmp_path / "found.xlsx").write_bytes(file.content)
    assert open_table(tmp_path / "found.xlsx").read()["application_id"].to_pylist() == ["=1+1"]
    assert len(contents(desk)) == len(before) + 1, "what was looked for is kept no longer than the job needs it"
    everything = officer.send("/search/export?answer=approve", format="csv")
    assert runner.run_one()
    table = pl.read_csv(BytesIO(officer.get(f"{everything.headers['Location']}/decisions").content))
    assert set(table["answer"]) == {"approve"}
    assert officer.send("/search/export", format="docx").status_code == 422


def test_more_than_an_export_holds_is_told_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.decide("one-more")
    desk.decide("and-more")
    monkeypatch.setattr(files, "MOST_ROWS", 1)
    refused = desk.come("officer").send("/search/export", format="csv")
    assert refused.status_code == 409
    assert "narrow the search" in read_words(refused.text)


def test_a_job_that_waits_is_cancelled_and_there_is_no_file_of_another_name(desk: Desk) -> None:
    officer = desk.come("officer")
    sent = officer.send("/search/export", format="parquet").headers["Location"]
    assert officer.get(f"{sent}/decisions").status_code == 404
    assert "cancelled" in read_words(officer.act(f"{sent}/cancel").text)
    assert "Search exported" in read_words(officer.get("/files").text)
    assert "officer" in read_words(desk.come("operator").get("/files").text), "an operator sees whose they are"


def test_a_search_that_is_cancelled_leaves_none_of_its_words(desk: Desk) -> None:
    officer = desk.come("officer")
    searched = officer.send("/search", applicant_id="C-forgotten").headers["Location"]
    before = contents(desk)
    sent = officer.send(searched.replace("/search?", "/search/export?"), format="csv").headers["Location"]
    assert len(contents(desk)) == len(before) + 1
    officer.act(f"{sent}/cancel")
    assert contents(desk) == before


def test_whoever_works_on_jobs_is_told_of_one_at_once(desk: Desk, runner: Runner) -> None:
    told: list[str] = []
    services = replace(desk.house.services, wake=lambda: told.append("work"))
    with TestClient(app=make_door(services)) as http:
        officer = Person(replace(desk, http=http), "officer", dict(desk.come("officer").cookies))
        assert officer.send("/search/export", format="csv").status_code == 303
        assert officer.send("/files", files={"file": ("loans.csv", applications(2, "wake"))}).status_code == 303
    assert told == ["work", "work"]
    while runner.run_one():
        pass


def test_a_file_is_read_by_whoever_made_it_and_only_while_they_see_its_branches(desk: Desk, runner: Runner) -> None:
    """An operator follows everybody's work and reads no applicant's data; a branch that was taken away is gone."""
    nora = desk.hire("nora", "officer", branches=Branches.of("N", "S"))
    where = nora.send("/search/export", format="csv").headers["Location"]
    assert runner.run_one()
    assert nora.get(f"{where}/decisions").status_code == 200
    operator = desk.come("operator")
    assert operator.get(where).status_code == 200
    assert operator.get(f"{where}/decisions").status_code == 404
    changed = desk.come("admin").send("/people/nora", role="officer", branches="N", authority="0")
    assert changed.status_code == 303, read_words(changed.text)
    assert nora.get(where).status_code == 200
    assert nora.get(f"{where}/decisions").status_code == 404
    desk.come("admin").send("/people/nora", role="approver", branches="*", authority="0")
    assert nora.get(f"{where}/decisions").status_code == 403


def test_files_are_forgotten_after_their_time_and_what_the_store_decides_by_is_not(desk: Desk, runner: Runner) -> None:
    house, officer = desk.house, desk.come("officer")
    package = house.current.take().require().manifest.package
    data = applications(3, "old")
    sent = officer.send("/files", files={"file": ("loans.csv", data)}).headers["Location"]
    by_mistake = ask_to_score(house.deed("officer"), make_package("scorecard").to_bytes(), "credit.rw", record=False)
    while runner.run_one():
        pass
    month = timedelta(days=30)
    assert forget_files(house.store, house.clock(), month) == 0
    assert officer.get(f"{sent}/decisions").status_code == 200
    assert forget_files(house.store, house.clock() + month, month) >= 2
    gone = officer.get(f"{sent}/decisions")
    assert gone.status_code == 404
    assert "no longer kept" in read_words(gone.text)
    assert by_mistake.input["file"] == package
    assert package in contents(desk)
    assert forget_files(house.store, house.clock() + month, month) == 0


def contents(desk: Desk) -> set[str]:
    table = metadata.tables["contents"]
    with desk.house.store.reading() as connection:
        return set(connection.execute(table.select().with_only_columns(table.c.digest)).scalars())


def test_a_file_may_have_a_long_name_in_any_script(desk: Desk) -> None:
    data = applications(3, "long")
    sent = desk.come("officer").send("/files", files={"file": ("\u6f22" * 200 + ".csv", data)})
    assert sent.status_code == 303, read_words(sent.text)
