"""Files made to do harm, read in a process apart: each is told what is wrong with it, none harms us (R5, R28).

A file here is read as an upload is: with bounds on its time and memory, and no network.
"""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import socket
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from roadworthy.batch import open_apart, open_table
from roadworthy.batch.sources import apart, inside
from roadworthy.batch.sources.source import MOST_COLUMNS
from roadworthy.errors import DataError

LONG = bool(os.environ.get("LONG_TESTS"))


def read(folder: Path, content: bytes) -> pa.Table:
    path = folder / "upload"
    path.write_bytes(content)
    with open_apart(path) as source:
        return source.read()


def read_or_refuse(folder: Path, content: bytes) -> pa.Table | DataError:
    try:
        return read(folder, content)
    except DataError as error:
        return error


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(folder / "upload"))
    return str(caught.value)


@cache
def parquet(rows: int = 2_000) -> bytes:
    table = pa.table(
        {
            "age": pa.array(range(rows), pa.int64()),
            "income": pa.array([i * 1.5 for i in range(rows)], pa.float64()),
            "region": pa.array([("N", "S", None)[i % 3] for i in range(rows)]).dictionary_encode(),
            "when": pa.array([i * 1_000_000 for i in range(rows)], pa.timestamp("us", "UTC")),
            "notes": [[f"note {i}"] for i in range(rows)],
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=rows // 2, compression="zstd")
    return out.getvalue()


def xlsx(change: Callable[[str, bytes], bytes] = lambda _, content: content) -> bytes:
    """A small workbook, its parts changed."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as writing:
        sheet = writing.add_worksheet("Loans")
        for place, row in enumerate([["age", "region"], [41, "N"], [35, "S"]]):
            sheet.write_row(place, 0, row)
    out = io.BytesIO()
    with zipfile.ZipFile(book) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as changed:
        for name in made.namelist():
            changed.writestr(name, change(name, made.read(name)))
    return out.getvalue()


def test_what_is_read_apart_is_what_is_read_here(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    for content in (parquet(), xlsx(), b"age;income\n31;1,5\n45;\n", "name,x\nJosé,1\nMüller,2\n".encode("cp1252")):
        path.write_bytes(content)
        here = open_table(path)
        with open_apart(path) as there:
            assert (there.format, there.rows, there.notes, there.digest) == (
                here.format, here.rows, here.notes, here.digest,
            )  # fmt: skip
            assert there.schema.equals(here.schema)
            assert next(there.batches(2)).num_rows == 2, "a walk that is given up"
            assert there.read().equals(here.read()), "and another from the beginning"


def test_the_process_apart_knows_no_secret_and_ends_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADWORTHY_STORE", "postgresql://secret")
    path = tmp_path / "upload"
    path.write_bytes(b"a,b\n1,2\n")
    with open_apart(path) as source:
        process = source._reader._process  # type: ignore[attr-defined]
        around = Path(f"/proc/{process.pid}/environ").read_bytes()
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert source.read().num_rows == 1
    assert b"secret" not in around
    assert f"{inside.MEMORY}" in limits
    assert process.returncode is not None


def test_a_file_that_takes_more_memory_than_there_is_for_one_is_refused(tmp_path: Path) -> None:
    """Eight gigabytes of text in 600 bytes: a dictionary of one long word, which every row has."""
    out = io.BytesIO()
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * 4_000_000]))
    with pq.ParquetWriter(out, pa.schema([("x", words.type)]), compression="zstd", store_schema=False) as writer:
        writer.write_table(pa.table({"x": words}))
    assert len(out.getvalue()) < 1_000
    with nothing_grows():
        assert "takes more memory than there is" in refusal(tmp_path, out.getvalue())


def test_a_row_count_that_lies_is_not_believed(tmp_path: Path) -> None:
    """Two thousand rows, and a head that says two million, or a page that says so: no more come than there are."""
    content = parquet()
    for there, said in ((2_000, 2_000_000), (1_000, 1_000_000)):
        changed = content.replace(zigzag(there), zigzag(said))
        assert changed != content
        with nothing_grows():
            came = read_or_refuse(tmp_path, changed)
            assert isinstance(came, DataError) or came.num_rows <= 2_000


def zigzag(number: int) -> bytes:
    """A number as Thrift's compact protocol writes it, which Parquet's head is in; behind it a field of its own."""
    number, out = number << 1, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


@contextmanager
def nothing_grows() -> Iterator[None]:
    """Not much memory is taken by this process, nor by the one that it starts."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10, "KiB, in here"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= inside.MEMORY >> 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            lambda name, old: b"0" * 50_000_000 if name.endswith("sharedStrings.xml") else old, "", id="zeros"
        ),
        pytest.param(
            lambda name, old: old.replace(b'r="B3"', b'r="XFD1048576"') if name.endswith("sheet1.xml") else old,
            "memory", id="a cell at the far corner",
        ),
        pytest.param(
            lambda name, old: (
                b'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">'
                + b"".join(b'<!ENTITY a%d "%s">' % (i, (b"&a%d;" % (i - 1) if i else b"&a;") * 10) for i in range(12))
                + b"]><sst><si><t>&a11;</t></si><si><t>region</t></si><si><t>N</t></si><si><t>S</t></si></sst>"
            ) if name.endswith("sharedStrings.xml") else old,
            "", id="entities of entities",
        ),
        pytest.param(
            lambda name, old: (
                b'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
                b"<sst><si><t>&x;</t></si><si><t>region</t></si><si><t>N</t></si><si><t>S</t></si></sst>"
            ) if name.endswith("sharedStrings.xml") else old,
            "", id="an entity from elsewhere",
        ),
        pytest.param(
            lambda name, old: old.replace(b"worksheets/sheet1.xml", b"http://127.0.0.1:9/sheet1.xml")
            if name.endswith("workbook.xml.rels") else old,
            "cannot be read as a spreadsheet", id="a sheet from elsewhere",
        ),
        pytest.param(
            lambda name, old: b"<worksheet>" + b"<a>" * 500_000 if name.endswith("sheet1.xml") else old, "", id="deep"
        ),
    ],
)  # fmt: skip
def test_a_workbook_made_to_do_harm_is_refused_or_read_without_it(
    change: Callable[[str, bytes], bytes], says: str, tmp_path: Path
) -> None:
    with nothing_grows():
        came = read_or_refuse(tmp_path, xlsx(change))
    if isinstance(came, DataError):
        assert says in str(came)
    else:
        assert not says
        assert "root:" not in str(came.to_pydict())
        assert came.nbytes < 1_000


