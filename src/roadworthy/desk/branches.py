"""The branches that applications name, so that nobody needs to know how each is written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from roadworthy.desk.lately import Lately
from roadworthy.desk.visit import Visit
from roadworthy.records import read_branches

__all__ = ["BranchesLately", "list_branches", "match_branches"]


class BranchesLately:
    """The branches of all applications, read once in a while: of a million of them it takes a moment."""

    def __init__(self, keep: timedelta = timedelta(minutes=1)) -> None:
        self._read: Lately[tuple[str, ...]] = Lately(keep=keep, most=1)

    def look(self, visit: Visit, *, patience: float) -> tuple[str, ...]:
        """All of them, in order; none while they are still being read."""

        def read() -> tuple[str, ...]:
            with visit.services.store.reading() as connection:
                return read_branches(connection)

        worked = self._read.look("all", read, now=visit.admitted.at, patience=patience)
        return () if worked is None else worked.value


def list_branches(visit: Visit, *, patience: float = 0.1) -> tuple[str, ...]:
    """The branches that applications name, as far as whoever looks sees them; none while they are still being read."""
    lately: BranchesLately = visit.app.state["branches"]
    return tuple(name for name in lately.look(visit, patience=patience) if visit.by.branches.hold(name))


def match_branches(typed: str, known: Collection[str]) -> tuple[str, ...]:
    """The branches meant by what was typed: those of that very name, else those that differ in capitals alone.

    What is like none of them is itself, since a branch may be new.

    >>> match_branches("hexley", ["Aldermoor", "Hexley"]), match_branches("Ostend", ["Hexley"])
    (('Hexley',), ('Ostend',))
    """
    if typed in known:
        return (typed,)
    alike = tuple(name for name in known if name.casefold() == typed.casefold())
    return alike or (typed,)
