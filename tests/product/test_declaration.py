"""A product states its purpose before it runs (R1): product.yaml is read strictly and written to be filled in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import ProductError
from roadworthy.product import (
    Data,
    Load,
    Outcome,
    Product,
    Purpose,
    missing_purpose,
    product_yaml,
    read_answers,
    read_product,
)
from roadworthy.product.declaration import value_word
from roadworthy.yaml_file import parse_document

STATED = Purpose(
    decision="whether to grant the loan",
    owner="Ana Ruiz, risk",
    used_by="loan officers",
    where="the branch desk",
    bad_outcome="90 or more days past due",
    horizon_months=12,
    success="losses below 2 million euros a year",
)
PRODUCT = Product(
    name="loans",
    purpose=STATED,
    outcome=Outcome(
        target="default",
        bad=("1",),
        good=("0",),
        booked_date="booked",
        outcome_date="went bad",
        horizon_months=12,
        as_of=dt.date(2024, 6, 30),
        bad_days_past_due=60,
    ),
    data=Data(id="id", weight="w", drop=("a", "b", "c", "d", "net income")),
    package="package.rw",
    load=Load(users=20, decisions_per_day=1500),
)


def write(path: Path, text: str) -> Path:
    file = path / "product.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_purpose_that_nobody_stated_is_named_field_by_field() -> None:
    empty = Product(name="loans", outcome=Outcome(target="default"))
    assert missing_purpose(empty) == [
        "purpose.decision",
        "purpose.owner",
        "purpose.used_by",
        "purpose.where",
        "purpose.bad_outcome",
        "purpose.horizon_months",
        "purpose.success",
    ]
    assert missing_purpose(PRODUCT) == []


@pytest.mark.parametrize("nothing", ["", "  ", "?", "...", "TODO", " tbd "])
def test_a_placeholder_states_nothing(nothing: str) -> None:
    product = msgspec.structs.replace(PRODUCT, purpose=msgspec.structs.replace(STATED, owner=nothing))
    assert missing_purpose(product) == ["purpose.owner"]


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    for product in (PRODUCT, Product(name="loans", outcome=Outcome(target="default", bad=(1,), good=(0,)))):
        assert read_product(write(tmp_path, product_yaml(product))) == product


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: value_word(text) == text)


@settings(deadline=None, max_examples=50)
@given(name=WORDS, columns=st.lists(WORDS, unique=True, min_size=1, max_size=8), bad=WORDS)
def test_any_text_survives_the_file(name: str, columns: list[str], bad: str) -> None:
    product = Product(
        name=name,
        purpose=Purpose(decision=name),
        outcome=Outcome(target=columns[0], bad=(bad,)),
        data=Data(drop=tuple(columns[1:])),
    )
    assert parse_document(product_yaml(product), "product.yaml", ProductError).convert(Product) == product


def test_the_file_is_easy_to_fill_in() -> None:
    text = product_yaml(Product(name="loans", outcome=Outcome(target="default", bad=(1,), good=(0,))))
    assert "  owner:                            # who answers for it" in text
    assert '  bad: ["1"]\n' in text
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("owner:", "ownr:", "ownr:", "unknown field `ownr`"),
        ("  horizon_months: 12  ", "  horizon_months: 0  ", "horizon_months: 0", ">= 1"),
        ("  horizon_months: 12  ", "  horizon_months: soon  ", "horizon_months: soon", "got `str`"),
        ("currency: EUR", "currency: euro", "currency: euro", "matching regex"),
        ("time_zone: UTC", "time_zone: Mars/Base", "time_zone: Mars", "no time zone 'Mars/Base'"),
        ('good: ["0"]', "good: [1]", "good: [1]", "called both bad and good"),
        ("declined: []", "declined: [no]", "declined: [no]", "without the answer column"),
        ("booked_date: booked", "booked_date:", "outcome_date:", "without the booked_date"),
        ("as_of: 2024-06-30", "as_of:", "booked_date:", "needs horizon_months and as_of"),
        ("id: id", "id: default", "id: default", "is the outcome"),
        ("- a\n", "- default\n", "drop:", "cannot be dropped"),
        ("psi_alert: 0.25", "psi_alert: 0.05", "psi_alert: 0.05", "below psi_warning"),
    ],
)
def test_every_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: str, says: str) -> None:
    text = product_yaml(PRODUCT)
    assert old in text
    text = text.replace(old, new, 1)
    with pytest.raises(ProductError) as caught:
        read_product(write(tmp_path, text))
    assert says in str(caught.value)
    number = next(i for i, content in enumerate(text.splitlines(), start=1) if line in content)
    if "unknown field" not in says:
        assert str(caught.value).startswith(f"product.yaml, line {number}: ")


def test_two_horizons_are_a_fault(tmp_path: Path) -> None:
    other = msgspec.structs.replace(PRODUCT, purpose=msgspec.structs.replace(STATED, horizon_months=24))
    with pytest.raises(ProductError, match="judged after 12 months and the purpose says 24"):
        read_product(write(tmp_path, product_yaml(other)))


def test_numbers_and_words_of_an_outcome_may_be_written_as_they_are(tmp_path: Path) -> None:
    text = "name: x\noutcome:\n  target: y\n  bad: [1, 2.0, late, true]\n  good: [0, N]\n"
    outcome = read_product(write(tmp_path, text)).outcome
    assert outcome.bad == ("1", "2", "late", "true")
    assert outcome.good == ("0", "N")


def test_answers_fill_in_what_no_data_can_tell(tmp_path: Path) -> None:
    bare = Product(name="loans", outcome=Outcome(target="default"))
    nested = "purpose:\n  owner: Ana\n  horizon_months: 12\ncurrency: USD\nload:\n  users: 5\n"
    flat = "owner: Ana\nhorizon_months: 12\ncurrency: USD\nload:\n  users: 5\n"
    for text in (nested, flat):
        product = read_answers(write(tmp_path, text)).applied_to(bare)
        assert product.purpose == Purpose(owner="Ana", horizon_months=12)
        assert (product.currency, product.time_zone, product.load.users) == ("USD", "UTC", 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("purpose:\n  ownr: Ana\n", "unknown field"),
        ("ownr: Ana\n", "unknown field"),
        ("owner: Ana\ntime_zone: Mars\n", "line 2: there is no time zone"),
        ("- a list\n", "line 1"),
        ("", "is empty"),
    ],
)
def test_answers_that_fit_nowhere_are_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProductError, match=says):
        read_answers(write(tmp_path, text))
