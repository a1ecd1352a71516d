"""A package's card: what a validator wants to know before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roadworthy.model.engine import METHODS
from roadworthy.model.package import Package, load
from roadworthy.model.sampling import PADDED_TO, coalitions_asked

__all__ = ["card_lines", "describe_card", "inspect_package", "true_reasons_sentence"]


def inspect_package(path: Path) -> Package:
    """The package at `path`, every digest and bound checked; a native model's original is not opened."""
    return load(path, native=False)


def describe_card(package: Package) -> dict[str, Any]:
    """The card as plain data."""
    manifest = package.manifest
    evaluation = {name: value for name, value in package.evaluation.items() if name != "gains"}
    return {
        "name": package.name,
        "digest": package.digest,
        "protocol": manifest.protocol,
        "engine": manifest.engine,
        "costs": list(_costs(package)),
        "reasons": list(_reasons(package)),
        "parity": manifest.parity,
        "contract": package.contract,
        "evaluation": evaluation,
        "reference": _reference(package),
        "notes": manifest.notes,
        "environment": manifest.environment,
        "lineage": manifest.lineage,
        "parts": manifest.parts,
    }


def card_lines(package: Package) -> Iterator[str]:
    r"""The card for a terminal; what a package's texts hold that is no character to read stands as its number.

    >>> _show("loans\x1b[2J")
    'loans\\x1b[2J'
    """
    return (_show(line) for line in _card_lines(package))


def _show(text: str) -> str:
    """`text` where nothing can move the cursor, colour the screen or turn the direction of writing."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _card_lines(package: Package) -> Iterator[str]:
    manifest = package.manifest
    yield f"{package.name}  (protocol {manifest.protocol})"
    yield f"  SHA-256      {package.digest}"
    yield f"  model        {manifest.engine.model}"
    yield f"  runs         {manifest.engine.kind}: {manifest.engine.why}"
    for line in _costs(package):
        yield f"  costs        {line}"
    evaluation = package.evaluation
    yield f"  judged on    {evaluation['population']}: {evaluation['count']:,} rows, {evaluation['bads']:,} bad"
    known = {name: evaluation.get(name) for name in ("auc", "gini", "ks", "brier")}
    figures = ", ".join(f"{name.upper()} {value:.4f}" for name, value in known.items() if isinstance(value, float))
    if figures:
        yield f"  measured     {figures}"
    for line in evaluation.get("confusion", ()):
        yield f"  at {line['cut_off']:<8.4g}  {line['sentence']}"
    for line in _reasons(package):
        yield f"  reasons      {line}"
    yield "  contract"
    for column in package.contract.columns:
        allowed = f", {len(column.allowed)} values" if column.allowed else ""
        limits = "" if column.range is None else f", {_end(column.range[0])} to {_end(column.range[1])}"
        missing = ", may be missing" if column.missing else ""
        used = "" if column.name in package.engine.inputs else "  (not read by the model)"
        yield f"    {column.name:<28} {column.type} {column.role}{limits}{allowed}{missing}{used}"
    yield "  reference applicant"
    for name, value in _reference(package).items():
        yield f"    {name:<28} {value}"
    for note in manifest.notes:
        yield f"  note         {note}"
    yield "  made with    " + ", ".join(f"{name} {version}" for name, version in manifest.environment.items())
    for name, value in manifest.lineage.items():
        yield f"  from         {name}: {value}"


def _costs(package: Package) -> Iterator[str]:
    """What running natively costs, in what has to be there and what is asked of it."""
    if package.manifest.engine.kind == "native":
        columns = len(package.engine.inputs)
        yield "the libraries that it was trained with wherever it decides, and their memory"
        yield f"an application alone costs a batch of {PADDED_TO} of the original's own predict_proba"
        yield f"the reasons of one application ask it about {coalitions_asked(columns):,} rows"


def _reasons(package: Package) -> Iterator[str]:
    """How reasons are computed, of what, how far that is from the library's own number, and how often they are true."""
    note = package.manifest.engine
    if not note.quantity:
        yield f"{METHODS[note.reasons]}; sealed before protocol 3, which says more of them"
        return
    yield METHODS[note.reasons]
    quantity = {"margin": "the log-odds of bad", "pd": "the PD"}.get(note.quantity, note.quantity)
    apart = (
        "the library gives no such number to compare with"
        if note.residual is None
        else f"at most {note.residual:.2g} from the library's own"
        if note.residual
        else "the library's own to the bit"
    )
    yield f"of {quantity}, {apart}"
    rates = package.evaluation.get("true_reasons")
    if rates is not None:
        yield true_reasons_sentence(rates)


def true_reasons_sentence(rates: Mapping[str, Any]) -> str:
    """How often the largest contributions were no true reasons, in words.

    >>> true_reasons_sentence({"cut_off": 0.25, "most": 4, "count": 200, "adjusted": 3, "none": 0})
    'of 200 with a PD of 0.25 or more: 3 (1.5%) needed other columns than the largest, 0 (0.0%) had no true reason'
    """
    count, adjusted, none = (int(rates[name]) for name in ("count", "adjusted", "none"))
    if not count:
        return f"none of the rows has a PD of {rates['cut_off']:.4g} or more: how often reasons are true is not known"
    return (
        f"of {count:,} with a PD of {rates['cut_off']:.4g} or more: {adjusted:,} ({adjusted / count:.1%}) needed other "
        f"columns than the largest, {none:,} ({none / count:.1%}) had no true reason"
    )


def _end(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _reference(package: Package) -> dict[str, Any]:
    """The reference applicant's inputs as a person would write them."""
    found: dict[str, Any] = {}
    for name in package.engine.inputs:
        column, value = package.contract[name], package.reference.columns[name][0]
        if column.type == "category":
            found[name] = (column.allowed or ())[value] if value >= 0 else None
        else:
            found[name] = None if value != value else float(value)
    return found
