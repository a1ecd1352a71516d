"""Every write, sync, cut and read of the store's file fails once, and what the writer says then is so (R10, R28).

A writer process on SQLite, and a shim before the C library that fails its Nth operation with EIO or ENOSPC, for every
N. The writer asks again under the same keys, as callers are told to. `LONG_TESTS=1` does more work, with each error.
"""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.bench import *  # noqa: F403  # the fixture `bench`
from tests.faults.bench import AT_ONCE, BATCHES, NO_FAULT, SMALL_LOG, Bench, Figures, count_losses
from tests.faults.conftest import LONG
from tests.faults.disk import READ, SYNC, TRUNCATE, WRITE

WORK = (0, BATCHES, AT_ONCE) if LONG else (0, 3, 1)
SETTINGS = SMALL_LOG if LONG else {"wal_autocheckpoint": 20}


def test_every_operation_that_fails_is_answered_truly(
    bench: Bench, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    figures, said, cases = Figures(), Counter[str](), Counter[str]()
    for name, fault in every_fault(bench):
        answer = write(bench, fault, figures)
        cases[name] += 1
        said.update(answer)
    words = (
        f"SQLite: every operation failed once ({', '.join(f'{number} {name}' for name, number in cases.items())}): "
        f"{figures.acknowledged} acknowledged, {figures.lost} lost, {figures.twice} twice, {figures.broken} broken; "
        f"told {said['OutcomeUnknown']} times that the outcome is unknown, {said['Unwritable']} that there is no room, "
        f"{said['StoreError']} that nothing was recorded (and it was, {said['there all the same']} times)"
    )
    record_property("errors", words)
    with capsys.disabled():
        print(f"\n{words}", end="")  # noqa: T201  # the figures are the point
    assert (figures.lost, figures.twice, figures.broken, said["there all the same"]) == (0, 0, 0, 0)
    assert min(said["OutcomeUnknown"], said["Unwritable"]) > 0


@pytest.mark.parametrize("nth", [1, 9, 30])
def test_a_disk_that_stays_full_is_read_until_there_is_room(bench: Bench, nth: int) -> None:
    figures = Figures()
    said = write(bench, (WRITE, nth, errno.ENOSPC, 1), figures)
    assert said["Unwritable"] >= 2
    assert (said["OutcomeUnknown"], said["unreadable"], said["there all the same"]) == (0, 0, 0)
    assert (figures.acknowledged, figures.lost, figures.twice, figures.broken) == (WORK[1] * WORK[2], 0, 0, 0)


def every_fault(bench: Bench) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Each with the name of its kind; in the suite the writes fail in one way and the other by turns."""
    folder, _ = bench.copy()
    counts = bench.writer.work(folder, WORK, settings=SETTINGS)["counts"]
    ways = {WRITE: "writes", SYNC: "syncs", TRUNCATE: "cuts", READ: "reads"}
    for kind, name in ways.items():
        assert counts[kind] > 0
        for nth in range(1, counts[kind] + 1):
            both = LONG or kind == SYNC
            for error in (errno.EIO, errno.ENOSPC) if both else ((errno.EIO, errno.ENOSPC)[nth % 2],):
                yield name, (kind, nth, errno.EIO if kind == READ else error, 0)


def write(bench: Bench, fault: tuple[int, int, int, int], figures: Figures) -> Counter[str]:
    """Work under a fault; what was said, and into `figures` what of it can be found."""
    folder, _ = bench.copy()
    answer = bench.writer.work(folder, WORK, settings=SETTINGS, fault=fault)
    assert len(answer["acknowledged"]) == WORK[1] * WORK[2]
    count_losses(folder, answer["acknowledged"], figures)
    shutil.rmtree(folder)
    return Counter(answer["said"])


def test_without_a_fault_nobody_is_told_of_one(bench: Bench) -> None:
    assert write(bench, NO_FAULT, Figures()) == {"Recorded": WORK[1] * WORK[2]}