def test_what_a_workbook_links_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:

        def wait() -> None:
            with suppress(OSError):
                elsewhere.accept()
                asked.set()

        threading.Thread(target=wait, daemon=True).start()
        place = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x.xlsx"
        book = io.BytesIO()
        with xlsxwriter.Workbook(book) as writing:
            sheet = writing.add_worksheet("Loans")
            sheet.write_row(0, 0, ["age", "link"])
            sheet.write_row(1, 0, [41])
            sheet.write_formula(1, 1, f'=WEBSERVICE("{place}")', value="kept")
            sheet.write_url(2, 1, place)
            sheet.write(2, 0, 35)
        assert read(tmp_path, book.getvalue()).to_pydict() == {"age": [41, 35], "link": ["kept", place]}
        assert not asked.is_set()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b",".join(b"c%d" % i for i in range(20_000)) + b"\n" + b"1," * 19_999 + b"1\n", f"at most {MOST_COLUMNS:,}"),
        (b",".join(b"%d" % i for i in range(1_000_000)) + b"\n", "a line of more than"),
        (b"a,b\n" + b"1" * 30_000_000, "a line of more than"),
        (b"a" * 30_000_000, "a line of more than"),
        (b"a,b\n" * 300 + b"1," * 5_000_000, "line 301: "),
        (b"a,b\n1,\x002\n", "bytes that no text has"),
        ("a,b\n1,2\n".encode("utf-32"), "is UTF-32"),
        (b"\x1f\x8b\x08" + bytes(100), "gunzip it first"),
    ],
    ids=["columns", "numbers", "line", "header", "late line", "nul", "utf-32", "gzip"],
)
def test_a_text_that_is_no_table_says_so_and_takes_no_more_than_its_size(
    content: bytes, says: str, tmp_path: Path
) -> None:
    with nothing_grows():
        assert says in refusal(tmp_path, content)


def test_what_unpacks_to_too_much_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LARGEST_UNPACKED", 10_000)
    assert "unpacks to more than 10,000 bytes" in refusal(tmp_path, parquet())
    monkeypatch.setattr(apart, "LARGEST_TABLE", 5_000)
    assert "a part of it takes" in refusal(tmp_path, parquet())


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE_SECONDS", 0.0)
    assert "takes more than 0 seconds" in refusal(tmp_path, parquet())


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU, signal.SIGKILL])
def test_a_reader_that_is_brought_down_is_the_files_fault_and_not_ours(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"a,b\n1,2\n")
    with open_apart(path) as source:
        source._reader._process.send_signal(number)  # type: ignore[attr-defined]
        with pytest.raises(DataError) as caught:
            source.read()
    assert ("memory" if number in (signal.SIGABRT, signal.SIGXCPU, signal.SIGKILL) else "damaged") in str(caught.value)
    assert caught.value.mend


def test_parquet_changed_at_random_is_read_or_refused(tmp_path: Path) -> None:
    """R28: bytes changed, cut, doubled and swapped; nothing but our own error, and nobody grows."""
    count, seed = (2_000, random.randrange(2**32)) if LONG else (12, 1)
    chance = random.Random(seed)
    came: Counter[str] = Counter()
    for _ in range(count):
        content = mutate(parquet(), chance)
        with nothing_grows():
            end = read_or_refuse(tmp_path, content)
        came[end.message.partition(":")[0][:40] if isinstance(end, DataError) else "read"] += 1
    print(  # noqa: T201  # the figures are the point
        f"\n{count} changed Parquet files (seed {seed}): {dict(came)}; 0 faults: below {3 / count:.2%} (95%)"
    )
    assert sum(came.values()) == count


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, most of them in the head, which stands at the end."""
    changed = bytearray(content)
    head = int.from_bytes(content[-8:-4], "little") + 8
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        start = len(changed) - head if chance.random() < 0.7 else 0
        place = chance.randrange(max(0, start), len(changed) - 4)
        match chance.randrange(4):
            case 0:
                changed[place] = chance.randrange(256)
            case 1:
                changed[place] ^= 1 << chance.randrange(8)
            case 2:
                changed[place : place + 8] = chance.choice((b"\xff" * 8, bytes(8), b"\x80" * 7 + b"\x7f"))
            case _:
                other = chance.randrange(len(changed) - 40)
                changed[place : place + 16] = changed[other : other + 16]
    return bytes(changed)
