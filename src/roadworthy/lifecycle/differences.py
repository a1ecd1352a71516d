"""What one release does otherwise than another, in words: for whoever approves or promotes it (R10).

Every part that decides, states, prices or explains is compared. What is told under no other heading stands under
`product`, so that nothing changes unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from roadworthy.contract import Column, Contract
from roadworthy.lifecycle.policy_words import (
    RULE_DOES,
    describe_rule,
    describe_terms,
    rate_words,
)
from roadworthy.live import Loaded
from roadworthy.model import Package
from roadworthy.policy import Policy, Rule, find_band_starts
from roadworthy.product import Product

__all__ = ["Difference", "list_differences"]

_NOWHERE = "nothing"


class Difference(Struct, frozen=True):
    """One thing that is not as it was. `about`: model, bands, rules, reasons, score, economics, tables, purpose, ..."""

    about: str
    words: str


def list_differences(before: Loaded, after: Loaded) -> tuple[Difference, ...]:
    """Everything in which `after` is not `before`; none where both are of the same parts."""
    then, now = before.release, after.release
    found = {
        "model": _compare_models(then.package, now.package),
        "inputs": _compare_contracts(then.package.contract, now.package.contract),
        "bands": _compare_bands(then.policy, now.policy),
        "rules": _compare_rules(then.policy, now.policy),
        "reasons": _compare_reasons(then.policy, now.policy),
        "score": _compare_fields(then.policy.score, now.policy.score),
        "words": _compare_words(then.policy, now.policy),
        "economics": _compare_economics(then.policy, now.policy),
        "cases": _compare_cases(then.policy, now.policy),
        "tables": _compare_tables(then.tables, now.tables),
        "purpose": _compare_fields(before.product.purpose, after.product.purpose),
        "product": _compare_products(before.product, after.product),
    }
    return tuple(Difference(about, words) for about, lines in found.items() for words in lines)


def _compare_models(then: Package, now: Package) -> Iterator[str]:
    if then.digest == now.digest:
        return
    kinds = [package.manifest.engine.model.rpartition(" -> ")[2] for package in (then, now)]
    names = then.name, now.name
    if kinds[0] != kinds[1]:
        said = f"{names[1]} ({kinds[1]}) instead of {names[0]} ({kinds[0]})"
    elif names[0] != names[1]:
        said = f"{names[1]} instead of {names[0]}, both {kinds[1]}"
    else:
        said = f"another {names[1]} ({kinds[1]})"
    yield said + _measured(then, now)
    read, reads = set(then.engine.inputs), set(now.engine.inputs)
    if reads - read:
        yield f"reads {', '.join(sorted(reads - read))}, which the other did not"
    if read - reads:
        yield f"no longer reads {', '.join(sorted(read - reads))}"


def _measured(then: Package, now: Package) -> str:
    figures = [package.evaluation.get("auc") for package in (now, then)]
    if figures[0] is None:
        return "; it was not judged on held-out applications"
    was = "" if figures[1] is None else f", was {figures[1]:.3f}"
    return f" (held-out AUC {figures[0]:.3f}{was})"


def _compare_contracts(then: Contract, now: Contract) -> Iterator[str]:
    old, new = ({column.name: column for column in contract.columns} for contract in (then, now))
    for name in (name for name in new if name not in old):
        yield f"new column {name}, {new[name].type}{'' if new[name].missing else ', which every application must have'}"
    for name in (name for name in old if name not in new):
        yield f"no column {name} any more"
    for name in (name for name in old if name in new):
        yield from _compare_columns(old[name], new[name])


def _compare_columns(then: Column, now: Column) -> Iterator[str]:
    both = then.allowed is not None and now.allowed is not None
    vocabulary = _compare_values(then.allowed or (), now.allowed or ()) if both else ()
    rest = msgspec.structs.replace(then, allowed=now.allowed) if both else then
    ranges = _compare_mappings({"range": _say_range(then)}, {"range": _say_range(now)})
    fields = _compare_fields(*(msgspec.structs.replace(each, range=None) for each in (rest, now)))
    for line in chain(vocabulary, ranges, fields):
        yield f"column {now.name}, {line}"


def _say_range(column: Column) -> str:
    """What a number may be.

    >>> [_say_range(Column(name="age", type="number", range=each)) for each in [(18, 99), (None, 99), (18, None), None]]
    ['18 to 99', 'up to 99', 'from 18', 'nothing']
    """
    if column.range is None:
        return _NOWHERE
    low, high = column.range
    if low is None or high is None:
        return _NOWHERE if low is high else f"up to {_say(high)}" if low is None else f"from {_say(low)}"
    return f"{_say(low)} to {_say(high)}"


def _compare_values(then: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    """What a vocabulary gained and lost: of a long one nobody finds the one new word."""
    gained, lost = [value for value in now if value not in then], [value for value in then if value not in now]
    if gained:
        yield f"also allowed: {', '.join(gained)}"
    if lost:
        yield f"no longer allowed: {', '.join(lost)}"
    if not gained and not lost and then != now:
        yield "allowed: the same values in another order"


def _compare_bands(then: Policy, now: Policy) -> Iterator[str]:
    said = False
    before, after = find_band_starts(then), find_band_starts(now)
    was, declines = before.decline, after.decline
    if was != declines:
        said = True
        if declines is None:
            yield f"declines nobody by PD; it did from a PD of {rate_words(was or 0.0)}"
        elif was is None:
            yield f"declines from a PD of {rate_words(declines)}; it declined nobody by PD"
        else:
            yield f"declines from a PD of {rate_words(declines)} instead of {rate_words(was)}"
    approved, approves = before.not_approved, after.not_approved
    if approved != approves:
        said = True
        yield f"approves {_below(approves)} instead of {_below(approved)}"
    if then.bands != now.bands and not said:
        yield "the bands are written otherwise; every PD gets the answer it got"


def _below(rate: float) -> str:
    return {0.0: "nobody", 1.0: "every PD"}.get(rate, f"a PD below {rate_words(rate)}")


def _compare_rules(then: Policy, now: Policy) -> Iterator[str]:
    old, new = ({rule.code: rule for rule in policy.rules} for policy in (then, now))
    for code, rule in new.items():
        if code not in old:
            yield f"new rule {code}: {describe_rule(rule)}; applicants read “{rule.reason}”"
        else:
            yield from _compare_rule(old[code], rule)
    for code, rule in old.items():
        if code not in new:
            yield f"rule {code} is gone: it {describe_rule(rule)}"
    if old == new and list(old) != list(new):
        yield f"the rules stand in another order: {', '.join(new)}"


def _compare_rule(then: Rule, now: Rule) -> Iterator[str]:
    if then.then != now.then:
        yield f"rule {now.code} {RULE_DOES[now.then]} instead of {RULE_DOES[then.then]}"
    if then.when != now.when:
        yield f"rule {now.code} {RULE_DOES[now.then]} where {now.when} instead of where {then.when}"
    if then.if_missing != now.if_missing:
        does, did = RULE_DOES[now.if_missing], RULE_DOES[then.if_missing]
        yield f"rule {now.code} {does} where an input is missing; before, it {did}"
    if then.reason != now.reason:
        yield f"rule {now.code}: applicants read “{now.reason}” instead of “{then.reason}”"


def _compare_reasons(then: Policy, now: Policy) -> Iterator[str]:
    if then.reasons.max != now.reasons.max:
        yield f"states at most {now.reasons.max} reasons instead of {then.reasons.max}"
    yield from _compare_mappings(_texts(then), _texts(now))


def _texts(policy: Policy) -> dict[str, str]:
    """Every text of a reason, by its column and the direction it is for."""
    told = {}
    for column, text in policy.reasons.texts.items():
        if isinstance(text, str):
            told[column] = f"“{text}”"
        else:
            stated = msgspec.structs.asdict(text)
            told.update({f"{column}, {way}": f"“{said}”" for way, said in stated.items() if said is not None})
    return told


def _compare_words(then: Policy, now: Policy) -> Iterator[str]:
    for line in _compare_fields(then.answer_words, now.answer_words):
        yield f"people read for {line}"
    if then.name != now.name:
        yield f"the policy is called {now.name} instead of {then.name}"


def _compare_economics(then: Policy, now: Policy) -> Iterator[str]:
    old, new = then.economics, now.economics
    if new is None:
        if old is not None:
            yield "none are stated any more, so no money is shown"
        return
    if old is None:
        yield f"stated for the first time, in {new.currency} over {new.horizon_months} months"
        yield from _compare_mappings({}, describe_terms(new))
        return
    if old.currency != new.currency:
        yield f"currency: {new.currency} instead of {old.currency}"
    if old.horizon_months != new.horizon_months:
        yield f"over {new.horizon_months} months instead of {old.horizon_months}"
    yield from _compare_mappings(describe_terms(old), describe_terms(new))


def _compare_cases(then: Policy, now: Policy) -> Iterator[str]:
    old, new = ({case.name: case for case in policy.cases} for policy in (then, now))
    counts = {
        "new": len(new.keys() - old.keys()),
        "gone": len(old.keys() - new.keys()),
        "changed": sum(1 for name in old if name in new and old[name] != new[name]),
    }
    if any(counts.values()):
        yield f"of the policy's own cases {', '.join(f'{count} {what}' for what, count in counts.items() if count)}"


def _compare_tables(then: tuple[Contract, ...], now: tuple[Contract, ...]) -> Iterator[str]:
    old, new = ({table.name: table for table in tables} for tables in (then, now))
    for name in sorted(new.keys() - old.keys()):
        yield f"reads the table {name}, which the other did not"
    for name in sorted(old.keys() - new.keys()):
        yield f"no longer reads the table {name}"
    for name in sorted(old.keys() & new.keys()):
        for line in _compare_contracts(old[name], new[name]):
            yield f"{name}: {line}"


def _compare_products(then: Product, now: Product) -> Iterator[str]:
    old, new = (msgspec.to_builtins(product) for product in (then, now))
    plain = [{name: value for name, value in fields.items() if not isinstance(value, dict)} for fields in (old, new)]
    yield from _compare_mappings(*({name: _say(value) for name, value in fields.items()} for fields in plain))
    for section in (name for name, value in new.items() if isinstance(value, dict) and name != "purpose"):
        for line in _compare_mappings(
            *({key: _say(value) for key, value in each[section].items()} for each in (old, new))
        ):
            yield f"{section}, {line}"


def _compare_fields(then: Struct, now: Struct) -> Iterator[str]:
    yield from _compare_mappings(
        *({name: _say(value) for name, value in msgspec.structs.asdict(each).items()} for each in (then, now))
    )


def _compare_mappings(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What each name says, where that is not what it said."""
    for name in dict.fromkeys(chain(then, now)):
        was, says = then.get(name, _NOWHERE), now.get(name, _NOWHERE)
        if was != says:
            yield f"{name.replace('_', ' ')}: {says} instead of {was}"


def _say(value: Any) -> str:
    """A plain value as people read it."""
    match value:
        case None | "" | []:
            return _NOWHERE
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case [*values]:
            return ", ".join(_say(one) for one in values)
    return str(value)
