"""What rules mean: three-valued, equal to a plain reading row by row, the same in a batch as alone (R2, R27, R29)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Batch, Column, Contract
from roadworthy.errors import PolicyError, UsageError
from roadworthy.policy import Band, CompiledPolicy, Expression, Policy, Rule, parse_expression, print_expression
from roadworthy.policy.expression import (
    Among,
    Arithmetic,
    Compare,
    Comparison,
    Flag,
    Function,
    Joined,
    Missing,
    Name,
    Negative,
    Not,
    Number,
    Operator,
    Text,
    iter_names,
)

Rows = list[dict[str, Any]]
YES, UNKNOWN, NO = 1.0, 0.5, 0.0
DATE_COLUMNS: set[Expression] = {Name("opened"), Name("closed")}
ADULT = {"age": 30, "income": 1000, "amount": 500, "region": "N", "employed": True, "opened": "2020-05-01", "note": "x"}


@pytest.fixture(scope="session")
def truth_of(
    contract: Contract,
    merchants: Contract,
    batch_of: Callable[..., Batch],
    policy_of: Callable[..., Policy],
) -> Callable[..., list[str]]:
    """What a condition is on each row: yes, no or unknown."""

    def find(when: str, *rows: Mapping[str, Any]) -> list[str]:
        rule = f"when: {json.dumps(when)}, then: decline"
        compiled = policy_of(rule).compile(contract, [merchants])
        fired = compiled.fire(batch_of(*rows), {"merchants": batch_of(*rows, contract=merchants)})
        words = np.where(fired.unknown[:, 0], "unknown", np.where(fired.rules[:, 0], "yes", "no"))
        return [str(word) for word in words]

    return find


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("age < 18", ["no", "yes"]),
        ("18 <= age < 65", ["yes", "no"]),
        ("amount > 5 * income", ["no", "unknown"]),
        ("missing(income)", ["no", "yes"]),
        ("not missing(income) and amount > 5 * income", ["no", "no"]),
        ("missing(income) or amount > 5 * income", ["no", "yes"]),
        ("income > 5 or age < 18", ["yes", "yes"]),
        ("income > 5 and age > 18", ["yes", "no"]),
        ("income > 5 and age < 18", ["no", "unknown"]),
        ("not income > 5", ["no", "unknown"]),
        ("income != 1000", ["no", "unknown"]),
        ("income == income", ["yes", "unknown"]),
        ("income in (1000, 2000)", ["yes", "unknown"]),
        ("income not in (1000, 2000)", ["no", "unknown"]),
        ('region == "N"', ["yes", "no"]),
        ('"N" != region', ["no", "yes"]),
        ('region in ("N", "S")', ["yes", "no"]),
        ('region not in ("N", "S")', ["no", "yes"]),
        ("missing(region)", ["no", "no"]),
        ("employed", ["yes", "no"]),
        ("not employed", ["no", "yes"]),
        ("employed == true", ["yes", "no"]),
        ("employed in (false,)", ["no", "yes"]),
        ("employed != false", ["yes", "no"]),
        ('opened < "2021-01-01"', ["yes", "no"]),
        ('opened in ("2020-05-01", "2020-05-02")', ["yes", "no"]),
        ('"2020-05-01T02:00:00+02:00" == opened', ["yes", "no"]),
        ("closed < opened", ["unknown", "unknown"]),
        ('note == "x"', ["yes", "unknown"]),
        ('note not in ("x", "y")', ["no", "unknown"]),
        ("amount / (age - 17) > 1", ["yes", "unknown"]),
        ("0 / (age - 17) == 0", ["yes", "unknown"]),
        ("amount * 1e300 * 1e300 > 0", ["unknown", "no"]),
        ("max(age, amount) > 400", ["yes", "no"]),
        ("min(age, income) > 400", ["no", "unknown"]),
        ("abs(age - 30) < 1", ["yes", "no"]),
        ("age < 18 or true", ["yes", "yes"]),
        ("merchants.limit < amount", ["no", "unknown"]),
        ('merchants.kind == "web"', ["yes", "unknown"]),
        ('col("annual cost") > 0', ["unknown", "yes"]),
    ],
)
def test_a_condition_is_yes_no_or_unknown(when: str, expected: list[str], truth_of: Callable[..., list[str]]) -> None:
    adult = {**ADULT, "limit": 600, "kind": "web"}
    minor = {
        "age": 17,
        "amount": 0,
        "region": "unheard of",
        "employed": False,
        "opened": "2022-01-01",
        "annual cost": 1,
    }
    assert truth_of(when, adult, minor) == expected


def test_an_unseen_category_is_a_known_value_that_equals_none_of_the_allowed(
    truth_of: Callable[..., list[str]],
) -> None:
    rows = ({"region": "N"}, {"region": "unheard of"}, {"region": None})
    assert truth_of('region == "N"', *rows) == ["yes", "no", "unknown"]
    assert truth_of('region != "N"', *rows) == ["no", "yes", "unknown"]
    assert truth_of('region not in ("N", "S", "E")', *rows) == ["no", "yes", "unknown"]
    assert truth_of("missing(region)", *rows) == ["no", "no", "yes"]


@pytest.mark.parametrize(
    ("when", "message", "mend"),
    [
        ("agee < 18", "no column 'agee'", "did you mean 'age'?"),
        ("missing(incom)", "no column 'incom'", "did you mean 'income'?"),
        ("merchant.limit < 5", "no table 'merchant'", "did you mean 'merchants'?"),
        ("merchants.limits < 5", "no column 'merchants.limits'", "did you mean 'limit'?"),
        ("sex == 'm'", "role group", "legal basis"),
        ("region == 5", "`region` (category) and `5` (number) cannot be compared", "in quotes"),
        ("5 == region", "cannot be compared", "in quotes"),
        ("region in (1, 2)", "cannot be compared", "in quotes"),
        ("region == 'n'", "column 'region' has no value 'n'", "allowed"),
        ("region in ('N', 'Nord')", "column 'region' has no value 'Nord'", "allowed"),
        ("region < 'N'", "categories have no order", "in (...)"),
        ("region == sex", "role group", "legal basis"),
        ("region == merchants.kind", "cannot be compared", "each of the two"),
        ("income > 'a'", "cannot be compared", "without quotes"),
        ("income in ('a',)", "cannot be compared", "without quotes"),
        ("note == 5", "cannot be compared", "in quotes"),
        ("note < 'b'", "texts are not compared by order", "in (...)"),
        ("employed == 1", "cannot be compared", "true or false"),
        ("employed == 'yes'", "cannot be compared", "true or false"),
        ("employed < true", "no order", "=="),
        ("opened == 5", "cannot be compared", None),
        ("opened < 'yesterday'", '"yesterday" is not a date', "2026-11-01"),
        ("opened in ('2020-13-01',)", "is not a date", "2026-11-01"),
        ("opened < '0001-01-01T00:00:00+10:00'", "is not a date", "2026-11-01"),
        ("opened - closed > 5", "`opened` is a date; a number is needed here", None),
        ("age", "`age` is a number, not a condition", "age > 0"),
        ("region and age < 5", "`region` is a category, not a condition", "region == ..."),
        ("not (age + 1)", "`age + 1` is a number, not a condition", "age + 1 > 0"),
        ("(age < 18) == true", "cannot be compared", "and, or, not"),
        ("(age < 18) in (true,)", "cannot be compared", "and, or, not"),
        ("-(age < 18) < 1", "is a condition; a number is needed here", None),
        ("max(region, 1) < 1", "is a category; a number is needed here", None),
        ("'a' == 'a'", "cannot be compared", None),
        ("1 < 2", "reads no column", "bands"),
        ("true", "reads no column", "bands"),
    ],
)
def test_a_rule_that_does_not_fit_the_contract_is_refused_with_its_line_and_mend(
    when: str, message: str, mend: str | None, contract: Contract, merchants: Contract, policy_of: Callable[..., Policy]
) -> None:
    policy = policy_of("when: age < 18, then: decline", f"when: {json.dumps(when)}, then: refer")
    with pytest.raises(PolicyError) as refused:
        policy.compile(contract, [merchants])
    assert refused.value.where == "policy.yaml, line 5"
    assert message in refused.value.message
    assert refused.value.message.startswith("rule rule_1: ")
    assert (mend or "") in (refused.value.mend or "")


def test_an_unknown_column_lists_the_columns_there_are(contract: Contract, policy_of: Callable[..., Policy]) -> None:
    with pytest.raises(PolicyError) as refused:
        policy_of("when: wage > 5, then: refer").compile(contract)
    assert refused.value.available == [column.name for column in contract.columns]


def test_a_column_with_a_dot_in_its_name_is_told_from_a_table(policy_of: Callable[..., Policy]) -> None:
    dotted = Contract(name="loans", columns=(Column(name="person.age", type="number"),))
    with pytest.raises(PolicyError) as refused:
        policy_of("when: person.age < 18, then: decline").compile(dotted)
    assert refused.value.mend is not None
    assert 'col("person.age")' in refused.value.mend
    policy_of("when: col('person.age') < 18, then: decline").compile(dotted)


# A plain reading of the language, one row at a time, with truth as a number (Kleene: and = min, or = max, not = 1 - x).


def read_value(node: Expression, row: Mapping[str, Any]) -> Any:
    match node:
        case Number(value) | Text(value) | Flag(value):
            return value
        case Name(column, table):
            return row.get(column if table is None else f"{table}.{column}")
        case Negative(operand):
            value = read_value(operand, row)
            return None if value is None else -value
        case Function("abs", (argument,)):
            value = read_value(argument, row)
            return None if value is None else abs(value)
        case Function(name, arguments):
            values = [read_value(argument, row) for argument in arguments]
            return None if None in values else (min if name == "min" else max)(values)
        case Arithmetic(operator, left, right):
            one, other = read_value(left, row), read_value(right, row)
            if one is None or other is None or (operator == "/" and other == 0):
                return None
            value = {"+": lambda: one + other, "-": lambda: one - other, "*": lambda: one * other}.get(
                operator, lambda: one / other
            )()
            return value if math.isfinite(value) else None
    raise AssertionError(node)


def read_plainly(value: Any) -> Any:
    return value


def read_moment(value: Any) -> Any:
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def read_truth(node: Expression, row: Mapping[str, Any]) -> float:
    match node:
        case Joined("and", operands):
            return min(read_truth(operand, row) for operand in operands)
        case Joined(_, operands):
            return max(read_truth(operand, row) for operand in operands)
        case Not(operand):
            return 1 - read_truth(operand, row)
        case Missing(name):
            return YES if read_value(name, row) is None else NO
        case Flag(value):
            return YES if value else NO
        case Name():
            value = read_value(node, row)
            return UNKNOWN if value is None else float(value)
        case Among(operand, values, negated):
            one = read_value(operand, row)
            if one is None:
                return UNKNOWN
            read = read_moment if operand in DATE_COLUMNS else read_plainly
            return float((read(one) in [read(value.value) for value in values]) != negated)
        case Compare(first, rest):
            truth = YES
            left = first
            for sign, right in rest:
                one, other = read_value(left, row), read_value(right, row)
                read = read_moment if {left, right} & DATE_COLUMNS else read_plainly
                if one is None or other is None:
                    truth = min(truth, UNKNOWN)
                else:
                    truth = min(truth, float(compare(read(one), sign, read(other))))
                left = right
            return truth
    raise AssertionError(node)


def compare(one: Any, sign: Comparison, other: Any) -> bool:
    match sign:
        case "==":
            return bool(one == other)
        case "!=":
            return bool(one != other)
        case "<":
            return bool(one < other)
        case "<=":
            return bool(one <= other)
        case ">":
            return bool(one > other)
        case ">=":
            return bool(one >= other)


FIGURES = st.sampled_from([0.0, 1.0, 2.0, 5.0, 18.0, 0.5, 1e308])
NUMBERS: st.SearchStrategy[Expression] = st.recursive(
    FIGURES.map(Number)
    | st.sampled_from([Name("age"), Name("income"), Name("amount"), Name("annual cost"), Name("limit", "merchants")]),
    lambda inner: st.one_of(
        inner.map(Negative),
        st.builds(Arithmetic, st.sampled_from(list[Operator](["+", "-", "*", "/"])), inner, inner),
        inner.map(lambda argument: Function("abs", (argument,))),
        st.builds(Function, st.sampled_from(["min", "max"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)
SIGNS: st.SearchStrategy[Comparison] = st.sampled_from(list[Comparison](["==", "!=", "<", "<=", ">", ">="]))
EQUALITIES: st.SearchStrategy[Comparison] = st.sampled_from(list[Comparison](["==", "!="]))
MOMENTS = st.sampled_from(["2020-05-01", "2020-05-01T12:00:00Z", "2021-01-01T01:00:00+02:00"])
DATES: st.SearchStrategy[Expression] = st.sampled_from(sorted(DATE_COLUMNS, key=str))


def pair(left: Expression, sign: Comparison, right: Expression) -> Expression:
    return Compare(left, ((sign, right),))


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


REGIONS = st.sampled_from(["N", "S", "E"]).map(Text)
ATOMS: st.SearchStrategy[Expression] = st.one_of(
    st.builds(Compare, NUMBERS, st.lists(st.tuples(SIGNS, NUMBERS), min_size=1, max_size=3).map(tuple)),
    st.builds(Among, NUMBERS, listed(FIGURES.map(Number) | st.just(Number(-5.0))), st.booleans()),
    st.builds(pair, st.just(Name("region")), EQUALITIES, REGIONS),
    st.builds(Among, st.just(Name("region")), listed(REGIONS), st.booleans()),
    st.builds(pair, st.just(Name("note")), EQUALITIES, st.sampled_from(["x", 'y "']).map(Text)),
    st.builds(Among, st.just(Name("note")), listed(st.just(Text("x"))), st.booleans()),
    st.builds(pair, DATES, SIGNS, MOMENTS.map(Text) | DATES),
    st.builds(Among, DATES, listed(MOMENTS.map(Text)), st.booleans()),
    st.builds(pair, st.just(Name("employed")), EQUALITIES, st.booleans().map(Flag)),
    st.builds(Among, st.just(Name("employed")), listed(st.booleans().map(Flag)), st.booleans()),
    st.sampled_from([Name("employed"), Flag(True), Flag(False)]),
    st.sampled_from([Name("income"), Name("region"), Name("note"), Name("opened"), Name("kind", "merchants")]).map(
        Missing
    ),
)
CONDITIONS: st.SearchStrategy[Expression] = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(Not),
        st.builds(Joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
).filter(lambda node: any(True for _ in iter_names(node)))  # a rule must read a column
VALUES = st.none() | st.sampled_from([0.0, -0.0, 1.0, 17.0, 18.0, -5.0, 2.5, 1e308])
ROWS: st.SearchStrategy[Rows] = st.lists(
    st.fixed_dictionaries(
        {
            "age": VALUES,
            "income": VALUES,
            "amount": VALUES,
            "annual cost": VALUES,
            "region": st.sampled_from(["N", "S", "E", "unheard of", None]),
            "employed": st.sampled_from([True, False, None]),
            "opened": st.sampled_from(["2020-05-01", "2020-12-31T23:00:00", "2022-01-01", None]),
            "closed": st.sampled_from(["2020-05-01", "2020-05-01T12:00:00", None]),
            "note": st.sampled_from(["x", 'y "', "", None]),
            "merchants.limit": VALUES,
            "merchants.kind": st.sampled_from(["shop", "cellar", None]),
        }
    ),
    min_size=1,
    max_size=5,
)


def policy_with(when: str) -> Policy:
    """Made without YAML, which is slow to read."""
    return Policy(
        name="loans",
        bands=(Band(answer="approve"),),
        rules=(Rule(code="rule", when=when, then="decline", reason="a reason"),),
    )


def join_merchants(rows: Rows) -> Rows:
    return [{"limit": row["merchants.limit"], "kind": row["merchants.kind"]} for row in rows]


@settings(max_examples=100, deadline=None)
@given(node=CONDITIONS, rows=ROWS)
def test_a_rule_prints_reads_and_decides_like_a_plain_reading_of_each_row(
    node: Expression,
    rows: Rows,
    contract: Contract,
    merchants: Contract,
    batch_of: Callable[..., Batch],
) -> None:
    text = print_expression(node)
    assert parse_expression(text) == node
    compiled = policy_with(text).compile(contract, [merchants])
    fired = compiled.fire(batch_of(*rows), {"merchants": batch_of(*join_merchants(rows), contract=merchants)})
    found = np.where(fired.unknown[:, 0], UNKNOWN, fired.rules[:, 0].astype(float))
    assert found.tolist() == [read_truth(node, row) for row in rows]


@pytest.fixture(scope="session")
def many_rules(contract: Contract, merchants: Contract, policy_of: Callable[..., Policy]) -> CompiledPolicy:
    policy = policy_of(
        "when: age < 18, then: decline",
        "when: amount > 5 * income, then: refer, if_missing: decline",
        'when: \'region not in ("N", "S")\', then: refer, if_missing: pass',
        "when: merchants.limit < amount, then: decline",
        'when: note == "x" and not employed, then: refer',
        bands="[{up_to: 0.05, answer: approve}, {up_to: 0.2, answer: refer}, {answer: decline}]",
    )
    return policy.compile(contract, [merchants])


@settings(max_examples=50, deadline=None)
@given(rows=ROWS, pds=st.lists(st.sampled_from([0.0, 0.049, 0.05, 0.2, 1.0, math.nan]), min_size=5, max_size=5))
def test_a_batch_is_decided_like_each_row_alone(
    rows: Rows, pds: list[float], many_rules: CompiledPolicy, merchants: Contract, batch_of: Callable[..., Batch]
) -> None:
    """R29."""
    batch, joined = batch_of(*rows), batch_of(*join_merchants(rows), contract=merchants)
    pd = np.array(pds[: len(rows)])
    together = many_rules.answer(batch, pd, tables={"merchants": joined})
    for row in range(len(rows)):
        one = slice(row, row + 1)
        alone = many_rules.answer(batch.take(one), pd[one], tables={"merchants": joined.take(one)})
        assert alone.answer.tolist() == together.answer[one].tolist()
        assert alone.fired.tolist() == together.fired[one].tolist()
        assert alone.unknown.tolist() == together.unknown[one].tolist()


@settings(max_examples=50, deadline=None)
@given(node=CONDITIONS, rows=ROWS)
def test_a_rule_hangs_on_its_own_columns_alone_and_mending_them_stops_it(
    node: Expression,
    rows: Rows,
    contract: Contract,
    merchants: Contract,
    batch_of: Callable[..., Batch],
) -> None:
    """R27 for knock-outs: take only the rule's columns from an applicant it spares, and it no longer fires."""
    compiled = policy_with(print_expression(node)).compile(contract, [merchants])

    def fires(these: Rows) -> list[bool]:
        joined = batch_of(*join_merchants(these), contract=merchants)
        return [bool(fired) for fired in compiled.fire(batch_of(*these), {"merchants": joined}).rules[:, 0]]

    named = compiled.columns_of("rule")
    before = fires(rows)
    for spared, fired in zip(rows, before, strict=True):
        mended = [row | {column: spared[column] for column in named} for row in rows]
        assert fires(mended) == [fired] * len(rows)


