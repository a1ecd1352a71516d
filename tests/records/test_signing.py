"""Heads are signed by a key outside the database; keys follow each other on the record (R23, R28)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from roadworthy.errors import Refused, StoreError, UsageError
from roadworthy.records import (
    KeyIntroduced,
    SignedHeads,
    SigningKey,
    Store,
    encode_payload,
    export_heads,
    list_signing_keys,
    make_signing_key,
    read_signed_heads,
    rotate_signing_key,
    verify_chain,
    write_signed_heads,
)
from roadworthy.records.entry import Entry
from roadworthy.records.key_files import read_key_file, replace_key_file
from roadworthy.testing.entries import Entries
from tests.stores import MADE

ENTRIES = Entries(50)


def export(store: Store, path: Path, at: datetime = MADE) -> SignedHeads:
    return export_heads(store, path, at=at, actor="ana", new_id=ENTRIES.record_id)


def rotate(store: Store, path: Path, lost: str = "") -> KeyIntroduced:
    return rotate_signing_key(store, path, at=MADE, actor="ana", new_id=ENTRIES.record_id, lost=lost)


def public_keys(store: Store) -> list[str]:
    with store.reading() as connection:
        return [one.public_key for one in list_signing_keys(connection)]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_signing_key(tmp_path / "signing.key")
    return tmp_path / "signing.key"


def test_heads_from_before_a_change_of_keys_stay_good(store: Store, key: Path) -> None:
    before = export(store, key)
    old = SigningKey.read(key).public
    introduced = rotate(store, key)
    after = export(store, key)
    assert (introduced.previous, introduced.public_key) == (old, SigningKey.read(key).public)
    assert [before.public_key, after.public_key] == public_keys(store) == [old, introduced.public_key]
    assert verify_chain(store, kept=[before, after]).fault is None
    assert list(key.parent.glob("signing.key*")) == [key]


def test_a_key_is_on_the_record_once_however_often_it_signs(store: Store, key: Path) -> None:
    assert len({export(store, key).public_key for _ in range(3)}) == len(public_keys(store)) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda heads: msgspec.structs.replace(heads, store_id="another"),
        lambda heads: msgspec.structs.replace(heads, heads=()),
        lambda heads: msgspec.structs.replace(heads, at=ENTRIES.now()),
    ],
)
def test_heads_that_were_changed_bear_no_signature(
    store: Store, key: Path, tmp_path: Path, change: Callable[[object], object]
) -> None:
    signed = export(store, key)
    write_signed_heads(tmp_path / "h.json", signed)
    assert read_signed_heads(tmp_path / "h.json") == signed
    with pytest.raises(UsageError, match="already"):
        write_signed_heads(tmp_path / "h.json", signed)
    forged = msgspec.structs.replace(signed, heads=change(signed.heads))
    (tmp_path / "h.json").write_bytes(msgspec.json.encode(forged))
    with pytest.raises(StoreError, match="signature"):
        read_signed_heads(tmp_path / "h.json")


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"heads":', b"\xff"])
def test_what_are_no_heads_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "h.json").write_bytes(text)
    with pytest.raises(StoreError, match="no signed heads"):
        read_signed_heads(tmp_path / "h.json")


def test_heads_of_another_store_or_of_an_unknown_key_prove_nothing(store: Store, key: Path, tmp_path: Path) -> None:
    signed = export(store, key)
    from roadworthy.records.signing import sign_heads

    eve = sign_heads(signed.heads, SigningKey.new())
    assert "never introduced" in str(verify_chain(store, kept=[eve]).fault)
    other = sign_heads(msgspec.structs.replace(signed.heads, store_id="b"), SigningKey.read(key))
    assert "of another store: b, not a-store" in str(verify_chain(store, kept=[other]).fault)


def test_a_key_that_is_not_the_present_one_signs_nothing(store: Store, key: Path) -> None:
    export(store, key)
    earlier = read_key_file(key)
    rotate(store, key)
    replace_key_file(key, earlier)
    with pytest.raises(Refused, match="an earlier one"):
        export(store, key)
    with pytest.raises(Refused, match="not the store's present one"):
        rotate(store, key)
    replace_key_file(key, SigningKey.new().pem)
    with pytest.raises(Refused, match="another store's, or new"):
        export(store, key)


def test_a_lost_key_is_followed_by_one_that_says_so(store: Store, key: Path) -> None:
    before = export(store, key)
    key.unlink()
    with pytest.raises(StoreError, match="not there"):
        rotate(store, key)
    key.with_name("signing.key.next").unlink(missing_ok=True)
    assert rotate(store, key, lost="the laptop burnt").lost == "the laptop burnt"
    assert verify_chain(store, kept=[before, export(store, key)]).fault is None


def test_a_lost_key_whose_change_is_broken_off_is_changed_once(
    store: Store, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(store, key)
    key.unlink()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("roadworthy.records.signing.replace_key_file", die)
        with pytest.raises(KeyboardInterrupt):
            rotate(store, key, lost="the laptop burnt")
    rotate(store, key, lost="the laptop burnt")
    assert len(public_keys(store)) == 2
    assert verify_chain(store, kept=[export(store, key)]).fault is None


@pytest.mark.parametrize("step", ["before its record", "after its record"])
def test_a_change_of_keys_that_is_broken_off_is_brought_to_its_end(
    store: Store, key: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever signs next, or changes keys again, finds the store and the file to agree."""
    old = export(store, key).public_key

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    broken = "_introduce" if step == "before its record" else "replace_key_file"
    with monkeypatch.context() as patched:
        patched.setattr(f"roadworthy.records.signing.{broken}", die)
        with pytest.raises(KeyboardInterrupt):
            rotate(store, key)
    now = export(store, key).public_key
    assert (now == old) == (step == "before its record")
    assert public_keys(store)[-1] == now
    rotate(store, key)
    assert public_keys(store)[-1] == SigningKey.read(key).public == export(store, key).public_key
    assert verify_chain(store).fault is None


def introduce(store: Store, introduced: KeyIntroduced) -> None:
    store.ledger.append(
        [
            Entry(
                record_id=ENTRIES.record_id(), kind="signing_key", subject="store", actor="eve", at=MADE,
                payload=encode_payload(introduced),
            )
        ]
    )  # fmt: skip


def test_a_key_that_slips_in_is_found(store: Store, key: Path) -> None:
    export(store, key)
    (old,) = public_keys(store)
    eve = SigningKey.new()
    bare = KeyIntroduced(store_id="a-store", public_key=eve.public, previous=old)
    introduce(store, msgspec.structs.replace(bare, signature=eve.sign(bare.statement())))
    assert "is not signed by the key before it" in str(verify_chain(store).fault)


def test_a_second_first_key_is_found(store: Store, key: Path) -> None:
    export(store, key)
    eve = SigningKey.new()
    bare = KeyIntroduced(store_id="a-store", public_key=eve.public)
    introduce(store, msgspec.structs.replace(bare, signature=eve.sign(bare.statement())))
    assert "is not the first" in str(verify_chain(store).fault)


def test_what_is_no_key_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no signing key"):
        SigningKey(b"secret")
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(StoreError, match="another kind"):
        SigningKey(other)
