"""What measures give back reads well in a terminal, and keeps to its shape."""

from __future__ import annotations

import functools
import inspect
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import roadworthy.measures as measures
from roadworthy.measures.results import Table, money_text, percent_text


def test_shares_and_money_are_written_for_people() -> None:
    assert percent_text(0.0835) == "8.3%"
    assert percent_text(1.0) == "100.0%"
    assert percent_text(float("nan")) == "unknown"
    assert money_text(1234567.8, "EUR") == "EUR 1,234,568"
    assert money_text(-250.0, "USD") == "-USD 250"
    assert money_text(12.345, "EUR") == "EUR 12.35"
    assert money_text(0.0, "EUR") == "EUR 0"


def test_a_long_table_is_cut_and_says_how_much_is_missing() -> None:
    generator = np.random.default_rng(0)
    pd = generator.random(500)
    table = measures.gains_table(generator.random(500) < pd, pd, buckets=100)
    lines = repr(table).splitlines()
    assert len(lines) == 2 + 40 + 1
    assert lines[-1] == "... and 60 more rows"


def test_columns_line_up_and_unknown_shares_are_dashes() -> None:
    table = measures.cut_off_table([1, 0, 0], [0.9, 0.2, 0.1], cut_offs=[0.0, 0.5, 1.0])
    _, *lines = repr(table).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split()[4] == "-"


def test_the_caption_travels_with_the_arrow_table() -> None:
    table = measures.calibration([1, 0], [0.9, 0.2], population="booked in 2023")
    assert table.to_arrow().schema.metadata[b"caption"].decode().endswith("booked in 2023")


def test_every_public_name_says_what_it_is() -> None:
    for name in measures.__all__:
        assert inspect.getdoc(getattr(measures, name)), name


def _peak(measure: Callable[..., Any], *inputs: NDArray[Any]) -> float:
    """The largest memory in use during the second call, in sizes of the input; the first one compiles."""
    measure(*(array[:100] for array in inputs))
    tracemalloc.start()
    measure(*inputs)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / float(sum(array.nbytes for array in inputs))


def test_memory_stays_well_under_three_times_the_input() -> None:
    rows = 1_000_000
    generator = np.random.default_rng(1)
    pd = generator.random(rows)
    bad = (generator.random(rows) < pd).astype(np.int64)
    weights = generator.random(rows)
    amount = generator.random(rows) * 1000
    economics = measures.Economics(revenue="amount * 0.2", funding="amount / 50", ead="amount", lgd=0.5)
    # One of each way through the data: the ranking, the buckets, row by row, the bands.
    for measure in (measures.emp, measures.calibration, measures.log_loss, measures.cut_off_table):
        assert _peak(lambda b, p, w, take=measure: take(b, p, weights=w), bad, pd, weights) < 1.75, measure
    priced: list[Callable[..., Any]] = [measures.cut_off_table, measures.best_cut_off]
    for measure in priced:
        assert _peak(lambda b, p, v, take=measure: take(b, p, value=v), bad, pd, amount) < 2.5, measure
        by_terms = functools.partial(measure, economics=economics)
        assert _peak(lambda b, p, a, take=by_terms: take(b, p, columns={"amount": a}), bad, pd, amount) < 2.75, measure
    assert _peak(measures.psi, pd, amount) < 2.5


TABLES = [each for name in measures.__all__ if isinstance(each := getattr(measures, name), type)]


@pytest.mark.parametrize("table", [each for each in TABLES if issubclass(each, Table) and each is not Table])
def test_every_table_has_a_population(table: Any) -> None:
    """That its caption says it is shown in test_edges.py."""
    assert "population" in {each.name for each in fields(table)}
