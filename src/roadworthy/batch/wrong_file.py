"""What a file seems to be that is none of a product's applications, for whoever chose it at a page (R10)."""

from __future__ import annotations

from roadworthy.batch.sources import Source
from roadworthy.contract import Contract
from roadworthy.errors import DataError
from roadworthy.live import Loaded

__all__ = ["refuse_wrong_file"]

_SHOWN = 8
_DECISIONS = frozenset(("answer", "pd", "score"))
_OUTCOMES = frozenset(("event", "at"))


def refuse_wrong_file(source: Source, name: str, live: Loaded) -> None:
    """DataError where a file lacks columns that every application has: which, what it seems to be, and whom to ask.

    Its columns bear the contract's names: whoever uploads a file cannot say which others hold them.
    """
    needed = _needed(live.contract)
    lacking = [column for column in needed if column not in source.columns]
    if not lacking:
        return
    seems, otherwise = _guess(source.columns, needed, live)
    owner = live.product.purpose.owner
    asked = f"{owner}, who owns {live.product.name}," if owner else f"whoever makes the releases of {live.product.name}"
    raise DataError(
        f"lacks {_list(lacking)} of the {len(needed)} columns that every application has. {seems}",
        where=name,
        mend=f"{otherwise}; where this is the right file, ask {asked} for one with these columns",
    )


def _needed(contract: Contract) -> list[str]:
    return [column.name for column in contract.columns if not column.missing]


def _guess(columns: list[str], needed: list[str], live: Loaded) -> tuple[str, str]:
    """What the file seems to be, and what to do where that is so."""
    there = set(columns)
    for table in live.release.tables:
        if there.issuperset(_needed(table)) and not there.issuperset(needed):
            return f"It seems to be the table {table.name}", f"upload it on the page of the table {table.name}"
    if there >= _DECISIONS:
        return "It seems to be decisions that were made already", "choose the file of applications"
    if there >= _OUTCOMES:
        return "It seems to be outcomes of applications", "choose the file of applications"
    if there.isdisjoint(column.name for column in live.contract.columns):
        return f"It seems to be something else: its columns are {_list(columns)}", "choose the file of applications"
    known = {column.name for column in live.contract.columns}
    strange = [column for column in columns if column not in known]
    instead = f", and has {_list(strange)} instead. Was a column renamed?" if strange else ""
    return f"It seems to be applications, cut short or written otherwise{instead}", "choose the whole file"


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
