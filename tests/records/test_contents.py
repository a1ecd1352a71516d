"""Bytes are kept by their digest, once, and never given out changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from roadworthy.errors import StoreError, UsageError
from roadworthy.records import Store, create_store, drop_content, keep_content, open_store, read_content
from roadworthy.records import contents as contents_module
from roadworthy.records.schema import contents
from tests.stores import MADE


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=5000))
def test_bytes_come_back_as_they_were(store: Store, data: bytes) -> None:
    digest = store.transact(lambda connection: keep_content(connection, data, "application/x-test"))
    assert digest == sha256(data).hexdigest()
    with store.reading() as connection:
        found = read_content(connection, digest)
    assert found is not None
    assert (found.data, found.media_type) == (data, "application/x-test")


def test_the_same_bytes_are_kept_once_however_many_bring_them(store_url: str, store: Store) -> None:
    def keep(_: int) -> str:
        with open_store(store_url) as own:
            return own.transact(lambda connection: keep_content(connection, b"the same", "text/plain"))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(keep, range(8)))) == 1


def test_what_was_changed_in_the_store_is_not_given_out(store: Store) -> None:
    digest = store.transact(lambda connection: keep_content(connection, b"model", "application/x-test"))
    store.transact(lambda connection: connection.execute(update(contents).values(bytes=b"other")))
    with store.reading() as connection, pytest.raises(StoreError, match="something else"):
        read_content(connection, digest)


def test_bytes_swapped_for_a_text_are_not_given_out_even_where_they_spell_the_same(tmp_path: Path) -> None:
    """SQLite keeps in a column of bytes whatever somebody puts there by hand."""
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        digest = store.transact(lambda connection: keep_content(connection, b"model", "application/x-test"))
        store.transact(lambda connection: connection.execute(text("UPDATE contents SET bytes = CAST(bytes AS TEXT)")))
        with store.reading() as connection, pytest.raises(StoreError, match="something else") as refused:
            read_content(connection, digest)
        assert digest in str(refused.value)


def test_what_is_dropped_is_gone_and_what_is_too_large_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.transact(lambda connection: keep_content(connection, b"model", "application/x-test"))
    store.transact(lambda connection: drop_content(connection, digest))
    with store.reading() as connection:
        assert read_content(connection, digest) is None
    monkeypatch.setattr(contents_module, "LARGEST", 3)
    with pytest.raises(UsageError, match="4 bytes"):
        store.transact(lambda connection: keep_content(connection, b"four", "text/plain"))
