"""Bad, good, indeterminate, declined and immature applications are told apart; nothing unjudged is trained on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import DataError, UsageError
from roadworthy.product import OUTCOMES, Outcome, label_outcomes, settle_outcome

DATED: dict[str, Any] = {
    "booked_date": "booked",
    "outcome_date": "went_bad",
    "horizon_months": 12,
    "as_of": dt.date(2024, 6, 30),
}


def dated(*rows: tuple[object, str | None, str | None]) -> pa.Table:
    """Rows of default, booked and went_bad."""
    default, booked, went_bad = zip(*rows, strict=True)
    return pa.table({"default": default, "booked": booked, "went_bad": pa.array(went_bad, pa.string())})


def settled(table: pa.Table, **outcome: object) -> Outcome:
    return settle_outcome(table, Outcome(**{"target": "default", **outcome}))[0]  # type: ignore[arg-type] # mixed fields


def names_of(table: pa.Table, **outcome: object) -> list[str]:
    names: list[str] = label_outcomes(table, settled(table, **outcome)).names.tolist()
    return names


@pytest.mark.parametrize(
    ("values", "bad", "good"),
    [
        ([1, 0, 1], "1", "0"),
        ([1.0, 0.0, None], "1", "0"),
        ([True, False, False], "true", "false"),
        (["1", "0", "N"], "1", "0"),
        (["Yes", "No", "No"], "Yes", "No"),
        (["BAD", "Good", "open"], "BAD", "Good"),
        (["Charged Off", "Fully Paid", "Current"], "Charged Off", "Fully Paid"),
        (["CHGOFF", "P I F", None], "CHGOFF", "P I F"),
    ],
)
def test_plain_words_for_bad_and_good_need_no_flag(values: list[object], bad: str, good: str) -> None:
    outcome, notes = settle_outcome(pa.table({"default": values}), Outcome(target="default"))
    assert (outcome.bad, outcome.good) == ((bad,), (good,))
    assert notes == [f"took {bad} of 'default' as bad and {good} as good"]


@pytest.mark.parametrize(
    ("values", "flags", "mend"),
    [
        (["Current", "Late", "Charged Off"], {}, "--bad VALUE[,VALUE] and --good"),
        ([1, 2, 3], {"bad": ["3"]}, "--good VALUE[,VALUE]"),
        ([1, 2, 3], {"good": ["3"]}, "--bad VALUE[,VALUE]"),
        ([1, 0], {"bad": ["7"]}, "--bad one of these"),
        ([1, 0], {"bad": ["1"], "good": [1]}, "--bad or --good"),
        ([1, 1], {}, "a file with both"),
        (["yes", "no", "1", "0"], {}, "--bad VALUE[,VALUE]"),
    ],
)
def test_what_could_be_read_two_ways_is_asked_with_the_values_and_the_flag(
    values: list[object], flags: dict[str, Any], mend: str
) -> None:
    with pytest.raises(DataError) as caught:
        settled(pa.table({"default": values}), **flags)
    assert mend in str(caught.value.mend)
    if "both bad and good" not in str(caught.value):
        assert "row" in str(caught.value.available)


def test_one_where_the_name_says_that_one_is_good_is_asked() -> None:
    with pytest.raises(DataError, match="sounds as if 1 were the good outcome") as caught:
        settle_outcome(pa.table({"approved": [1, 0, 0]}), Outcome(target="approved"))
    assert str(caught.value.mend).startswith("--bad 0")
    stated, _ = settle_outcome(pa.table({"approved": [1, 0, 0]}), Outcome(target="approved", bad=(0,)))
    assert (stated.bad, stated.good) == (("0",), ("1",))


def test_one_stated_side_finds_the_other_only_where_nothing_else_is_possible() -> None:
    assert settled(pa.table({"default": ["A", "B"]}), bad=("B",)).good == ("A",)
    assert settled(pa.table({"default": ["1", "0", "N"]}), bad=("1",)).good == ("0",)
    assert settled(pa.table({"default": ["late", "paid"]}), good=("PAID",)).bad == ("late",)


def test_a_wrong_target_names_the_nearest_columns_first() -> None:
    with pytest.raises(DataError, match="no column 'defualt'") as caught:
        settle_outcome(pa.table({"age": [1], "DEFAULT": [1]}), Outcome(target="defualt"))
    assert caught.value.available == ["DEFAULT", "age"]
    assert caught.value.mend == "--target DEFAULT"


def test_an_amount_is_no_outcome() -> None:
    with pytest.raises(DataError, match="2,000 different values"):
        settle_outcome(pa.table({"amount": list(range(2000))}), Outcome(target="amount"))


def test_other_values_are_indeterminate_counted_and_said() -> None:
    table = pa.table({"default": ["1", "0", "N", "N", None, " "]})
    labels = label_outcomes(table, settled(table))
    assert labels.counts == {"bad": 1, "good": 1, "indeterminate": 4, "declined": 0, "immature": 0}
    assert labels.notes == (
        "neither bad nor good, so indeterminate: N (2 rows)",
        "2 rows without an outcome: indeterminate",
    )


def test_declined_rows_are_kept_and_never_good() -> None:
    table = pa.table({"default": [0, 1, 0, None], "answer": ["approve", "approve", "Decline", "decline"]})
    labels = label_outcomes(table, settled(table, answer="answer"))
    assert labels.names.tolist() == ["good", "bad", "declined", "declined"]
    assert labels.notes == ()
    assert labels.usable.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "values", "declined"),
    [("approved", [1, 0], ("0",)), ("rejected", [True, False], ("true",)), ("final", ["ok", "refused"], ("refused",))],
)
def test_plain_words_for_declined_need_no_flag(name: str, values: list[object], declined: tuple[str, ...]) -> None:
    assert settled(pa.table({"default": [0, 1], name: values}), answer=name).declined == declined


def test_unclear_answers_are_asked() -> None:
    with pytest.raises(DataError, match="mean that the application was declined") as caught:
        settled(pa.table({"default": [0, 1], "answer": [1, 0]}), answer="answer")
    assert caught.value.mend == "--declined VALUE[,VALUE]"


def test_the_horizon_and_the_day_of_looking_judge_each_application() -> None:
    table = dated(
        (0, "2023-06-30", None),  # its window closes on the day of looking
        (0, "2023-07-01", None),  # a day younger
        (1, "2022-01-15", "2023-01-15"),  # bad on the last day of its window
        (1, "2022-01-15", "2023-01-16"),  # a day after it
        (1, "2022-01-31", "2022-01-31"),
        (0, "2022-01-31", "2022-05-01"),  # the target, not the date, says what happened
    )
    assert names_of(table, **DATED) == ["good", "immature", "bad", "good", "bad", "good"]


def test_a_bad_in_an_open_window_is_bad_but_not_trained_on() -> None:
    table = dated((1, "2024-01-01", "2024-05-01"), (0, "2024-01-01", None), (1, "2022-01-01", "2022-05-01"))
    labels = label_outcomes(table, settled(table, **DATED))
    assert labels.names.tolist() == ["bad", "immature", "bad"]
    np.testing.assert_array_equal(labels.bad, [np.nan, np.nan, 1.0])
    assert "1 row already bad in a window still open" in labels.notes[0]


def test_what_happened_after_the_day_of_looking_has_not_happened_yet() -> None:
    table = dated((1, "2024-01-01", "2024-07-01"), (1, "2023-01-01", "2024-07-01"), (0, None, None))
    assert names_of(table, **DATED) == ["immature", "good", "indeterminate"]


def test_dates_that_make_no_sense_are_indeterminate_and_said() -> None:
    table = dated((1, "2022-01-01", None), (1, "2022-06-01", "2022-01-01"), (0, None, None), (0, "soon", None))
    labels = label_outcomes(table, settled(table, **DATED))
    assert labels.counts["indeterminate"] == 4
    assert "1 row bad without a went_bad: indeterminate" in labels.notes
    assert "1 row bad with a went_bad before booking: indeterminate" in labels.notes
    assert "1 row whose booked cannot be read as a date: taken as missing" in labels.notes


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d"])
def test_dates_in_any_of_the_usual_forms_are_read(form: str) -> None:
    days = [dt.date(2022, 1, 15), dt.date(2022, 12, 31), dt.date(2024, 2, 29)]
    table = pa.table({"default": [0, 1, 0], "booked": [day.strftime(form) for day in days]})
    outcome = settled(table, booked_date="booked")
    assert (outcome.as_of, outcome.horizon_months) == (dt.date(2024, 2, 29), 12)
    assert label_outcomes(table, outcome).names.tolist() == ["good", "bad", "immature"]


@pytest.mark.parametrize("rows", [20, 5000])
@pytest.mark.parametrize("column", ["booked", "went_bad"])
def test_one_mistyped_year_is_refused_as_the_day_on_which_outcomes_were_known(rows: int, column: str) -> None:
    """One date in 2202 would make every open window look closed, and what is censored good."""
    days = [str(np.datetime64("2022-01-01") + step % 900) for step in range(rows)]
    table = pa.table({"default": [0, 1] * (rows // 2), "booked": days, "went_bad": days})
    columns = {"booked_date": "booked", "outcome_date": "went_bad"}
    assert settled(table, **columns).as_of is not None
    typo = table.set_column(table.column_names.index(column), column, pa.array(["2202-03-01", *days[1:]]))
    with pytest.raises(DataError, match=f"the last date, 2202-03-01 in '{column}', lies far beyond") as caught:
        settled(typo, **columns)
    assert "as_of" in str(caught.value)
    assert settled(typo, **columns, as_of=dt.date(2024, 6, 30)).as_of == dt.date(2024, 6, 30)


def test_a_file_of_few_rows_may_have_years_between_its_last_dates() -> None:
    table = pa.table({"default": [0, 1, 0], "booked": ["2018-01-01", "2019-01-01", "2024-01-01"]})
    assert settled(table, booked_date="booked").as_of == dt.date(2024, 1, 1)


def test_a_booked_date_that_holds_no_dates_says_so() -> None:
    with pytest.raises(DataError, match="no date that can be read"):
        settled(pa.table({"default": [0, 1], "booked": ["x", "y"]}), booked_date="booked")


def test_parts_that_say_nothing_without_another_are_refused() -> None:
    table = pa.table({"default": [0, 1], "went_bad": ["2024-01-01", None]})
    with pytest.raises(UsageError, match="counts from booking"):
        settled(table, outcome_date="went_bad")
    with pytest.raises(UsageError, match="which column holds the declined"):
        settled(table, declined=("no",))


def test_an_outcome_that_states_no_values_is_refused() -> None:
    with pytest.raises(DataError, match="does not say which values"):
        label_outcomes(pa.table({"default": [0, 1]}), Outcome(target="default"))


def test_labels_cannot_be_changed() -> None:
    labels = label_outcomes(pa.table({"y": [0, 1]}), Outcome(target="y", bad=("1",), good=("0",)))
    with pytest.raises(ValueError, match="read-only"):
        labels.codes[0] = 0


@settings(deadline=None, max_examples=50)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0, 1, None]),
            st.dates(dt.date(2022, 1, 1), dt.date(2024, 6, 30)),
            st.dates(dt.date(2022, 1, 1), dt.date(2025, 6, 30)),
        ),
        min_size=1,
    ),
    days_later=st.integers(0, 400),
)
def test_looking_later_never_takes_a_judgement_back(
    rows: list[tuple[int | None, dt.date, dt.date]], days_later: int
) -> None:
    default, booked, went_bad = zip(*rows, strict=True)
    table = pa.table({"default": pa.array(default, pa.int64()), "booked": booked, "went_bad": went_bad})
    outcome = Outcome(target="default", bad=(1,), good=(0,), **DATED)
    later = Outcome(
        target="default", bad=(1,), good=(0,), **{**DATED, "as_of": DATED["as_of"] + dt.timedelta(days=days_later)}
    )
    before, after = label_outcomes(table, outcome), label_outcomes(table, later)
    assert sum(before.counts.values()) == len(rows)
    np.testing.assert_array_equal(after.bad[before.usable], before.bad[before.usable])
    assert after.counts["immature"] <= before.counts["immature"]
    assert set(before.names) <= set(OUTCOMES)


def test_real_files_are_labelled_as_their_descriptions_say(shared_data: Path) -> None:
    """Positive rates as printed with the data sets."""
    pakdd = pq.read_table(shared_data / "pakdd2009.parquet")
    labels = label_outcomes(pakdd, settled(pakdd, target="TARGET_LABEL_BAD=1"))
    assert labels.counts["bad"] / labels.usable.sum() == pytest.approx(0.1980, abs=5e-4)
    assert labels.counts["indeterminate"] == 12
    taiwan = pq.read_table(shared_data / "taiwan_default.parquet")
    assert label_outcomes(taiwan, settled(taiwan)).counts["bad"] == 6636
    club = pq.read_table(shared_data / "lc_dec2015_5k.parquet")
    outcome = settled(club, target="loan_status", bad=("Charged Off",), good=("Fully Paid",))
    assert label_outcomes(club, outcome).counts["indeterminate"] == 547
    sba = pq.read_table(shared_data / "sba_30k_balanced.parquet")
    outcome = settled(sba, booked_date="disbursement_date", outcome_date="chg_off_date", horizon_months=36)
    counts = label_outcomes(sba, outcome).counts
    assert counts["bad"] < 15_000 < counts["good"]


def test_a_booked_application_without_an_outcome_is_immature_while_its_window_is_open() -> None:
    """R14: what is too young to be judged is censored, also where the source leaves its outcome empty."""
    outcome = Outcome(
        target="default", bad=(1,), good=(0,), answer="answer", declined=("no",), booked_date="booked",
        horizon_months=12, as_of=dt.date(2025, 1, 1),
    )  # fmt: skip
    table = pa.table(
        {
            "default": [1, 0, None, None, None, None],
            "answer": ["yes", "yes", "yes", "yes", "yes", "no"],
            "booked": ["2023-01-01", "2023-01-01", "2024-06-01", "2023-01-01", None, None],
        }
    )
    labels = label_outcomes(table, outcome)
    assert labels.names.tolist() == ["bad", "good", "immature", "indeterminate", "indeterminate", "declined"]
    assert "2 rows without an outcome: indeterminate" in labels.notes
