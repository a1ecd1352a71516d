"""Who acts: an account, by one of its credentials, with the roles and branches that this credential gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, true

from roadworthy.errors import UsageError

__all__ = ["BREAK_GLASS", "CONSOLE", "EVERY_BRANCH", "NO_BRANCH", "Actor", "Branches"]

CONSOLE = "console"
"""The account, and the credential, of whoever sits at the store itself; nobody else has that name."""
BREAK_GLASS = "break-glass"
"""The credential of whoever sits at the store itself and went around the rule."""


@dataclass(frozen=True)
class Branches:
    """The branches whose records someone sees: those named, or every one, also those yet to come.

    >>> Branches.of("north", "south").hold("north"), NO_BRANCH.hold("north"), EVERY_BRANCH.hold("north")
    (True, False, True)
    """

    names: frozenset[str] = frozenset()
    every: bool = False

    def __post_init__(self) -> None:
        for name in self.names:
            if not name.strip() or not name.isprintable() or name == "*":
                raise UsageError(f"{name!r} is no name of a branch", mend="the branch as applications name it")

    @classmethod
    def of(cls, *names: str) -> Branches:
        """The branches named; UsageError for a name that no branch has."""
        return cls(frozenset(names))

    def hold(self, branch: str | None) -> bool:
        """Whether a record of `branch` is seen; one that names no branch (None) only where every branch is."""
        return self.every or (branch is not None and branch in self.names)

    def hold_all(self, others: Branches) -> bool:
        """Whether every record of `others` is seen.

        >>> Branches.of("north", "south").hold_all(Branches.of("north")), Branches.of("north").hold_all(EVERY_BRANCH)
        (True, False)
        """
        return self.every or (not others.every and others.names <= self.names)

    def filter(self, branch: ColumnElement[str] | ColumnElement[str | None]) -> ColumnElement[bool]:
        """`hold` as a condition on the column `branch`, for queries."""
        if self.every:
            return true()
        return branch.in_(sorted(self.names)) if self.names else false()

    def spell(self) -> list[str]:
        """The names in order; only `*` where it is every branch."""
        return ["*"] if self.every else sorted(self.names)

    @classmethod
    def read(cls, names: Iterable[str]) -> Branches:
        """The inverse of `spell`: `*` is every branch."""
        found = frozenset(names)
        return EVERY_BRANCH if "*" in found else cls(found)


NO_BRANCH = Branches()
"""What an account sees until it is given more."""
EVERY_BRANCH = Branches(every=True)
"""What is given to whoever sees all records, those that name no branch among them."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who was let in.

    account     the name that stands in records
    credential  what let them in: `key:...`, `password:...`, `link:...`, CONSOLE or BREAK_GLASS; outside a trial two
                accounts never share one
    roles       those of the account that the credential gives
    branches    whose records they see
    authority   the largest amount, in the product's currency, up to which they override alone; 0 is none
    """

    account: str
    credential: str
    roles: frozenset[str] = frozenset()
    branches: Branches = NO_BRANCH
    authority: float = 0.0

    @property
    def came_by_key(self) -> bool:
        """Whether a key let them in: it may lie in a file somewhere, so it opens no further ways in."""
        return self.credential.startswith("key:")
