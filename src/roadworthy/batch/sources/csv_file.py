"""CSV as it really arrives: any of four delimiters, byte order marks, old encodings, quoted newlines, cut-off files."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from roadworthy.batch.formulas import restore, restore_text
from roadworthy.batch.sources.source import Source, column_names, no_rows
from roadworthy.errors import DataError

__all__ = ["DELIMITERS", "CsvSource"]

DELIMITERS = (",", ";", "\t", "|")
"""The delimiters that are told apart by themselves."""
_SAMPLE_BYTES = 1 << 20
_SAMPLE_ROWS = 200
LONGEST_LINE = 4 << 20
"""The longest line, in characters; what is parsed at a time is sixteen of the first lines' longest."""
_BLOCK = 1 << 20
"""Bytes parsed at a time, unless rows are very wide; Arrow reads some forty blocks ahead."""
_NUMBER = re.compile(r"[+-]?[\d.,]*\d[\d.,]*")


class CsvSource(Source):
    """A delimited text file. All columns are text; an empty cell is missing."""

    format = "csv"

    def __init__(self, path: Path, *, delimiter: str | None = None) -> None:
        if delimiter is not None and len(delimiter) != 1:
            raise DataError(f"a delimiter is one character, not {delimiter!r}", where=path, available=DELIMITERS)
        seen = _look_through(path)
        self.encoding = seen.encoding
        self._may_be_neutralised = seen.apostrophes
        sample = _sample(path, self.encoding)
        self._block = max(_BLOCK, 16 * max((len(line) for line in sample), default=0))  # a single row must fit
        self.delimiter = delimiter or _sniff(sample)
        header = next(iter(_records(sample, self.delimiter)), None)
        if header is None:
            raise DataError("holds only empty lines", where=path, mend="export it again")
        self._before_header = _lines_before_header(sample, self.delimiter)
        if all(_NUMBER.fullmatch(cell.strip()) for cell in header):
            first = self.delimiter.join(header)[:60]
            raise DataError(
                f"the first line holds only numbers ({first}): there are no column names",
                where=path,
                mend="put the columns' names on the first line",
            )
        names, name_notes = column_names([restore_text(cell) for cell in header], path)
        super().__init__(
            path, pa.schema([(name, pa.string()) for name in names]), rows=None, notes=[*seen.notes, *name_notes]
        )
        self.digest = seen.digest
        if seen.quotes % 2:
            self._refuse_open_quote()
        if not any(True for _ in islice(_records(sample, self.delimiter), 1, 2)):
            raise no_rows(names, path)

    def _stream(self, rows: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 the parser counts bytes, not rows
        try:
            with pyarrow.csv.open_csv(
                self.path,
                read_options=pyarrow.csv.ReadOptions(
                    block_size=self._block,
                    encoding="utf8" if self.encoding == "utf-8-sig" else self.encoding,  # spares recoding it
                    skip_rows=self._before_header,
                    column_names=self.columns,
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=self.schema, strings_can_be_null=True, null_values=[""]
                ),
            ) as reader:
                header = 1
                for batch in reader:
                    body = batch.slice(header)
                    header = max(0, header - batch.num_rows)
                    columns = [restore(c) for c in body.columns] if self._may_be_neutralised else body.columns
                    yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._locate(error) from None

    def _locate(self, error: Exception) -> DataError:
        """What Arrow could not parse, with its line in the file."""
        expected = len(self.schema)
        before = 0
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            try:
                for record in reader:
                    if len(record) != expected and any(cell.strip() for cell in record):
                        last = not file.readline()
                        return self._ragged(record, before + 1, cut_off=last and len(record) < expected)
                    before = reader.line_num
            except csv.Error:
                return DataError(
                    "a value is far too long: a quote is probably not closed",
                    where=f"{self.path}, line {before + 1}",
                    mend='close the quote, or write quotes inside values twice ("")',
                )
        return DataError(f"cannot be parsed as CSV: {str(error).splitlines()[0]}", where=self.path)

    def _ragged(self, record: list[str], line: int, *, cut_off: bool) -> DataError:
        values = "1 value" if len(record) == 1 else f"{len(record)} values"
        mend = (
            "it is the last line, so the file is probably cut off: copy or export it again"
            if cut_off
            else f"correct the line; a {self.delimiter!r} inside a value needs quotes around the value"
        )
        return DataError(
            # The line is told and not its text, which is somebody's: what is said here is kept with a job.
            f"{values} where the header names {len(self.schema)} columns",
            where=f"{self.path}, line {line}",
            mend=mend,
        )

    def _refuse_open_quote(self) -> None:
        """Raise if a quoted value never ends: the rest of the file would quietly become one value."""
        start = 0
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            while True:
                try:
                    if next(reader, None) is None:
                        return
                except csv.Error as error:
                    if "expected after" in str(error):
                        return  # a quote inside a value, which parses; only the end of the file can swallow rows
                    raise DataError(
                        "a quoted value that begins here never ends",
                        where=f"{self.path}, line {start + 1}",
                        mend="close the quote; if it is the last line, the file is cut off: copy or export it again",
                    ) from None
                start = reader.line_num


@dataclass(frozen=True)
class _Bytes:
    """What one pass over a file's bytes tells."""

    encoding: str
    digest: str
    quotes: int
    apostrophes: bool
    notes: list[str]


def _look_through(path: Path) -> _Bytes:
    digest = hashlib.sha256()
    quotes, lines = 0, 1
    nul = apostrophes = False
    decoder = codecs.getincrementaldecoder("utf-8")()
    bad_byte: str | None = None
    block = b""
    with path.open("rb") as file:
        while chunk := file.read(_SAMPLE_BYTES):
            block = chunk
            digest.update(block)
            quotes += block.count(b'"')
            nul = nul or b"\0" in block
            apostrophes = apostrophes or b"'" in block
            if bad_byte is None:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    line = lines + error.object[: error.start].count(b"\n")
                    bad_byte = f"byte 0x{error.object[error.start]:02x} on line {line}"
                lines += block.count(b"\n")
        file.seek(0)
        start = file.read(4)
    notes = []
    if block[-1:] not in (b"\r", b"\n"):
        notes.append("the last line does not end: if the file was cut off, its last value may be short")
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise DataError("is UTF-32", where=path, mend="save it as UTF-8")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return _Bytes("utf-16", digest.hexdigest(), quotes, apostrophes, ["read as UTF-16"])
    if nul:
        raise DataError(
            "holds bytes that no text has: it is neither CSV, Parquet nor a spreadsheet",
            where=path,
            mend="export it as CSV or Parquet",
        )
    if bad_byte is None:
        if decoder.getstate()[0]:
            raise DataError(
                "ends in the middle of a letter: it was cut off", where=path, mend="copy or export it again"
            )
        # -sig: without the byte order mark, if there is one.
        return _Bytes("utf-8-sig", digest.hexdigest(), quotes, apostrophes, notes)
    encoding = _old_encoding(path)
    note = f"is not UTF-8 ({bad_byte}), so it was read as {encoding}: look at the accents, or save it as UTF-8"
    return _Bytes(encoding, digest.hexdigest(), quotes, apostrophes, [note, *notes])


def _old_encoding(path: Path) -> str:
    """cp1252, or latin-1 where the file has one of the five bytes that cp1252 leaves out."""
    try:
        with path.open(encoding="cp1252", newline="") as file:
            while file.read(_SAMPLE_BYTES):
                pass
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _sample(path: Path, encoding: str) -> list[str]:
    """The file's first lines, with their ends: at least one, about 1 MiB together."""
    lines: list[str] = []
    size = 0
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        while size < _SAMPLE_BYTES and len(lines) < _SAMPLE_ROWS and (line := file.readline(LONGEST_LINE + 1)):
            if len(line) > LONGEST_LINE:
                raise DataError(
                    f"a line of more than {LONGEST_LINE:,} characters",
                    where=f"{path}, line {len(lines) + 1}",
                    mend="is it a table at all? Export it again, with a line for each row",
                )
            lines.append(line)
            size += len(line)
    return lines


def _records(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from (record for record in reader if any(cell.strip() for cell in record))
    except csv.Error:  # a value longer than csv's limit: this is not the file's delimiter
        return


def _lines_before_header(lines: list[str], delimiter: str) -> int:
    """How many lines lie before the first record that holds something: empty ones, or ones of delimiters alone."""
    reader = csv.reader(lines, delimiter=delimiter)
    before = 0
    for record in reader:
        if any(cell.strip() for cell in record):
            break
        before = reader.line_num
    return before


def _sniff(sample: list[str]) -> str:
    """The delimiter under which the most rows have as many values as the header, and more than one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = [len(record) for record in _records(sample, delimiter)]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    return max(DELIMITERS, key=agreement)
