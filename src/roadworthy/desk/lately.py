"""What takes long to work out, worked out once and shown to everybody who asks for it within a few minutes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Lately", "Worked"]

T = TypeVar("T")


@dataclass(frozen=True)
class Worked(Generic[T]):
    """What came of it, and when it was worked out."""

    value: T
    at: datetime


class Lately(Generic[T]):
    """Results by key, each believed for `keep`, at most `most` of them. Any thread may ask.

    They are worked out by one thread, one after the other, so that a busy page takes one processor and no more.
    """

    def __init__(self, *, keep: timedelta = timedelta(minutes=5), most: int = 32) -> None:
        self._keep = keep
        self._most = most
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="lately")
        self._results: OrderedDict[Hashable, tuple[datetime, Future[T]]] = OrderedDict()

    def look(self, key: Hashable, work: Callable[[], T], *, now: datetime, patience: float = 2.0) -> Worked[T] | None:
        """What `work` came to under this key; None where that still goes on after `patience` seconds.

        What `work` raised is raised once, and then it is tried anew.
        """
        with self._lock:
            at, result = self._results.get(key, (now, None))
            if result is None or (result.done() and not at <= now < at + self._keep):
                at, result = now, self._worker.submit(work)
                self._results[key] = at, result
                self._results.move_to_end(key)
            while len(self._results) > self._most:
                self._results.popitem(last=False)
        try:
            return Worked(result.result(patience), at)
        except NotYet:
            if not result.done():
                return None
            raise  # the work itself waited for something in vain
        except BaseException:
            with self._lock:
                self._results.pop(key, None)
            raise
