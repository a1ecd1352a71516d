"""Applications in flight are decided together: one `decide`, one commit, for as many as came while the last one ran."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from roadworthy.door import Problem, ProblemError
from roadworthy.errors import NothingLive, StoreError
from roadworthy.live import Envelope, Made

__all__ = ["MicroBatch"]

_LARGEST = 64
_MOST_WAITING = 4_096

Decide = Callable[[Sequence[Envelope]], list[Made]]


class MicroBatch:
    """Hands what is in flight to `decide`, a batch at a time, in one thread.

    Nobody waits for a batch to fill: while one is decided and committed the next gathers, and an application that
    comes alone goes alone. Where a batch fails for a reason that may lie in one of its rows, each row goes by itself.
    Lives on one event loop.
    """

    def __init__(self, decide: Decide, *, largest: int = _LARGEST, most_waiting: int = _MOST_WAITING) -> None:
        self._decide = decide
        self._largest = largest
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[Envelope, asyncio.Future[Made]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decide")
        self._busy = False

    async def ask(self, envelope: Envelope) -> Made:
        """What became of one application. ProblemError 503 where more wait already than can be answered soon."""
        if len(self._waiting) >= self._most_waiting:
            raise ProblemError(
                Problem.of("busy", "Too many applications wait", 503, mend="send it again in a moment"),
                {"Retry-After": "1"},
            )
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Made] = loop.create_future()
        self._waiting.append((envelope, answer))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start, loop)  # behind everything that the loop has ready, so that it comes along
        return await answer

    def close(self) -> None:
        """Decide nothing more; what is being decided is finished."""
        self._thread.shutdown(wait=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
        batch = [(envelope, answer) for envelope, answer in batch if not answer.done()]
        if not batch:
            self._busy = bool(self._waiting)
            if self._busy:
                loop.call_soon(self._start, loop)
            return
        envelopes = [envelope for envelope, _ in batch]
        work = loop.run_in_executor(self._thread, self._run, envelopes)
        work.add_done_callback(lambda done: self._finish(loop, [answer for _, answer in batch], done))

    def _run(self, envelopes: Sequence[Envelope]) -> list[Made | Exception]:
        try:
            return list(self._decide(envelopes))
        except (StoreError, NothingLive) as error:
            return [error] * len(envelopes)
        except Exception as error:  # noqa: BLE001  # whatever it is, one row's fault must not be all the others'
            if len(envelopes) == 1:
                return [error]
            return [one for envelope in envelopes for one in self._run([envelope])]

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        answers: Sequence[asyncio.Future[Made]],
        done: asyncio.Future[list[Made | Exception]],
    ) -> None:
        for answer, one in zip(answers, done.result(), strict=True):
            if answer.done():
                continue  # the caller went away; what was decided is recorded all the same
            if isinstance(one, Exception):
                answer.set_exception(one)
            else:
                answer.set_result(one)
        self._busy = bool(self._waiting)
        if self._busy:
            loop.call_soon(self._start, loop)
