"""What people do by mistake at the desk: warned of before it is done, and undone after (R10).

The wrong file, the wrong month, the wrong cut-off, the wrong release: each is said in words on the page where it would
be done, nobody does it without having read that, and one act takes it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import polars as pl
import pytest

from roadworthy.errors import PolicyError
from roadworthy.jobs import Runner
from roadworthy.testing import make_applications
from tests.desk.apart import desk, runner
from tests.desk.conftest import Desk, read_words
from tests.desk.lender import LOOSE, NOVEMBER, OCTOBER, READS, Lender, lender, ready

__all__ = ["desk", "lender", "ready", "runner"]


def table(rows: int = 30, name: str = "A") -> pl.DataFrame:
    return pl.from_pandas(make_applications(rows)[0]).with_columns(
        application_id=pl.Series([f"{name}-{i}" for i in range(rows)])
    )


def upload(desk: Desk, file: pl.DataFrame | bytes, name: str = "loans.csv", **fields: str) -> httpx.Response:
    data = file if isinstance(file, bytes) else file.write_csv().encode()
    return desk.come("officer").send("/files", files={"file": (name, data)}, record="on", **fields)


def mark(page: httpx.Response) -> str:
    """What ticking the box sends that the warnings were read."""
    found = re.search(r'name="read" value="([0-9a-f]+)"', page.text)
    assert found is not None, read_words(page.text)
    return found[1]


WRONG_FILES: dict[str, tuple[Callable[[], pl.DataFrame], str]] = {
    "another product's": (
        lambda: table().with_columns(
            housing=pl.lit("villa"), region=pl.lit("Paris"), age=pl.lit(5), months=pl.lit(600), amount=pl.lit(900_000.0)
        ),
        "region: 100% of the values are none that the contract knows",
    ),
    "columns renamed": (
        lambda: table().rename({"income": "net_income", "employed": "has_job"}),
        "it lacks income, employed, and every row would be decided without; it has net_income, has_job instead.",
    ),
    "amounts in cents": (
        lambda: table().with_columns(pl.col("amount") * 100, pl.col("income") * 100),
        "Did its unit change?",
    ),
    "amounts in thousands": (
        lambda: table().with_columns(pl.col("amount") / 1_000),
        "amount: the median is",
    ),
    "words where numbers were": (
        lambda: table().with_columns(age=pl.lit("old")),
        "30 of the first 30 rows would be set aside, most often because age is",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_wrong_file_is_warned_of_before_a_row_of_it_is_decided(desk: Desk, wrong: str) -> None:
    """R10: it is not queued until somebody has read what looks wrong; queued, it can be cancelled undone."""
    make, warning = WRONG_FILES[wrong]
    desk.come("officer")
    records, queued = desk.count_records(), jobs(desk)
    page = upload(desk, make())
    assert page.status_code == 409, read_words(page.text)
    words = read_words(page.text)
    assert "was not taken yet: something looks wrong about it" in words
    assert warning in words
    assert 'name="record" checked' in page.text
    assert jobs(desk) == queued
    other = upload(desk, table(name="other").with_columns(income=0.01), read=mark(page))
    assert other.status_code == 409, "what was read is of another file"
    meant = upload(desk, make(), read=mark(page))
    assert meant.status_code == 303, read_words(meant.text)
    assert "cancelled" in read_words(desk.come("officer").act(f"{meant.headers['Location']}/cancel").text)
    assert desk.count_records() == records


def test_a_table_in_the_place_of_applications_is_no_file_of_them(desk: Desk) -> None:
    """R10: and applications in the place of a table: see the table's own page."""
    refused = upload(desk, OCTOBER, "regions_2026-10.csv")
    assert refused.status_code == 422
    words = read_words(refused.text)
    assert "regions_2026-10.csv: lacks age," in words
    assert "It seems to be applications, cut short or written otherwise, and has limit instead" in words
    assert "ask Ana, who owns made-up loans," in words
    assert "sources.yaml" not in words, "an officer has none"


def test_a_table_that_a_release_reads_is_known_by_its_columns(lender: Lender) -> None:
    """R10: the wrong form is named with the right one."""
    refused = lender.officer.send("/files", files={"file": ("regions_2026-10.csv", OCTOBER)}, record="on")
    assert refused.status_code == 422
    words = read_words(refused.text)
    assert "It seems to be the table regions" in words
    assert "upload it on the page of the table regions" in words


def test_applications_in_the_place_of_a_table_are_no_table(lender: Lender) -> None:
    data = table().write_csv().encode()
    refused = lender.ana.send("/tables/regions", files={"file": ("loans.csv", data)}, effective="2026-11-01")
    assert refused.status_code == 422
    assert "is not of table" in read_words(refused.text)
    assert lender.in_force == "1"


