"""Key files are their owner's alone, never written over, and replaced whole (R30)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from roadworthy.errors import Refused, StoreError
from roadworthy.records.key_files import make_key_file, read_key_file, replace_key_file


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    make_key_file(path, b"first")
    with pytest.raises(Refused, match="already"):
        make_key_file(path, b"second")
    assert read_key_file(path) == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["a.key"]


def test_of_many_that_make_the_same_file_one_does(tmp_path: Path) -> None:
    made: list[bytes] = []

    def make(data: bytes) -> None:
        try:
            make_key_file(tmp_path / "a.key", data)
        except Refused:
            return
        made.append(data)

    makers = [threading.Thread(target=make, args=(f"{n}".encode(),)) for n in range(16)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert made == [read_key_file(tmp_path / "a.key")]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_key_that_others_can_get_at_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    make_key_file(path, b"a")
    path.chmod(mode)
    with pytest.raises(StoreError, match="others than its owner") as told:
        read_key_file(path)
    assert told.value.mend == f"chmod 600 {path}"


def test_what_is_no_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not there"):
        read_key_file(tmp_path / "a.key")
    with pytest.raises(StoreError, match="no file"):
        read_key_file(tmp_path)
    (tmp_path / "empty").touch(mode=0o600)
    with pytest.raises(StoreError, match="empty"):
        read_key_file(tmp_path / "empty")
    (tmp_path / "in the way").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        make_key_file(tmp_path / "in the way" / "a.key", b"a")


def test_a_key_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    make_key_file(path, b"first")
    replace_key_file(path, b"second")
    assert read_key_file(path) == b"second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]
