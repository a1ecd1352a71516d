"""Where applications come from: one file in, Arrow tables out, whatever the format (R4).

The content decides the format, never the name. A further format is one more file in this package and one more line
in `open_table`.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from roadworthy.batch.sources.apart import open_apart
from roadworthy.batch.sources.csv_file import DELIMITERS, CsvSource
from roadworthy.batch.sources.excel_file import ExcelSource
from roadworthy.batch.sources.parquet_file import ParquetSource
from roadworthy.batch.sources.source import BATCH_ROWS, Format, Source
from roadworthy.errors import DataError

__all__ = ["BATCH_ROWS", "DELIMITERS", "Format", "Source", "open_apart", "open_table"]

_OTHER_CONTENT = {
    b"\x1f\x8b": ("is compressed with gzip", "gunzip it first"),
    b"ARROW1": ("is an Arrow file", "save it as Parquet"),
    b"%PDF": ("is a PDF", "export the table itself as CSV or .xlsx, from where the PDF was made"),
    b"\x89PNG": ("is a picture", "export the table itself as CSV or .xlsx"),
    b"\xff\xd8\xff": ("is a picture", "export the table itself as CSV or .xlsx"),
    b"{\\rtf": ("is a text document", "save the table in it as CSV or .xlsx"),
    b"{": ("is JSON", "save it as CSV or Parquet"),
    b"[": ("is JSON", "save it as CSV or Parquet"),
    b"<": ("is a web page or XML, whatever its name says", "open it in a spreadsheet and save it as CSV or .xlsx"),
    b"SQLite format 3": ("is a database", "export the table as CSV or Parquet"),
    b"\x80": ("is a pickle, which is never opened: it can run code", "save it as CSV or Parquet"),
}


def open_table(path: Path, *, sheet: str | None = None, delimiter: str | None = None) -> Source:
    r"""Open a file of applications: CSV, Parquet or Excel (.xlsx, .xls, .ods).

    CSV: the delimiter (comma, semicolon, tab or bar) is found from the first lines unless `delimiter` states it; byte
    order marks, Windows line ends and quoted newlines are understood; what is not UTF-8 is read as cp1252 or latin-1,
    which `notes` says. All CSV columns are text: the contract parses them. An empty cell is missing.
    Excel: the first sheet, or the one named `sheet`.

    Raises DataError, with the place and the mend, for a file that is missing, empty, cut off or not a table.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "loans.csv"
    >>> _ = path.write_bytes(b"age;income\r\n31;1200,50\r\n45;\r\n")
    >>> open_table(path).read().to_pydict()
    {'age': ['31', '45'], 'income': ['1200,50', None]}
    """
    head = _first_bytes(path)
    if head.startswith(b"PAR1"):
        return ParquetSource(path)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return ExcelSource(path, sheet=sheet)
    for start, (what, mend) in _OTHER_CONTENT.items():
        if head.startswith(start):
            raise DataError(f"{what}: it cannot be read as a table", where=path, mend=mend)
    return CsvSource(path, delimiter=delimiter)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise _missing(path) from None
    except IsADirectoryError:
        inside = sorted(entry.name for entry in path.iterdir() if entry.is_file())
        raise DataError("is a directory, not a file", where=path, available=inside, mend="name a file in it") from None
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror}", where=path) from None
    if not head:
        raise DataError("is empty", where=path, mend="export it again: not one byte arrived")
    return head


def _missing(path: Path) -> DataError:
    folder = path.parent
    if not folder.is_dir():
        return DataError("there is no such file, nor its directory", where=path, mend=f"look at {folder}")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    near = difflib.get_close_matches(path.name, names, n=3)
    mend = f"did you mean {near[0]}?" if near else None
    return DataError("there is no such file", where=path, available=near or names, mend=mend)
