"""A file that is no package, or no longer the one that was sealed, is refused in words that name the part (R13)."""

from __future__ import annotations

import io
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.errors import PackageError
from roadworthy.model import load, load_bytes
from roadworthy.model.package_file import file_bytes, parts_of

SOUND = (Path(__file__).parent / "packages" / "protocol-1" / "linear.rw").read_bytes()
PARTS = parts_of(SOUND, "sound")
END = 22


def refusal(content: bytes) -> str:
    with pytest.raises(PackageError) as raised:
        load_bytes(content, where="odd.rw")
    assert raised.value.where == "odd.rw"
    assert raised.value.mend == "copy or seal it again"
    return raised.value.message


def owners() -> list[str]:
    """The part that each byte of the file belongs to: its header, its content, its entry in the directory."""
    names = sorted(PARTS)
    found = [name for name in names for _ in range(30 + len(name) + len(PARTS[name]))]
    found += [name for name in names for _ in range(46 + len(name))]
    assert len(found) == len(SOUND) - END
    return found


def test_every_flipped_byte_is_refused_and_the_part_it_belongs_to_is_named() -> None:
    for place, owner in enumerate(owners()):
        flipped = bytearray(SOUND)
        flipped[place] ^= 1 << (place % 8)
        assert owner in refusal(bytes(flipped)), place
    for place in range(len(SOUND) - END, len(SOUND)):
        for bit in range(8):
            flipped = bytearray(SOUND)
            flipped[place] ^= 1 << bit
            assert re.search(r"its end|it has \d+ parts", refusal(bytes(flipped))), place


def test_every_truncation_is_refused_and_names_the_part_that_is_cut() -> None:
    """What is cut within its header, its own name perhaps too, goes by the part before it."""
    owner, names = owners(), sorted(PARTS)
    before = dict(zip(names, ["its first part", *names], strict=False))
    for length in range(len(SOUND)):
        said = refusal(SOUND[:length])
        assert "cut off" in said, length
        if length >= len(owner):
            assert "within its end" in said
        else:
            last = owner[max(length - 4, 0)]  # the directory begins after it, with a sign of four bytes
            assert any(name in said for name in (owner[length], last, before[owner[length]])), (length, said)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SOUND + b"\0", "1 bytes after its end"),
        (SOUND + SOUND, f"{len(SOUND):,} bytes after its end"),
        (b"#!/bin/sh\n" + SOUND, "its first part does not begin where it should"),
        (b"", "its first part is cut off"),
        (b"age,bad\n41,0\n" * 9, "its first part does not begin where it should"),
        (SOUND[:-2] + b"\1\0" + b"!", "its end is not as it was written"),
    ],
)
def test_bytes_before_between_and_after_are_refused(content: bytes, message: str) -> None:
    assert message in refusal(content)


def zipped(change: Callable[[zipfile.ZipFile], None], **parts: bytes) -> bytes:
    """A zip of the sound parts, written by another program; `change` adds what is odd."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice is meant
        for name in sorted(PARTS):
            archive.writestr(name, parts.get(name, PARTS[name]))
        change(archive)
    return stream.getvalue()


def entry(name: str, *, mode: int = 0, extra: bytes = b"") -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.external_attr, found.extra = mode << 16, extra
    return found


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/cron.d/job",
        "/etc/passwd",
        "plan/../../up.npy",
        "..",
        "C:/Windows/win.ini",
        "\\\\host\\share",
        "..\\up",
    ],
)
def test_a_name_that_leads_out_is_refused_and_nothing_is_written(name: str) -> None:
    assert f"{name} is a name that leads out of the package" in refusal(
        zipped(lambda archive: archive.writestr(entry(name), b"*"))
    )


@pytest.mark.parametrize(
    "name", ["a b.json", "plan/", "./code.npy", "plan//code.npy", "code\n.npy", "café.json", "~", ""]
)
def test_a_name_that_no_part_has_is_refused(name: str) -> None:
    assert f"{name!r} is no name of a part" in refusal(
        file_bytes({**PARTS, name: b"*"}) if name else file_bytes({"": b"*"})
    )


def test_a_symbolic_link_is_refused() -> None:
    link = entry("native.skops", mode=stat.S_IFLNK | 0o777)
    assert "native.skops is a symbolic link" in refusal(zipped(lambda archive: archive.writestr(link, b"/etc/passwd")))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_nothing_is_unpacked_so_there_are_no_bombs(method: int) -> None:
    bomb = zipped(lambda archive: archive.writestr(entry("more.json"), b"0" * 10_000_000, method))
    assert len(bomb) < len(SOUND) + 20_000
    assert "more.json is compressed: it would unpack to 10,000,000 bytes" in refusal(bomb)


@pytest.mark.parametrize("size", [len(PARTS["golden.json"]) + 1, 2**31, 2**32 - 1])
def test_a_part_that_says_it_is_larger_than_the_file_is_refused(size: int) -> None:
    declared = struct.pack("<2L", *[len(PARTS["golden.json"])] * 2)
    odd = SOUND.replace(declared, struct.pack("<2L", size, size))
    said = refusal(odd)
    assert "golden.json is cut off" in said or "golden.json is not what its checksum says" in said


def test_an_encrypted_part_is_refused() -> None:
    odd = bytearray(SOUND)
    odd[6] |= 1
    assert "contract.json is encrypted" in refusal(bytes(odd))


def test_a_part_whose_size_follows_its_content_is_refused() -> None:
    odd = bytearray(SOUND)
    odd[6] |= 8
    assert "contract.json says how long it is only where it ends" in refusal(bytes(odd))


def test_a_part_that_is_there_twice_is_refused() -> None:
    odd = zipped(lambda archive: archive.writestr("contract.json", b"{}"))
    assert "contract.json is there twice" in refusal(odd)


def test_bytes_beside_a_part_s_content_are_refused() -> None:
    odd = zipped(lambda archive: archive.writestr(entry("more.json", extra=b"\x99\x99\4\0hide"), b"{}"))
    assert "more.json carries 8 bytes beside its content" in refusal(odd)


def test_two_names_for_one_part_are_refused() -> None:
    odd = SOUND.replace(b"golden.json", b"g0lden.json", 1)
    assert "golden.json goes by the name g0lden.json where it stands" in refusal(odd)


def test_a_zip_written_otherwise_is_refused_even_with_the_same_parts() -> None:
    """There is one way to write given parts, so that no byte can carry anything else."""
    assert "contract.json was not written by Roadworthy" in refusal(zipped(lambda _: None))
    names = sorted(PARTS)
    swapped = {name: PARTS[name] for name in [names[1], names[0], *names[2:]]}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in swapped.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    assert "was not written by Roadworthy" in refusal(stream.getvalue())


def test_a_zip_of_ten_thousand_parts_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(10_000):
            archive.writestr(f"{i}.json", b"")
    assert "it has 10000 parts" in refusal(stream.getvalue())
    endless = b"".join(file_bytes({f"{i}.json": b""})[:39] for i in range(1_000, 7_000))
    assert "it has more than 5000 parts" in refusal(endless)


def test_a_file_larger_than_any_package_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.rw"
    with path.open("wb") as stream:
        stream.truncate(2**31 + 1)
    with pytest.raises(PackageError, match="is larger than 2 GiB"):
        load(path)
