"""The power is cut under the product's own writer: nothing acknowledged is lost, nothing is there twice (R28).

A writer process appends decisions to a store on SQLite while a shim before the C library writes down every write, sync
and name. From that log a disk is made for each cut: at any point, with any part of what was not synced. The product
opens it, verifies it, and is asked again for everything. Writers are also killed and asked again by the next one, and
have syncs fail under them. The figures are printed; `LONG_TESTS=1` cuts 10,000 times.
"""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Callable, Sequence

import pytest

from tests.faults.bench import *  # noqa: F403  # the fixture `bench`
from tests.faults.bench import NO_FAULT, SMALL_LOG, Bench, Figures, count_losses
from tests.faults.conftest import LONG
from tests.faults.disk import ANY, SYNC, Cut, Disk, Done

CUTS = 10_000 if LONG else 100
LOGS = 60 if LONG else 3
"""How many writers are killed, and how many have a sync fail."""


def test_power_cuts_lose_nothing_acknowledged(
    bench: Bench, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(28)
    plain = bench.write(NO_FAULT)
    steps = sum(done.op in "WSTU" for done in plain) // 2
    syncs = sum(done.op == "S" for done in plain) // 2
    logs = {
        "writers left alone": [plain],
        "writers killed, and the next asked again": [
            bench.write((SYNC, chance.randint(1, syncs), 0, 0), (ANY, chance.randint(1, steps), 0, 0))
            for _ in range(LOGS)
        ],
        "writers under which a sync failed": [
            bench.write((SYNC, chance.randint(1, syncs), errno.EIO, 0)) for _ in range(LOGS)
        ],
        "writers killed by a sync that failed": [
            bench.write((SYNC, chance.randint(3, syncs), -errno.EIO, 0)) for _ in range(LOGS)
        ],
    }
    for what, some in logs.items():
        figures = cut_power(bench, some, CUTS // len(logs), chance)
        record_property(what, str(figures))
        with capsys.disabled():
            print(f"\n{figures.say(what)}", end="")  # noqa: T201  # the figures are the point
        assert (figures.lost, figures.twice, figures.broken) == (0, 0, 0)
        assert figures.acknowledged > figures.cuts


@pytest.mark.parametrize(
    ("faults", "case", "honest"),
    [
        ([], {"settings": {**SMALL_LOG, "synchronous": "NORMAL"}}, True),
        ([], {}, False),
        ([(SYNC, 3, -errno.EIO, 0)], {"unsettled": True}, True),
    ],
    ids=["synchronous=NORMAL", "a disk whose syncs do nothing", "a log that was not made sure of"],
)
def test_what_does_not_sync_is_seen_to_lose(
    bench: Bench, faults: list[tuple[int, ...]], case: dict[str, object], honest: bool
) -> None:
    """The yardstick of the test above: with one protection less, or on a disk that lies, its cuts lose decisions."""
    figures = cut_power(bench, [bench.write(*faults, **case)], 25, random.Random(1), honest=honest)
    assert figures.lost > 0


def cut_power(
    bench: Bench, logs: Sequence[Sequence[Done]], cuts: int, chance: random.Random, *, honest: bool = True
) -> Figures:
    """Cut the power so many times over these logs, at points that differ where there are enough."""
    figures = Figures()
    for number, log in enumerate(logs):
        here = cuts // len(logs) + (number < cuts % len(logs))
        while here > 0:
            points = set(chance.sample(range(1, len(log) + 1), min(here, len(log))))
            here -= len(points)
            disk = Disk(bench.made, seed=chance.randrange(2**32), honest=honest)
            acknowledged: dict[str, str] = {}
            for point, done in enumerate(log, start=1):
                disk.follow(done)
                if done.op == "A":
                    acknowledged |= dict(line.split() for line in done.data.decode().splitlines())
                if point in points:
                    place = bench.folder / "cut"
                    place.mkdir()
                    disk.leave(chance.choice(list(Cut)), place)
                    count_losses(place, acknowledged, figures)
                    shutil.rmtree(place)
    return figures
