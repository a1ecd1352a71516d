"""What is PostgreSQL's own: how it is set, many writers, and how it fails (R10, R28)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, exc, text

from roadworthy.errors import OutcomeUnknown, StoreError, UsageError
from roadworthy.records import Recorded, Replayed, Store, create_store, open_store, verify_chain
from roadworthy.testing.entries import Entries
from tests.stores import MADE, Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.make_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with create_store(url, store_id="a", at=MADE) as made:
        yield made


def test_a_commit_is_on_disk_before_it_returns_whatever_the_server_says(postgres: Postgres, store: Store) -> None:
    with psycopg.connect(postgres.url("postgres")) as plain:
        row = plain.execute("SHOW synchronous_commit").fetchone()
    assert row == ("off",)

    def look(connection: Any) -> str:
        return str(connection.execute(text("SHOW synchronous_commit")).scalar())

    assert store.transact(look) == "on"


@pytest.mark.parametrize(("asked", "found"), [("", 20_000), ("&tcp_user_timeout=3000", 3_000)])
def test_a_machine_that_vanishes_is_given_up_after_a_while(url: str, store: Store, asked: str, found: int) -> None:
    """What the kernel was told, on a connection's own socket: an answer that never comes is not waited for for ever."""

    def look(connection: Any) -> int:
        raw = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(raw.fileno())) as wire:
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            return wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    with open_store(url + asked) as second:
        assert second.transact(look) == found


def test_writers_have_slots_of_their_own_and_each_is_tied_to_those_before(url: str, store: Store) -> None:
    store.ledger.append([Entries(1).decision()])
    with open_store(url) as second, open_store(url) as third:
        second.ledger.append([Entries(2).decision()])
        third.ledger.append([Entries(3).decision()])
        second.ledger.append([Entries(4).decision()])
    assert [(head.slot, head.seq) for head in store.ledger.heads()] == [(1, 2), (2, 3), (3, 2)]
    page = store.ledger.read()
    assert page.cursor == {1: 2, 2: 3, 3: 2}
    assert verify_chain(store).records == 7
    with open_store(url) as again:  # a slot that was given back is taken up again where it stood
        again.ledger.append([Entries(5).decision()])
    assert [(head.slot, head.seq) for head in store.ledger.heads()] == [(1, 2), (2, 4), (3, 2)]


def test_a_connection_cut_before_the_commit_is_unknown_and_the_key_settles_it(postgres: Postgres, store: Store) -> None:
    entries = Entries()
    first = entries.decision(key="k")
    writer = store.connections.writer

    cuts: list[int] = []

    def cut(connection: Any) -> None:
        if cuts:
            return
        cuts.append(1)
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(writer, "commit", cut)
    with pytest.raises(OutcomeUnknown, match="broke off"):
        store.ledger.append([first])
    (again,) = store.ledger.append([entries.decision(key="k")]).results
    assert isinstance(again, Recorded)
    assert verify_chain(store).records == 2


def test_a_server_killed_under_load_loses_nothing_acknowledged(postgres: Postgres, url: str, store: Store) -> None:
    acknowledged: dict[str, str] = {}
    stop = threading.Event()

    def write(writer: int) -> None:
        entries = Entries(writer)
        number = 0
        while not stop.is_set():
            keys = [f"{writer}-{number + n}" for n in range(8)]
            try:
                results = store.ledger.append([entries.decision(key, key=key) for key in keys]).results
            except StoreError:  # unknown, or out of reach: the same keys again
                time.sleep(0.02)
                continue
            for key, result in zip(keys, results, strict=True):
                assert isinstance(result, Recorded | Replayed)
                acknowledged[key] = result.record_id if isinstance(result, Recorded) else result.record.record_id
            number += 8

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(2):
            seen = len(acknowledged)
            while len(acknowledged) < seen + 100:
                time.sleep(0.01)
            postgres.kill()
            postgres.start()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    recorded: dict[str, list[str]] = {}
    page = store.ledger.read(limit=1000)
    while page.records:
        for row in page.records:
            recorded.setdefault(row.subject, []).append(row.record_id)
        page = store.ledger.read(page.cursor, limit=1000)
    assert len(acknowledged) > 200
    assert all(recorded[key] == [record_id] for key, record_id in acknowledged.items())
    assert verify_chain(store)


FROZEN = """
import sys, time
from roadworthy.errors import StoreError
from roadworthy.records import open_store
from roadworthy.testing.entries import Entries
entries = Entries(77)
with open_store(sys.argv[1]) as store:
    def work(connection):
        store.ledger.append([entries.decision("frozen")], epoch=0, within=connection)
        print("inside", flush=True)
        time.sleep(0.5)
    try:
        store.transact(work)
        print("recorded")
    except StoreError as error:
        print(type(error).__name__)
"""


def test_a_replica_frozen_across_a_switch_keeps_nobody_waiting_and_records_nothing(url: str, store: Store) -> None:
    """R13: nothing is recorded under the old epoch after the thaw."""
    replica = subprocess.Popen([sys.executable, "-c", FROZEN, url], stdout=subprocess.PIPE, text=True)
    assert replica.stdout is not None
    try:
        assert replica.stdout.readline() == "inside\n"
        replica.send_signal(signal.SIGSTOP)
        entries = Entries()
        began = time.monotonic()
        store.ledger.change_route(entries.route_change(), expected_epoch=0)
        assert time.monotonic() - began < 25
        store.ledger.append([entries.decision()], epoch=1)
    finally:
        replica.send_signal(signal.SIGCONT)
    assert replica.stdout.readline() == "OutcomeUnknown\n"
    replica.wait()
    replica.stdout.close()
    assert store.ledger.history("frozen") == []
    assert verify_chain(store).records == 3


def test_a_writer_frozen_while_it_hands_over_rows_is_cut_off_by_who_waits(url: str, store: Store) -> None:
    """R13: the server's own time-outs do not end a COPY whose client says nothing more."""
    entries = Entries()
    with psycopg.connect(url) as frozen, frozen.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '5s'")
        cursor.execute("SELECT pg_advisory_xact_lock_shared(7610, 1)")
        cursor.execute("SET statement_timeout = '5s'")
        with pytest.raises(psycopg.errors.AdminShutdown), cursor.copy("COPY records FROM STDIN (FORMAT BINARY)"):
            store.ledger.change_route(entries.route_change(), expected_epoch=0)
    store.ledger.append([entries.decision()], epoch=1)
    assert verify_chain(store).records == 3


def test_where_nobody_can_look_nobody_is_cut_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_free() -> None:
        raise exc.TimeoutError

    monkeypatch.setattr(store.connections.reader, "connect", none_free)
    assert store.connections.clear_way() is False


def test_a_writer_that_works_is_not_cut_off(url: str, store: Store) -> None:
    with psycopg.connect(url) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(7610, 1)")
        with ThreadPoolExecutor(1) as pool:
            busy = pool.submit(cursor.execute, "SELECT pg_sleep(13)")
            with pytest.raises(StoreError, match="another writer keeps the store"):
                store.ledger.change_route(Entries().route_change(), expected_epoch=0)
        assert busy.result().fetchone() == ("",)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match="cannot be"):
        open_store("postgresql://rw@127.0.0.1:1/nowhere")
    with pytest.raises(UsageError, match="has a database"):
        open_store("postgresql://rw@127.0.0.1:1")
