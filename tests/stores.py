"""The stores that tests run on: a SQLite file, and a real PostgreSQL server started for the session.

`from tests.stores import *` in a room's conftest.py brings the fixtures:

    postgres     a running server of this machine's own PostgreSQL; skips where there is none
    store_url    the address of a place without a store, once on SQLite and once on PostgreSQL
    store        a fresh, empty store at such a place, once on each
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest

from roadworthy.records import Store, create_store

__all__ = ["MADE", "Postgres", "another_store_url", "free_port", "postgres", "running_postgres", "store", "store_url"]

MADE = datetime(2026, 11, 1, 9, tzinfo=UTC)
_NAMES = count(1)


@dataclass
class Postgres:
    """One server, on the loopback only, with its files in a folder that goes with it."""

    binaries: Path
    folder: Path
    port: int
    fsync: bool
    process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"postgresql://rw@127.0.0.1:{self.port}/{name}"

    def make_database(self) -> str:
        """The address of a new, empty place: a schema of its own, which is made much faster than a database."""
        name = f"rw{next(_NAMES)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def make_cluster(self) -> None:
        self._run(
            "initdb",
            "-D",
            str(self.folder / "data"),
            "-U",
            "rw",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale",
            "C.UTF-8",
        )

    def start(self) -> None:
        """Start, and wait until it takes connections; after `kill` it recovers."""
        ends = time.monotonic() + 60
        while not self._try_start(ends):  # what was killed may hold its shared memory for a moment yet
            if time.monotonic() > ends:
                raise RuntimeError("PostgreSQL does not start:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.2)

    def _try_start(self, ends: float) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "fsync": "on" if self.fsync else "off",
            # The opposite of what the product needs: it must set this itself.
            "synchronous_commit": "off",
        }
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_as_another(), str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > ends:
                return False
            time.sleep(0.05)
        return True

    def kill(self) -> None:
        """kill -9 of the server and all its processes, as a crash would."""
        assert self.process is not None
        server = self.process.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=60)

    def _is_ready(self) -> bool:
        asked = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "rw"]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*_as_another(), str(self.binaries / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def running_postgres(*, fsync: bool) -> Iterator[Postgres | None]:
    """A server of this machine's own PostgreSQL; None where there is none."""
    binaries = _find_binaries()
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _OTHER)
    server = Postgres(binaries, folder, free_port(), fsync=fsync)
    try:
        server.make_cluster()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server. Processes are killed in tests and the power stays on, so nothing is synced."""
    with running_postgres(fsync=False) as server:
        if server is None:
            pytest.skip("no initdb and postgres on this machine")
        yield server


def another_store_url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a place without a store."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'store{next(_NAMES)}.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.make_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return another_store_url(request.param, request, tmp_path)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with create_store(store_url, store_id="a-store", at=MADE) as made:
        yield made


def _find_binaries() -> Path | None:
    """The newest PostgreSQL on this machine: it will not run as root, so somebody else must be there to run it."""
    if os.geteuid() == 0 and (shutil.which("setpriv") is None or not _has(_OTHER)):
        return None
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: (len(place.parent.name), place), reverse=True
    )
    needed = ("initdb", "postgres", "pg_isready")
    places = [*packaged, *(Path(folder) for folder in os.get_exec_path())]
    return next((place for place in places if all((place / program).is_file() for program in needed)), None)


_OTHER = "nobody"


def _has(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _as_another() -> list[str]:
    """The words before a command that make it run as nobody, where we are root, and end with us, however we end."""
    if shutil.which("setpriv") is None:
        return []
    other = ["--reuid", _OTHER, "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *other, "--pdeathsig", "QUIT"]


def free_port() -> int:
    """A port of the loopback that nobody uses, below 32768: above it, the system hands ports out by itself."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) != 0:
                return port
