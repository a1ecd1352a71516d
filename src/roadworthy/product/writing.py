"""product.yaml, read with the line of every fault and written with the comments that a person needs to fill it in."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.errors import ProductError
from roadworthy.product.declaration import Load, Product, Purpose
from roadworthy.yaml_file import Document, parse_document, read_document

__all__ = ["Answers", "parse_product", "product_yaml", "read_answers", "read_product", "yaml_list", "yaml_value"]

_PLAIN = re.compile(r"[A-Za-z_][\w/()%&+.-]*(?: [\w/()%&+.-]+)*", re.ASCII)
_UNSAFE = re.compile(r"[\"\\\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"))


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person states about a product, for unattended use: the parts of product.yaml that no data can tell.

    `as_of` is the outcome's: the day on which outcomes were known, where the last date in the data is not it.
    """

    purpose: Purpose
    currency: str | None = None
    time_zone: str | None = None
    load: Load | None = None
    as_of: dt.date | None = None

    def applied_to(self, product: Product) -> Product:
        """The product with these answers filled in; `as_of` is for labelling, which comes before there is a product."""
        stated = {field: getattr(self, field) for field in self.__struct_fields__ if field != "as_of"}
        return msgspec.structs.replace(product, **{k: value for k, value in stated.items() if value is not None})


def read_product(path: Path) -> Product:
    """Read product.yaml; whatever is wrong in it raises ProductError with its line.

    An empty purpose is no fault here: `missing_purpose` names what is not stated yet.
    """
    return _from_document(read_document(path, ProductError))


def parse_product(text: str, path: str = "product.yaml") -> Product:
    r"""The product that the text of a product.yaml says; `path` is its name in errors, which are `read_product`'s.

    >>> parse_product("name: loans\noutcome: {target: default, bad: [1], good: [0]}").outcome.target
    'default'
    """
    return _from_document(parse_document(text, path, ProductError))


def _from_document(document: Document) -> Product:
    product = document.convert(Product)
    _check_time_zone(document, product.time_zone)
    _check_outcome(document, product)
    _check_data(document, product)
    if product.monitoring.psi_alert < product.monitoring.psi_warning:
        raise document.fault("psi_alert lies below psi_warning", "monitoring", "psi_alert")
    return product


def read_answers(path: Path) -> Answers:
    """Read the answers to what no data can tell: a file with `purpose:`, or with the purpose's own fields alone."""
    document = read_document(path, ProductError)
    data = document.data
    flat = isinstance(data, dict) and "purpose" not in data and data.keys() & set(Purpose.__struct_fields__)
    if flat:
        rest = {key: data[key] for key in Answers.__struct_fields__ if key in data}
        purpose = document.convert(Purpose, {key: value for key, value in data.items() if key not in rest})
        answers = document.convert(Answers, {**rest, "purpose": msgspec.to_builtins(purpose)})
    else:
        answers = document.convert(Answers)
    if answers.time_zone is not None:
        _check_time_zone(document, answers.time_zone)
    return answers


