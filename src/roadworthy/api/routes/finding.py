"""Looking up what a path names, so that what is not there is answered 404 and not as a mistake in the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from roadworthy.door import no_such
from roadworthy.errors import UsageError

__all__ = ["find"]

T = TypeVar("T")


def find(look: Callable[[], T]) -> T:
    """What `look` finds; where it says that there is none (UsageError), ProblemError 404 with what there is."""
    try:
        return look()
    except UsageError as error:
        raise no_such("", error) from None
