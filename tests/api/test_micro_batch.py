"""What is in flight is decided together, and nobody pays for another's fault (R28)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from roadworthy.api.micro_batch import MicroBatch
from roadworthy.door import ProblemError
from roadworthy.errors import OutcomeUnknown, UsageError
from roadworthy.live import Decided, Envelope, Made

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def envelopes(n: int) -> list[Envelope]:
    return [Envelope(record_id=f"{i}", actor="webshop") for i in range(n)]


class Deciding:
    """Decides when it is let to, and remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Semaphore(0)
        self.poison: set[str] = set()
        self.broken = False

    def __call__(self, batch: Sequence[Envelope]) -> list[Made]:
        self.batches.append([one.record_id for one in batch])
        assert self.go.acquire(timeout=30)
        if self.broken:
            raise OutcomeUnknown("the store broke off")
        if self.poison.intersection(one.record_id for one in batch):
            raise UsageError("a row that nothing can be done with")
        return [Decided(one.record_id, one.record_id.encode()) for one in batch]


async def test_whoever_comes_alone_goes_alone_and_the_next_gather_meanwhile() -> None:
    deciding = Deciding()
    batches = MicroBatch(deciding, largest=4)
    first = asyncio.create_task(batches.ask(envelopes(1)[0]))
    while not deciding.batches:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(batches.ask(one)) for one in envelopes(7)[1:]]
    await asyncio.sleep(0)
    for _ in range(3):
        deciding.go.release()
    made = await asyncio.gather(first, *others)

    assert [one.record_id for one in made if isinstance(one, Decided)] == list("0123456")
    assert deciding.batches == [["0"], ["1", "2", "3", "4"], ["5", "6"]]
    batches.close()


async def test_what_stands_ready_together_goes_together() -> None:
    deciding = Deciding()
    batches = MicroBatch(deciding)
    deciding.go.release()
    await asyncio.gather(*(batches.ask(one) for one in envelopes(5)))
    assert deciding.batches == [["0", "1", "2", "3", "4"]]
    batches.close()


async def test_a_row_that_cannot_be_decided_does_not_keep_the_others() -> None:
    deciding = Deciding()
    deciding.poison = {"1"}
    batches = MicroBatch(deciding)
    for _ in range(4):
        deciding.go.release()
    made = await asyncio.gather(*(batches.ask(one) for one in envelopes(3)), return_exceptions=True)
    assert [type(one) for one in made] == [Decided, UsageError, Decided]
    batches.close()


async def test_where_the_store_broke_off_everybody_hears_it_and_nothing_is_tried_again() -> None:
    deciding = Deciding()
    deciding.broken = True
    batches = MicroBatch(deciding)
    deciding.go.release()
    made = await asyncio.gather(*(batches.ask(one) for one in envelopes(3)), return_exceptions=True)
    assert [type(one) for one in made] == [OutcomeUnknown] * 3
    assert len(deciding.batches) == 1
    batches.close()


async def test_a_caller_who_went_away_keeps_nobody() -> None:
    deciding = Deciding()
    batches = MicroBatch(deciding)
    first = asyncio.create_task(batches.ask(envelopes(1)[0]))
    while not deciding.batches:
        await asyncio.sleep(0.001)
    waiting = [asyncio.create_task(batches.ask(one)) for one in envelopes(3)[1:]]
    await asyncio.sleep(0)
    first.cancel()
    waiting[0].cancel()
    deciding.go.release()
    deciding.go.release()
    assert isinstance(await waiting[1], Decided)
    assert deciding.batches == [["0"], ["2"]]
    batches.close()


async def test_more_than_can_be_answered_soon_is_refused_and_says_when_to_come_back() -> None:
    deciding = Deciding()
    batches = MicroBatch(deciding, most_waiting=2)
    tasks = [asyncio.create_task(batches.ask(one)) for one in envelopes(2)]
    await asyncio.sleep(0)
    with pytest.raises(ProblemError) as refused:
        await batches.ask(envelopes(3)[2])
    assert (refused.value.problem.status, refused.value.headers["Retry-After"]) == (503, "1")
    deciding.go.release()
    await asyncio.gather(*tasks)
    batches.close()
