"""Past applications are prepared honestly: nothing is learned from that a caller could not send."""

from __future__ import annotations

import msgspec
import pytest

from roadworthy.contract import Contract
from roadworthy.errors import DataError
from roadworthy.pipeline import Workspace
from roadworthy.pipeline.past import read_past


def test_a_contract_that_changed_since_preprocess_is_said_before_rows_and_outcomes_part(workspace: Workspace) -> None:
    applications, contract = workspace.build / "applications.parquet", workspace.contract
    kept = read_past(applications, contract)
    assert len(kept.batch) == len(kept.bad)
    narrow = {"age": {"range": (40, 45), "outside": "set_aside"}}
    columns = tuple(msgspec.structs.replace(column, **narrow.get(column.name, {})) for column in contract.columns)
    with pytest.raises(DataError, match="the contract changed since preprocess") as caught:
        read_past(applications, Contract(name=contract.name, columns=columns))
    assert "roadworthy run preprocess" in str(caught.value)
