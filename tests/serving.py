"""The product as it runs in earnest: `roadworthy serve`, in processes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.stores import free_port

__all__ = ["PATIENCE", "PROGRAM", "Server", "running_servers"]

PROGRAM = (str(Path(sys.executable).with_name("roadworthy")), "serve")
PATIENCE = 300.0
"""How many seconds anything may take on a machine that others use too."""
_TOLD = {"ROADWORTHY_LOG_LEVEL": "error", "ROADWORTHY_RATE_LIMIT_PER_SECOND": "0"}


@dataclass
class Server:
    """One server of a product's directory: the same port each time it starts, so that clients find it again."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = PROGRAM
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / f"serve-{self.port}.log"

    def start(self) -> None:
        """Start. From the main thread only: the server ends with the thread that started it."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ROADWORTHY_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*_ending_with_us(), *self.program, "--port", str(self.port), "--directory", str(self.directory)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**outside, **_TOLD, **self.settings},
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        ends = time.monotonic() + PATIENCE
        while not self._is_ready():
            self.check_running()
            assert time.monotonic() < ends, f"it does not get ready:\n{self.said()}"
            time.sleep(0.05)

    def check_running(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said()}"

    def kill(self) -> None:
        """kill -9 of the server and whatever it started, as a crash would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Tell it to end, as whoever deploys does; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=PATIENCE)

    def said(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-4000:]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running_servers(*servers: Server) -> Iterator[None]:
    """The servers, ready; none of them is left running, however the block ends."""
    with ExitStack() as ending:
        for server in servers:
            ending.callback(_end, server)
            server.start()
        for server in servers:
            server.wait_until_ready()
        yield


def _end(server: Server) -> None:
    if server.process is not None and server.process.poll() is None:
        server.kill()


def _ending_with_us() -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
