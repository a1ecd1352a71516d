"""A file that is kept is found by the ids in it, whatever kind of column they stand in (R23)."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection

from roadworthy.batch import looking_through
from roadworthy.records import Content


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (pa.array(["x", "77001"]), True),
        (pa.array(["x", "77001"]).dictionary_encode(), True),
        (pa.array([1, 77001]), True),
        (pa.array([1.0, 77001.0]), True),
        (pa.array([1.5, 77001.0]), True),
        (pa.array([1, 77001]).dictionary_encode(), True),
        (pa.array(["77001"], pa.string_view()), True),
        (pa.array([["77001"]]), False),
        (pa.array([b"\xff"]), False),
        (pa.array(["770010", None]), False),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_an_id_is_found_in_any_kind_of_column(
    cells: pa.Array, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"who": cells}), tmp_path / "file.parquet")
    data = (tmp_path / "file.parquet").read_bytes()
    monkeypatch.setattr(looking_through, "read_content", lambda *_: Content("d", "application/x-parquet", data))
    monkeypatch.setattr("roadworthy.batch.sources.open_table", lambda *_: pytest.fail("it is read here"))
    assert looking_through._holds(Connection.__new__(Connection), "d", {"77001"}) is found