def _check_time_zone(document: Document, name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise document.fault(
            f"there is no time zone {name!r}", "time_zone", available=["UTC", "Europe/Berlin", "America/New_York"]
        ) from None


def _check_outcome(document: Document, product: Product) -> None:
    outcome = product.outcome
    both = {word.casefold() for word in map(str, outcome.bad)} & {word.casefold() for word in map(str, outcome.good)}
    if both:
        raise document.fault(f"{', '.join(sorted(both))} is called both bad and good", "outcome", "good")
    if outcome.declined and outcome.answer is None:
        raise document.fault("declined values without the answer column that holds them", "outcome", "declined")
    if outcome.outcome_date is not None and outcome.booked_date is None:
        raise document.fault(
            "an outcome_date says nothing without the booked_date from which it counts", "outcome", "outcome_date"
        )
    if outcome.booked_date is not None and (outcome.horizon_months is None or outcome.as_of is None):
        raise document.fault("booked_date needs horizon_months and as_of beside it", "outcome", "booked_date")
    stated = product.purpose.horizon_months
    if stated is not None and outcome.horizon_months is not None and stated != outcome.horizon_months:
        raise document.fault(
            f"the outcome is judged after {outcome.horizon_months} months and the purpose says {stated}",
            *("outcome", "horizon_months"),
            mend="state one horizon in both places",
        )


def _check_data(document: Document, product: Product) -> None:
    for field in ("id", "date", "amount", "weight", "branch", "name"):
        name = getattr(product.data, field)
        if name is not None and name == product.outcome.target:
            raise document.fault(f"{name!r} is the outcome and cannot be the {field} too", "data", field)
    if product.outcome.target in product.data.drop:
        raise document.fault("the outcome itself cannot be dropped", "data", "drop")


def yaml_value(value: Any) -> str:
    """One value as YAML on one line; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED
        return value if plain else f'"{_UNSAFE.sub(_escape, value)}"'
    return str(value)


def _escape(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}" if sign[0] in '"\\' else f"\\U{ord(sign[0]):08x}"


def yaml_list(values: Sequence[Any]) -> str:
    """Values as a YAML list on one line."""
    return f"[{', '.join(yaml_value(value) for value in values)}]"


def product_yaml(product: Product) -> str:
    """The product as the text of product.yaml, with what each part is for; reading it gives the same product."""
    purpose, outcome, data, load = product.purpose, product.outcome, product.data, product.load
    gates, monitoring, true = product.gates, product.monitoring, product.gates.true_reasons
    lines = [
        "# What this product is for and how its outcome is defined. `roadworthy check` reads it and names every fault.",
        f"name: {yaml_value(product.name)}",
        "",
        "# Nothing goes live until a person has filled in all of this.",
        "purpose:",
        _ask("decision", purpose.decision, "what is decided, for example: whether to grant the loan applied for"),
        _ask("owner", purpose.owner, "who answers for it: a person, with a way to reach them"),
        _ask("used_by", purpose.used_by, "who uses the answers, for example: loan officers of the branches"),
        _ask("where", purpose.where, "the tool in which they use them"),
        _ask("bad_outcome", purpose.bad_outcome, "in words, for example: 90 or more days past due"),
        _ask("horizon_months", purpose.horizon_months, "within how many months of booking"),
        _ask("success", purpose.success, "in money, for example: credit losses below 2 million a year"),
        "",
        f"currency: {yaml_value(product.currency)}",
        f"time_zone: {yaml_value(product.time_zone)}",
        "",
        "# Which column of the past applications says how they turned out, and what its values mean.",
        "outcome:",
        _line("target", outcome.target),
        _line("bad", outcome.bad),
        _line("good", outcome.good, "every other value is indeterminate"),
        _line("answer", outcome.answer, "the column with the answer given; declined rows are never trained on"),
        _line("declined", outcome.declined, "which of its values mean declined"),
        _line("booked_date", outcome.booked_date, "the performance window starts here"),
        _line("outcome_date", outcome.outcome_date, "when the bad outcome happened"),
        _line("horizon_months", outcome.horizon_months, "a younger application is immature, and not good"),
        _line("as_of", outcome.as_of, "the day on which these outcomes were known"),
        _line("bad_days_past_due", outcome.bad_days_past_due, "of outcome events: from so many days on it is bad"),
        "",
        "# Columns of the past applications that are not the model's inputs.",
        "data:",
        _line("id", data.id),
        _line("date", data.date, "when the application was made; the newest rows are held out"),
        _line("amount", data.amount),
        _line("branch", data.branch, "an officer sees the applications of their own branches"),
        _line("name", data.name, "the column that people search applicants by"),
        _line("weight", data.weight, "how many real applications a row stands for, where the file is a sample"),
        *_drop_lines(data.drop),
        "",
        *_package_lines(product.package),
        "# What to expect in a day; tests and alarms follow it.",
        "load:",
        _line("users", load.users),
        _line("decisions_per_day", load.decisions_per_day),
        _line("searches_per_day", load.searches_per_day),
        _line("uploads_per_day", load.uploads_per_day),
        "",
        "# How the reasons of a model are computed, and in what language they are stated unless an application asks.",
        "reasons:",
        _line("method", product.reasons.method, "or path: what TreeSHAP gives, for one ensemble of trees"),
        _line("language", product.reasons.language),
        "",
        "# What a model must reach on rows it was not trained on.",
        "gates:",
        _line("auc_at_least", gates.auc_at_least, "0.5 is no better than chance, 1 is perfect"),
        _line("calibration_error_at_most", gates.calibration_error_at_most, "mean distance of PD and bad rate"),
        _line("bads_at_least", gates.bads_at_least, "fewer held-out bads show nothing"),
        "  true_reasons:  # of those declined by their PD",
        "  " + _line("adjusted_at_most", true.adjusted_at_most, "need other reasons than the largest"),
        "  " + _line("none_at_most", true.none_at_most, "have no reason that is true: a person decides"),
        "",
        "# When a shift of the applicants (population stability index, PSI) is worth a look, and when an alarm.",
        "monitoring:",
        _line("psi_warning", monitoring.psi_warning),
        _line("psi_alert", monitoring.psi_alert),
    ]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any, comment: str = "") -> str:
    text = yaml_list(value) if isinstance(value, tuple) else yaml_value(value)
    written = f"  {key}: {text}".rstrip()
    return f"{written:<34}  # {comment}" if comment else written


def _ask(key: str, value: Any, comment: str) -> str:
    """A line for a person to fill in: what it wants is said until it is there."""
    return _line(key, value, comment if value is None else "")


def _package_lines(package: str | None) -> list[str]:
    if package is None:
        return []
    return ["# The sealed model that was brought along: nothing retrains.", f"package: {yaml_value(package)}", ""]


def _drop_lines(names: Sequence[str]) -> list[str]:
    if len(names) < 5:
        return [_line("drop", tuple(names), "never read")]
    return ["  drop:  # never read", *(f"    - {yaml_value(name)}" for name in names)]
