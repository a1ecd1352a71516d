"""Real credit data, no special cases: init, run, score, page (R4, R5, R8, R16-R18). Needs ../shared/data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from roadworthy.batch import open_table, score
from roadworthy.decision import Release
from roadworthy.model import load
from roadworthy.pipeline import init_product, open_workspace, run_stages


@dataclass(frozen=True)
class Real:
    """A data set, how a person would init it, and bounds for the AUC on rows held out."""

    file: str
    flags: dict[str, Any]
    rows: int
    auc: tuple[float, float]


SETS = {
    "german": Real("german_credit.csv", {"target": "bad", "amount": "amount"}, 1_000, (0.72, 0.83)),
    "hmeq": Real("hmeq.csv", {"target": "BAD", "amount": "LOAN"}, 5_960, (0.86, 0.97)),
    "taiwan": Real("taiwan_default.parquet", {"target": "default", "amount": "LIMIT_BAL"}, 30_000, (0.75, 0.80)),
    "gmsc": Real("give_me_some_credit.parquet", {"target": "SeriousDlqin2yrs"}, 150_000, (0.84, 0.88)),
    # Dated and weighted; what became known later is dropped, the newest years (the crisis) are held out.
    "sba": Real(
        "sba_30k_balanced.parquet",
        {
            "target": "default",
            "weight": "sampling_weight",
            "date": "approval_date",
            "amount": "gr_appv",
            "drop": ("term", "mis_status", "chg_off_date", "chg_off_prin_gr", "balance_gross", "disbursement_date"),
        },
        30_000,
        (0.60, 0.75),
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_real_data_go_the_whole_way(name: str, shared_data: Path, tmp_path: Path) -> None:
    real = SETS[name]
    data = shared_data / real.file
    init_product(data, out=tmp_path / name, **real.flags)
    workspace = open_workspace(tmp_path / name)
    result = run_stages(workspace)
    package = load(result.package)
    assert package.manifest.engine.kind == "compiled"
    assert package.manifest.parity is not None
    assert package.manifest.parity.holds
    assert package.manifest.parity.changed_answers == 0
    assert real.auc[0] < package.evaluation["auc"] < real.auc[1]
    scored = score(
        open_table(data), tmp_path / "decided.csv", Release(package, workspace.policy),
        set_aside=tmp_path / "aside.csv", mapping=workspace.mapping,
    )  # fmt: skip
    assert (scored.read, scored.decided + scored.set_aside) == (real.rows, real.rows)
    written = pyarrow.csv.read_csv(tmp_path / "decided.csv")
    assert written.num_rows == scored.decided
    declined = written.filter(pyarrow.compute.equal(written["answer"], "decline"))
    assert declined.num_rows > 0
    assert declined["reason_1"].null_count == 0
    # R27: with the stated columns at the reference, the PD is lower.
    assert pyarrow.compute.all(pyarrow.compute.less(declined["pd_at_reference"], declined["pd"])).as_py()
    page = result.page.read_text()
    assert "held-out applications with a known outcome" in page
    assert ("EUR" in page) == ("amount" in real.flags)
