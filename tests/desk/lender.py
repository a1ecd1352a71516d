"""A lender whose releases and tables change at the desk: one release live, its table in force, forty decisions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from roadworthy.app import make_door
from roadworthy.lifecycle import create_release
from roadworthy.records import Store, create_store, open_store
from roadworthy.testing import make_package
from tests.api.house import POLICY, PRODUCT, REGIONS, House
from tests.desk.conftest import Desk, Person, read_words
from tests.stores import MADE

__all__ = [
    "CENTS",
    "LOOSE",
    "NOVEMBER",
    "OCTOBER",
    "READS",
    "Lender",
    "lender",
    "open_lender",
    "open_lender_on",
    "ready",
]

READS = POLICY + "  - {code: over_limit, when: amount > regions.limit, then: refer, reason: The amount is high here}\n"
LOOSE = READS.replace("up_to: 0.12", "up_to: 0.8").replace("up_to: 0.25", "up_to: 0.9")
OCTOBER = b"region,limit\nN,9000\nS,8000\nE,7000\nW,6000\n"
NOVEMBER = b"region,limit\nN,9500\nS,8000\nE,7100\nW,many\n"
CENTS = b"region,limit\nN,95000\nS,80000\nE,71000\nW,60000\n"


@dataclass
class Lender:
    """A desk of its own, for what is live is changed here; one release is live, and its table in force."""

    desk: Desk

    def come(self) -> None:
        """Everybody signs in."""
        self.ana, self.ben = self.desk.come("analyst"), self.desk.come("approver")
        self.omar, self.officer = self.desk.come("operator"), self.desk.come("officer")

    def create(
        self,
        policy: str = READS,
        product: str = PRODUCT,
        tables: Mapping[str, str] = MappingProxyType({"regions": REGIONS}),
    ) -> str:
        made = create_release(
            self.desk.house.deed("analyst"),
            package=make_package("scorecard").to_bytes(),
            policy=policy,
            product=product,
            tables=tables,
        )
        return made.id

    def approved(self, policy: str = READS, product: str = PRODUCT, **parts: Mapping[str, str]) -> str:
        """Made, put up and approved, at the desk."""
        number = self.create(policy, product, **parts)
        self.ana.act(f"/releases/{number}/submit", note="try it")
        self.ben.act(f"/releases/{number}/approve")
        return number

    def promote(self, number: str, **more: str) -> httpx.Response:
        return self.omar.send(f"/releases/{number}/promote", **{"instead_of": self.champion, "reason": "why"} | more)

    def upload(self, data: bytes = NOVEMBER, name: str = "regions_2026-11.csv", effective: str = "2026-11-01") -> str:
        """The address of the version that an upload makes."""
        sent = self.ana.send("/tables/regions", files={"file": (name, data)}, effective=effective)
        assert sent.status_code == 303, read_words(sent.text)
        return sent.headers["Location"]

    @property
    def champion(self) -> str:
        return self.desk.house.store.ledger.live().route.champion or ""

    @property
    def in_force(self) -> str:
        return self.desk.house.store.ledger.live().route.tables["regions"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, dict[str, str]]]:
    """A lender's store at rest, the keys of its programs and the cookies of its people: made once, and copied."""
    path = tmp_path_factory.mktemp("ready") / "store.db"
    with create_store(f"sqlite:///{path}", store_id="a-store", at=MADE) as store, open_lender_on(store) as lender:
        lender.desk.house.hire_everybody()
        lender.come()
        number = lender.approved()
        lender.ben.act(f"{lender.upload(OCTOBER, 'regions_2026-10.csv', '2026-10-01')}/approve")
        assert lender.promote(number).status_code == 303
        for place in range(40):
            lender.desk.decide(f"A-{place}", amount=2_000.0 + 100 * place, late_payments=place % 6)
        return path, lender.desk.house.keys, {name: person.cookies for name, person in lender.desk.people.items()}


@pytest.fixture
def lender(ready: Any, tmp_path: Path) -> Iterator[Lender]:
    with open_lender(ready, tmp_path) as lender:
        yield lender


@contextmanager
def open_lender(ready: Any, folder: Path) -> Iterator[Lender]:
    """The lender on a copy, in `folder`, of what is `ready`."""
    path, keys, cookies = ready
    shutil.copytree(path.parent, folder / "copy")
    with open_store(f"sqlite:///{folder / 'copy' / path.name}") as store, open_lender_on(store) as lender:
        lender.desk.house.keys |= keys
        lender.desk.people |= {name: Person(lender.desk, name, dict(kept)) for name, kept in cookies.items()}
        lender.come()
        yield lender


@contextmanager
def open_lender_on(store: Store) -> Iterator[Lender]:
    """The lender on this very store."""
    house = House(store)
    house.door = make_door(house.services)
    with TestClient(app=house.door, raise_server_exceptions=True) as http:
        yield Lender(Desk(house, http))
