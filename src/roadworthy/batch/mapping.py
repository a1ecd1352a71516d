"""sources.yaml: where applications come from, and which of their columns is which column of the contract (R4)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import msgspec
import pyarrow as pa
from ruamel.yaml import YAML

from roadworthy.batch.sources import Format, Source, open_table
from roadworthy.contract import RESERVED, Contract
from roadworthy.errors import DataError, ProductError
from roadworthy.yaml_file import read_document

__all__ = ["PAST", "SourceMapping", "absent_inputs", "map_columns", "open_source", "read_sources", "sources_yaml"]

PAST = "past_applications"
"""The source that a model is trained and measured on."""

_HEADING = """\
# Where applications come from, and how their columns map to the contract.
#
# Each source, under its name (past_applications is the one to train on):
#   file            its path, counted from this directory
#   format          csv, parquet or excel
#   sheet           of a spreadsheet; left out, the first
#   delimiter       of a CSV file; left out, its own lines decide
#   application_id, applicant_id, applied_at
#                   the columns that hold them; left out where there are none
#   columns         contract column: the source's name for it, where the two differ
"""


class SourceMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One source: a file, and the names of its columns where they are not the contract's."""

    file: str
    format: Format
    sheet: str | None = None
    delimiter: str | None = None
    application_id: str | None = None
    applicant_id: str | None = None
    applied_at: str | None = None
    columns: dict[str, str] = {}

    def file_names(self) -> dict[str, str]:
        """The source's name of each column that it calls otherwise than the contract does."""
        stated = {name: getattr(self, name) for name in RESERVED if getattr(self, name) is not None}
        return {**stated, **self.columns}


def read_sources(path: Path) -> dict[str, SourceMapping]:
    """Read sources.yaml; whatever is wrong in it raises ProductError with its line."""
    document = read_document(path, ProductError)
    names = list(document.data) if isinstance(document.data, dict) else []
    if not names:
        raise document.fault("names no source", mend=f"{PAST}: with file and format beneath it")
    for name in names:
        if not (isinstance(name, str) and name.isidentifier()):
            raise document.fault(f"a source's name is one word, not {name!r}", name)
    # A struct with a field for each source, because only fields are named in msgspec's errors, and so get their line.
    sources = document.convert(msgspec.defstruct("Sources", [(name, SourceMapping) for name in names]))
    return {name: getattr(sources, name) for name in names}


def sources_yaml(sources: Mapping[str, SourceMapping]) -> str:
    """The sources as the text of sources.yaml; reading it gives the same sources."""
    stream = StringIO()
    YAML().dump(msgspec.to_builtins(dict(sources)), stream)
    return _HEADING + stream.getvalue()


def open_source(mapping: SourceMapping, directory: Path) -> Source:
    """Open the source's file, whose path counts from `directory`; DataError where its format is not the one stated."""
    source = open_table(directory / mapping.file, sheet=mapping.sheet, delimiter=mapping.delimiter)
    if source.format != mapping.format:
        raise DataError(
            f"is {source.format}, and sources.yaml says {mapping.format}: is it the right file?",
            where=source.path,
            mend=f"name the right file, or write format: {source.format}",
        )
    return source


def map_columns(table: pa.Table, mapping: SourceMapping, contract: Contract) -> pa.Table:
    """The columns of `table` that `contract` knows, by the contract's names, with the ids and the time where mapped.

    A column that the contract allows to be missing may be absent (`absent_inputs` tells which are); any other raises
    DataError with the nearest names, as does a name under `columns` that is none of the contract's.

    >>> from roadworthy.contract import Column, Contract
    >>> contract = Contract(name="loans", columns=(Column(name="income", type="number"),))
    >>> mapping = SourceMapping(file="loans.csv", format="csv", application_id="No", columns={"income": "Net income"})
    >>> map_columns(pa.table({"No": ["A1"], "Net income": [1200], "Branch": ["N"]}), mapping, contract).to_pydict()
    {'application_id': ['A1'], 'income': [1200]}
    """
    present = set(table.column_names)
    for name in mapping.columns:
        if name not in contract:
            raise _unknown(name, contract)
    names: list[str] = []
    taken: list[str] = []
    for reserved in RESERVED:
        stated = getattr(mapping, reserved)
        if stated is not None and stated not in present:
            raise _absent(stated, table.column_names, reserved)
        if stated is not None or reserved in present:
            names.append(reserved)
            taken.append(stated or reserved)
    for column in contract.columns:
        source = mapping.columns.get(column.name, column.name)
        if source in present:
            names.append(column.name)
            taken.append(source)
        elif not column.missing or column.name in mapping.columns:
            raise _absent(source, table.column_names, f"columns: {{{column.name}: ...}}")
    return table.select(taken).rename_columns(names)


def absent_inputs(source: Source, mapping: SourceMapping, contract: Contract) -> tuple[str, ...]:
    """The inputs that the contract allows to be missing and that `source` does not have at all.

    A model is given them as missing in every row, which it may never have learned from.
    """
    there = map_columns(source.schema.empty_table(), mapping, contract).column_names
    return tuple(column.name for column in contract.inputs if column.name not in there)


def _unknown(name: str, contract: Contract) -> DataError:
    columns = [column.name for column in contract.columns]
    near = difflib.get_close_matches(name, columns, n=3)
    return DataError(
        f"columns names {name!r}, which is no column of the contract",
        where="sources.yaml",
        available=near + [column for column in columns if column not in near],
        mend="write under columns the contract's name, then the file's: income: Net income",
    )


def _absent(name: str, columns: list[str], place: str) -> DataError:
    near = difflib.get_close_matches(name, columns, n=3)
    return DataError(
        f"no column {name!r}",
        available=near + [column for column in columns if column not in near],
        mend=f"name the column that holds it in sources.yaml, under {place}",
    )
