"""The composition root: one program made of the rooms, and served. Nothing else names what it is made of.

`build` makes a program on a store; `serve` runs it behind a socket until it is told to stop: it then takes no more,
answers what it has, and ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_bytes, token_hex
from socket import socket
from typing import Any, cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from roadworthy import api, desk
from roadworthy.access import KeyRing, Passwords, RandomBytes
from roadworthy.batch import forget_files, job_handlers
from roadworthy.door import BoundedProtocol, Door, Metrics, Services, make_log
from roadworthy.erasure import open_kept_store
from roadworthy.errors import StoreError, UsageError
from roadworthy.jobs import Runner
from roadworthy.live import CurrentRoute
from roadworthy.records import Store, new_id
from roadworthy.settings import Settings

__all__ = ["App", "build", "serve", "settle_process"]

# As the ASGI specification has them.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

DRAIN_SECONDS = 30
"""How long requests that are under way may take once the program was told to stop."""
_START_SECONDS = 120
_TURN_SECONDS = 0.0005
"""How long one thread may keep the interpreter while another waits for it: a tenth of Python's own."""
_FORGET_EVERY_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class App:
    """A program on one store. `start` begins its long work, `stop` ends it, `close` lets the store go."""

    settings: Settings
    store: Store
    current: CurrentRoute
    keys: KeyRing
    passwords: Passwords
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    random: RandomBytes
    runner: Runner
    door: Asgi
    _told_to_stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    async def asgi(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """The door, as an ASGI application in whose lifespan the long work is done."""
        if scope["type"] != "lifespan":
            await self.door(scope, receive, send)
            return

        async def receive_and_act() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.to_thread(self.start)
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self.stop)
            return message

        await self.door(scope, receive_and_act, send)

    def start(self) -> None:
        """Make ready to decide: the release is loaded and its kernels compiled; the job runner begins."""
        self.current.warm()
        for name, work in (("jobs", self.runner.run_forever), ("forgetting", self._forget_files)):
            thread = threading.Thread(target=work, args=(self._told_to_stop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let the job under way come to its next step, and end; whoever runs jobs next goes on there."""
        self._told_to_stop.set()
        for thread in self._threads:
            thread.join(DRAIN_SECONDS)

    def _forget_files(self, stop: threading.Event) -> None:
        """Every hour, what long work no longer needs; a store that is out of reach meanwhile is asked again."""
        keep = timedelta(days=self.settings.keep_files_days)
        while not stop.is_set():
            with suppress(StoreError):
                forget_files(self.store, self.clock(), keep)
            stop.wait(_FORGET_EVERY_SECONDS)

    def close(self) -> None:
        """Let the store go."""
        self.store.close()


def make_door(services: Services) -> Door:
    """The outermost application: programs and people come in by entrances of their own, through one door."""
    metrics = Metrics()
    entrances = [api.make_entrance(services, metrics), desk.make_entrance(services, metrics)]
    return Door(services, entrances, metrics, make_log(services.settings.log_level))


def build(settings: Settings) -> App:
    """The program on the store that the settings name. StoreError where there is none, or none of this version."""

    def clock() -> datetime:
        return datetime.now(UTC)

    def make_id() -> str:
        return new_id(clock())

    store = open_kept_store(settings, now=clock())
    try:
        current = CurrentRoute(store, trusted_types=settings.trusted)
        worker = f"{os.getpid()}-{token_hex(4)}"
        runner = Runner(store, job_handlers(current, clock), worker=worker, clock=clock, new_id=make_id)
        services = Services(
            store=store,
            current=current,
            keys=KeyRing(store),
            settings=settings,
            clock=clock,
            new_id=make_id,
            random=token_bytes,
            passwords=Passwords(),
            wake=runner.wake,
        )
        return App(
            settings=settings,
            store=store,
            current=current,
            keys=services.keys,
            passwords=services.passwords,
            clock=clock,
            new_id=make_id,
            random=token_bytes,
            runner=runner,
            door=cast(Asgi, make_door(services)),
        )
    except BaseException:
        store.close()
        raise


def serve(settings: Settings, listening: socket, *, say: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT; then take no more, answer what is under way, and return.

    `listening` is a socket that listens already, so that whoever comes while the program starts waits for it instead
    of being turned away. `say` is told, in a sentence, once it serves. UsageError: more than one process on SQLite, or
    another one serves the same file. StoreError: the store cannot be used.
    """
    with _alone(settings):
        app = build(settings)
        try:
            taken = app.current.warm()
            champion = f"release {taken.route.champion}" if taken.champion is not None else "no release is live yet"
            trial = ", a trial" if app.current.trial else ""
            if settings.workers == 1:
                settle_process()
                config = _configure(settings, app.asgi)
                _run_one(config, listening, lambda: say(f"{_place(listening)} serves: {champion}{trial}"))
                return
        finally:
            app.close()
        # Nothing of what is open here may be carried into other processes.
        config = _configure(settings, partial(_build_worker, settings), workers=settings.workers)
        say(f"{_place(listening)} serves with {settings.workers} processes: {champion}{trial}")
        Multiprocess(config, [listening]).run()


def _build_worker(settings: Settings) -> Asgi:
    """The application of one of several processes."""
    app = build(settings)
    settle_process()
    return app.asgi


def settle_process() -> None:
    """Let nobody wait long for the interpreter in this process, which serves from now on.

    What is loaded by now stays: the search for cycles of dead objects need not go through it again, which takes it all
    for a quarter of a second, and threads take turns ten times as often as Python's own, for beside long work a page
    would wait a whole turn some twenty times.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_TURN_SECONDS)


def _configure(settings: Settings, app: Callable[..., object], *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="error" if settings.log_level == "error" else "warning",
        access_log=False,  # the door writes its own, without personal data
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        # A process that starts gives no sign before its libraries are loaded, and must not be taken for one that hangs.
        timeout_worker_healthcheck=_START_SECONDS,
    )


def _run_one(config: uvicorn.Config, listening: socket, ready: Callable[[], None]) -> None:
    """Run in this process. To be told to stop is how a server ends well, so the signal stops here."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _Server(config, ready).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Nobody else serves this SQLite file meanwhile, however either process ends. PostgreSQL takes any number."""
    if not settings.store.startswith("sqlite:"):
        yield
        return
    if settings.workers > 1:
        raise UsageError(
            f"{settings.workers} processes cannot serve a store on SQLite",
            where="--workers",
            mend="one worker, or a store on PostgreSQL (postgresql://...)",
        )
    import fcntl

    store = Path(settings.store.removeprefix("sqlite:///"))
    if not store.is_file():
        yield  # `build` says what is wrong
        return
    # A lock beside the file: closing any handle of the database's own file would drop SQLite's locks on it.
    with store.with_name(f"{store.name}.serving").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UsageError(
                f"another process serves this store: {file.read().strip() or 'it is starting'}",
                where=store,
                mend="stop that one first, or keep the store on PostgreSQL, where several processes serve",
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def _place(listening: socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
