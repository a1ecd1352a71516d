"""A store that is copied and broken, and what of it is lost then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from roadworthy.errors import RoadworthyError
from roadworthy.records import Conflict, create_store, open_store, verify_chain
from roadworthy.testing.entries import Entries
from tests.faults.disk import Done, Writer, make_shim, read_log
from tests.stores import MADE

__all__ = ["AT_ONCE", "BATCHES", "NO_FAULT", "SMALL_LOG", "Bench", "Figures", "bench", "count_losses"]

AT_ONCE = 4
BATCHES = 6
NO_FAULT = (-1, 0, 0, 0)
SMALL_LOG = {"wal_autocheckpoint": 60}
"""So that the log is written back now and then within a few commits."""


@dataclass
class Figures:
    cuts: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    broken: int = 0

    def say(self, what: str) -> str:
        bound = "" if self.lost else f" (a cut that loses one: below {3 / self.cuts:.1e}, 95% confidence)"
        return (
            f"SQLite, {what}: {self.cuts} power cuts, {self.acknowledged} acknowledged looked for, "
            f"{self.lost} lost{bound}, {self.twice} twice, {self.broken} stores broken"
        )


@dataclass
class Bench:
    """A store as it was made, and a writer that works on copies of it."""

    folder: Path
    writer: Writer

    def __post_init__(self) -> None:
        self._names = count()
        self.made = {file.name: file.read_bytes() for file in (self.folder / "made").iterdir()}

    def copy(self) -> tuple[Path, Path]:
        """A copy of the store, and a place for its log."""
        name = f"case{next(self._names)}"
        shutil.copytree(self.folder / "made", self.folder / name)
        return self.folder / name, self.folder / f"{name}.log"

    def write(self, *faults: Sequence[int], **case: object) -> list[Done]:
        """The log of writers, one after the other, each with its fault; each asks for the keys of those before too."""
        folder, log = self.copy()
        for turn, fault in enumerate([*faults, NO_FAULT]):
            terms = {"settings": SMALL_LOG, "seed": turn, "fault": fault, "log": log} | case
            self.writer.work(folder, (0, BATCHES + turn, AT_ONCE), **terms)
        return read_log(log)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("disk")
    shim = make_shim(folder)
    for name in ("made", "warm"):
        create_store(f"sqlite:///{folder / name / 'store.db'}", store_id="a-store", at=MADE).close()
    with Writer.running(shim, folder, f"sqlite:///{folder / 'warm' / 'store.db'}") as writer:
        yield Bench(folder, writer)


def count_losses(place: Path, acknowledged: Mapping[str, str], figures: Figures) -> None:
    """Open what the cut left as the product does, ask again for all of it, and verify."""
    figures.cuts += 1
    figures.acknowledged += len(acknowledged)
    entries = Entries(99)
    try:
        with open_store(f"sqlite:///{place / 'store.db'}") as store:
            recorded: dict[str, list[str]] = {}
            keys = [f"k{number}" for number in range(AT_ONCE * (BATCHES + 2))]
            results = store.ledger.append([entries.decision(key, key=key) for key in keys]).results
            assert not any(isinstance(result, Conflict) for result in results)
            for record in store.ledger.read(limit=10_000).records:
                if record.kind == "decision":
                    recorded.setdefault(record.subject, []).append(record.record_id)
            figures.broken += verify_chain(store).fault is not None
    except RoadworthyError:
        figures.broken += 1
        figures.lost += len(acknowledged)
        return
    figures.lost += sum(record_id not in recorded.get(key, ()) for key, record_id in acknowledged.items())
    figures.twice += sum(len(ids) > 1 for ids in recorded.values())
