"""`run`: resumable, idempotent, whole or not at all (R8); labelled and split honestly; every row accounted for (R5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from roadworthy.decision import Release, decide
from roadworthy.errors import DataError, ProductError, UsageError
from roadworthy.model import load
from roadworthy.pipeline import STAGES, Progress, Workspace, open_workspace, run_stages
from roadworthy.pipeline.past import read_past

if TYPE_CHECKING:
    from tests.pipeline.conftest import Made


def rewrite(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_a_run_makes_every_file_and_a_second_run_does_nothing(workspace: Workspace) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.build.rglob("*") if path.is_file()}
    result = run_stages(workspace)
    assert result.ran == ()
    assert result.skipped == STAGES
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert all(path.exists() for path in (result.package, result.decisions, result.output, result.page))


def test_a_changed_policy_decides_and_reports_again_but_trains_nothing_that_need_not_be(workspace: Workspace) -> None:
    rewrite(
        workspace.directory / "policy.yaml", "rules: []", "rules: [{code: r, when: amount > 1, then: refer, reason: R}]"
    )
    result = run_stages(open_workspace(workspace.directory))
    assert "preprocess" in result.skipped
    assert {"score", "post-process"} <= set(result.ran)
    answers = set(pq.read_table(result.decisions)["answer"].to_pylist())
    assert "approve" not in answers


def test_a_product_whose_policy_reads_a_table_runs_without_its_uploads(workspace: Workspace) -> None:
    table = workspace.directory / "tables" / "regions.yaml"
    table.parent.mkdir()
    kind = next(column for column in workspace.contract.columns if column.name == "region").allowed
    table.write_text(
        f"name: regions\ncolumns:\n  region: {{type: category, role: identity, allowed: {list(kind or ())}}}\n"
        "  limit: {type: number}\n"
    )
    policy = workspace.directory / "policy.yaml"
    rules = "rules:\n  - {code: over_limit, when: amount > regions.limit, then: decline, reason: Above the limit}\n"
    text = policy.read_text()
    assert "rules: []" in text
    policy.write_text(text.replace("rules: []\n", rules))
    heard: list[str] = []

    run_stages(open_workspace(workspace.directory), progress=Progress(lambda _, words: heard.append(words)))

    assert any("no version of regions is at hand here" in words for words in heard)
    answers = pq.read_table(workspace.build / "decisions.parquet", columns=["answer"])["answer"].to_pylist()
    assert "approve" not in answers  # a rule that cannot be checked refers


def test_a_lost_file_is_made_again_the_same(workspace: Workspace) -> None:
    package = workspace.package
    before = package.read_bytes()
    package.unlink()
    result = run_stages(workspace)
    assert result.ran == ("seal",)
    assert package.read_bytes() == before


def test_the_same_inputs_give_the_same_package_and_decisions(workspace: Workspace) -> None:
    before = workspace.package.read_bytes(), (workspace.build / "output.csv").read_bytes()
    run_stages(workspace, force=True)
    assert (workspace.package.read_bytes(), (workspace.build / "output.csv").read_bytes()) == before


def test_a_stage_that_fails_leaves_the_earlier_results_and_the_next_run_goes_on_from_there(
    workspace: Workspace,
) -> None:
    stages = workspace.directory / "stages.py"
    good = stages.read_text()
    stages.write_text(good + "\n\ndef post_process(decisions):\n    raise OSError('the disk is full')\n")
    with pytest.raises(OSError, match="disk is full"):
        run_stages(open_workspace(workspace.directory))
    kept = (workspace.build / "output.csv").read_bytes()
    assert not list(workspace.build.glob(".*"))
    stages.write_text(good)
    result = run_stages(open_workspace(workspace.directory))
    assert result.output.read_bytes() == kept


def test_every_row_is_decided_or_set_aside_and_decisions_are_those_of_decide(made: Made) -> None:
    """R5, R29: nothing is lost, and the file's decisions are the one function's."""
    workspace = open_workspace(made.directory)
    decided = pq.read_table(made.result.decisions)
    aside = workspace.build / "score_set_aside.csv"
    lost = pyarrow.csv.read_csv(aside)["set_aside_row"].to_pylist() if aside.exists() else []
    rows = decided["row"].to_pylist() + lost
    assert sorted(rows) == list(range(1, pq.read_metadata(made.data).num_rows + 1))
    past = read_past(workspace.build / "applications.parquet", workspace.contract)
    again = decide(past.batch, Release(load(workspace.package), workspace.policy)).to_arrow()
    assert decided.drop_columns(["row"]).to_pylist() == again.to_pylist()


def test_declined_and_immature_rows_are_kept_and_never_learned_from(made: Made) -> None:
    workspace = open_workspace(made.directory)
    past = read_past(workspace.build / "applications.parquet", workspace.contract)
    outcomes = set(past.outcome)
    assert {"bad", "good", "declined", "immature"} <= outcomes
    used = np.concatenate([past.rows(held_out=False), past.rows(held_out=True)])
    assert set(past.outcome[used]) == {"bad", "good"}
    assert len(set(used)) == len(used)


def test_what_is_held_out_is_newer_than_all_that_is_learned_from(made: Made) -> None:
    workspace = open_workspace(made.directory)
    past = read_past(workspace.build / "applications.parquet", workspace.contract)
    learned = past.batch.applied_at[past.rows(held_out=False)]
    judged = past.batch.applied_at[past.rows(held_out=True)]
    assert learned.max() < judged.min()
    assert 0.25 < len(judged) / np.sum(~np.isnan(past.bad)) < 0.35


def test_the_candidate_kept_is_the_one_that_the_stated_rule_names(made: Made) -> None:
    choice = msgspec.json.decode((made.directory / "build" / "choice.json").read_bytes())
    better = choice["auc"]["boosted"] > choice["auc"]["scorecard"] + 0.005
    assert choice["chosen"] == ("boosted" if better else "scorecard")
    package = load(made.result.package)
    assert package.evaluation["auc"] == choice["auc"][choice["chosen"]]
    assert package.check_golden() == 0


def test_the_model_does_not_read_what_its_contract_keeps_from_it(made: Made) -> None:
    inputs = load(made.result.package).engine.inputs
    assert "age" not in inputs
    assert {"application_id", "applied_at", "answer", "booked_date", "default"}.isdisjoint(inputs)


def test_stages_can_be_run_one_by_one_and_say_what_they_need(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="there is no stage 'bake'"):
        run_stages(workspace, ["bake"])
    (workspace.build / "applications.parquet").unlink()
    with pytest.raises(UsageError, match=r"train needs what an earlier stage makes: applications\.parquet"):
        run_stages(workspace, ["train"])
    assert run_stages(workspace, ["preprocess"]).ran == ("preprocess",)


def test_a_fault_in_stages_is_said_with_its_line(workspace: Workspace) -> None:
    stages = workspace.directory / "stages.py"
    stages.write_text(stages.read_text() + "\n\n1 / 0\n")
    with pytest.raises(ProductError) as caught:
        run_stages(open_workspace(workspace.directory))
    lines = len(stages.read_text().splitlines())
    assert f"stages.py, line {lines}: fails when read: ZeroDivisionError" in str(caught.value)


def test_too_few_bads_say_so_with_the_counts(workspace: Workspace) -> None:
    product = workspace.directory / "product.yaml"
    rewrite(product, 'bad: ["1"]', 'bad: ["7"]')
    with pytest.raises(DataError, match="too little to learn from: 0 bad and"):
        run_stages(open_workspace(workspace.directory))


def test_a_folder_that_is_no_product_says_where_one_is(made: Made) -> None:
    with pytest.raises(UsageError) as caught:
        open_workspace(made.directory.parent)
    assert "is not a product's directory" in str(caught.value)
    assert str(made.directory) in str(caught.value)


def test_a_model_that_is_too_good_stops_the_reader(workspace: Workspace) -> None:
    """A leak that nobody dropped shows on the page, not only where `init` named it."""
    table = pq.read_table(workspace.source.path)
    bad = table["default"].to_pandas().fillna(0.0)
    leaky = table.append_column("written_off", pyarrow.array(bad * 1000.0))
    pq.write_table(leaky.replace_schema_metadata(table.schema.metadata), workspace.source.path)
    contract = workspace.directory / "contract.yaml"
    contract.write_text(contract.read_text() + "  written_off:\n    type: number\n    missing: true\n")
    page = run_stages(open_workspace(workspace.directory)).page.read_text()
    assert "too good to be true until shown otherwise" in page


def test_the_page_names_its_population_and_says_that_the_data_are_synthetic(made: Made) -> None:
    """R16-R18: population on the page, unknown outcomes named, the banner of simulated data."""
    page = made.result.page.read_text()
    assert "Synthetic data" in page
    assert "held-out applications with a known outcome" in page
    assert "because their outcome is unknown" in page
    assert "declined" in page