def test_yesterdays_file_again_is_said_to_be_and_decides_nothing_twice(desk: Desk, runner: Runner) -> None:
    """R10: the same form sent twice is one upload; the same file sent anew is named, with when it came."""
    data = table(name="Y")
    first = upload(desk, data, "monday.csv", once="y")
    assert upload(desk, data, "monday.csv", once="y").headers["Location"] == first.headers["Location"]
    while runner.run_one():
        pass
    records = desk.count_records()
    page = upload(desk, data, "tuesday.csv", once="z")
    assert page.status_code == 409
    words = read_words(page.text)
    assert "this is the same file as monday.csv, uploaded on" in words
    assert "what was recorded then is not decided again" in words
    meant = upload(desk, data, "tuesday.csv", read=mark(page))
    while runner.run_one():
        pass
    done = read_words(desk.come("officer").get(meant.headers["Location"]).text)
    assert "30 of them were recorded before" in done
    assert desk.count_records() == records


def test_a_file_as_it_should_be_is_taken_without_a_word(desk: Desk) -> None:
    taken = upload(desk, table(name="R"))
    assert taken.status_code == 303, read_words(taken.text)
    desk.come("officer").act(f"{taken.headers['Location']}/cancel")


def test_an_older_table_than_the_one_in_force_is_warned_of_and_undone(lender: Lender) -> None:
    """R10: the wrong month."""
    where = lender.upload(NOVEMBER, "regions.csv", "2026-09-01")
    warning = "it takes effect on 2026-09-01, before the version in force did"
    assert warning in read_words(lender.ana.get(where).text)
    assert lender.ben.send(f"{where}/approve").status_code == 409
    lender.ben.act(f"{where}/approve", read="yes")
    lender.omar.act(f"{where}/undo", reason="it was September's")
    assert lender.in_force == "1"


@pytest.mark.parametrize("typed", ["20", "1.2", "-0.12"])
def test_a_cut_off_that_is_no_probability_becomes_no_release(lender: Lender, typed: str) -> None:
    """R10: a cut-off of 0.2 typed as 20 is refused with its line, before anybody could approve it."""
    with pytest.raises(PolicyError) as refused:
        lender.create(READS.replace("up_to: 0.12", f"up_to: {typed}"))
    assert "policy" in str(refused.value.where)


def test_cut_offs_that_changed_places_become_no_release(lender: Lender) -> None:
    with pytest.raises(PolicyError):
        lender.create(READS.replace("0.12", "x").replace("0.25", "0.12").replace("x", "0.25"))


def test_answers_that_changed_places_become_no_release(lender: Lender) -> None:
    swapped = READS.replace("answer: approve}", "answer: x}").replace("{answer: decline}", "{answer: approve}")
    with pytest.raises(PolicyError, match="riskier"):
        lender.create(swapped.replace("answer: x}", "answer: decline}"))


def test_a_cut_off_that_moves_many_is_said_with_how_many_before_and_undone_after(lender: Lender) -> None:
    """R10: not twice as high, and still many more approved: the latest decisions tell, not the number typed."""
    number = lender.approved(READS.replace("0.12", "0.02"))
    words = read_words(lender.omar.get(f"/releases/{number}/promote").text)
    assert "on the latest 40 applications the share approved would go from" in words
    assert lender.promote(number, read="yes").status_code == 303
    assert lender.champion == number
    lender.omar.act("/releases/rollback", instead_of=number, reason="too strict", read="yes")
    assert lender.champion == "1"


def test_nobody_leaves_the_warnings_out_of_the_form(lender: Lender) -> None:
    """R10: whether there are warnings is looked up where it is done, and not taken from what was sent."""
    number = lender.approved(LOOSE)
    refused = lender.promote(number)
    assert refused.status_code == 409
    assert "nobody has said that they were read" in read_words(refused.text)
    assert lender.champion == "1"


def test_going_back_to_what_cannot_read_todays_tables_is_refused_with_why(lender: Lender) -> None:
    """R10: rolling back to a release whose table is no longer there changes nothing, and says what to do."""
    plain = "\n".join(line for line in READS.splitlines() if "regions.limit" not in line) + "\n"
    number = lender.approved(plain, tables={})
    assert lender.promote(number, read="yes").status_code == 303
    lender.omar.act("/tables/regions/1/undo", reason="nobody reads it now")
    page = lender.omar.get("/releases/rollback")
    assert "reads the table 'regions', of which no version is in force" in read_words(page.text)
    assert "tables upload regions" in read_words(page.text)
    refused = lender.omar.send("/releases/rollback", instead_of=number, reason="back", read="yes")
    assert refused.status_code in (409, 422)
    assert lender.champion == number


def jobs(desk: Desk) -> int:
    return desk.come("officer").get("/files").text.count('<th scope="row"><a href="/files/')