def test_the_columns_of_a_rule_are_listed_once_in_the_order_written(many_rules: CompiledPolicy) -> None:
    assert many_rules.columns_of("rule_1") == ("amount", "income")
    assert many_rules.columns_of("rule_3") == ("merchants.limit", "amount")
    with pytest.raises(UsageError, match="no rule 'rule_9'"):
        many_rules.columns_of("rule_9")


def test_a_batch_of_another_contract_or_a_table_that_is_not_there_is_refused(
    many_rules: CompiledPolicy, merchants: Contract, batch_of: Callable[..., Batch]
) -> None:
    batch = batch_of(ADULT)
    with pytest.raises(UsageError, match="compiled for the contract 'loans'"):
        many_rules.fire(batch_of({}, contract=merchants))
    with pytest.raises(UsageError, match="reads the table 'merchants'"):
        many_rules.fire(batch)
    with pytest.raises(UsageError, match="one row of its own contract"):
        many_rules.fire(batch, {"merchants": batch_of({}, {}, contract=merchants)})
    with pytest.raises(UsageError, match="one row of its own contract"):
        many_rules.fire(batch, {"merchants": batch})


def test_nothing_is_decided_about_nobody(
    many_rules: CompiledPolicy, merchants: Contract, batch_of: Callable[..., Batch]
) -> None:
    nobody = many_rules.answer(batch_of(), np.empty(0), tables={"merchants": batch_of(contract=merchants)})
    assert nobody.answer.shape == (0,)
    assert nobody.fired.shape == (0, 5)
