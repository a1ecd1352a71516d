"""From a file of past applications to a product's directory (R1, R4, R5)."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from roadworthy.batch import PAST, map_columns, open_sink, open_source, open_table, read_sources
from roadworthy.contract import check_table, read_contract
from roadworthy.errors import DataError, UsageError
from roadworthy.model import seal
from roadworthy.model.package import pack_parts
from roadworthy.model.package_file import file_bytes
from roadworthy.pipeline import InitResult, check_product, init_product, open_workspace
from roadworthy.policy import Policy, run_cases
from roadworthy.product import missing_purpose, read_product

ROWS = 600


def past_applications() -> pa.Table:
    """Simulated applications with everything a real file has beside the inputs."""
    draw = np.random.default_rng(11)
    income = draw.lognormal(8, 0.5, ROWS).round(2)
    region = draw.choice(["N", "S", "Ö"], ROWS)
    will_default = draw.random(ROWS) < 0.5 - 0.2 * (income > 3000)
    applied = np.datetime64("2022-01-01") + draw.integers(0, 700, ROWS).astype("timedelta64[D]")
    booked = applied + 10
    went_bad = np.where(will_default, booked + draw.integers(30, 600, ROWS), np.datetime64("NaT"))
    went_bad[went_bad > np.datetime64("2023-12-31")] = np.datetime64("NaT")  # not yet known
    return pa.table(
        {
            "Loan No": [f"L{i:05d}" for i in range(ROWS)],
            "applied": applied,
            "amount": draw.integers(1, 50, ROWS) * 1000,
            "net income": income,
            "región": region,
            "new customer": draw.random(ROWS) < 0.5,
            "answer": draw.choice(["approve", "decline"], ROWS, p=[0.9, 0.1]),
            "booked": booked,
            "went_bad": went_bad,
            "default": (~np.isnat(went_bad)).astype(int),
            "note": [f"free text {i}" for i in range(ROWS)],
        }
    )


FLAGS: dict[str, Any] = {
    "target": "default",
    "answer": "answer",
    "booked_date": "booked",
    "outcome_date": "went_bad",
    "id": "Loan No",
    "date": "applied",
    "amount": "amount",
    "drop": ["note"],
}


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    file = tmp_path / "loans.parquet"
    with open_sink(file) as sink:
        sink.write(past_applications())
    return file


def init(data: Path, **flags: Any) -> InitResult:
    return init_product(data, out=data.parent / "product", **{"target": "default", **flags})


def tidy(directory: Path) -> None:
    """The Python that was written has no undefined or unused name, and is formatted."""
    for command in (["check", "--select", "E,F,W,I,B,UP,SIM,RUF"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", str(directory)]
        done = subprocess.run(line, capture_output=True)
        assert done.returncode == 0, done.stdout.decode()


def test_every_file_reads_back_and_they_agree(loans: Path) -> None:
    result = init(loans, **FLAGS)
    out = result.directory
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == sorted(
        result.written
    )
    product, contract = read_product(out / "product.yaml"), read_contract(out / "contract.yaml")
    assert (product, contract) == (result.product, result.contract)
    assert [column.name for column in contract.columns] == ["amount", "net income", "región", "new customer"]
    assert contract.inputs == contract.columns
    assert contract["región"].allowed is not None
    assert set(contract["región"].allowed) == {"N", "S", "Ö"}
    policy = Policy.load(out / "policy.yaml")
    assert [case.passed for case in run_cases(policy, contract)] == [True, True]
    assert policy.economics is not None
    assert {term.basis for term in policy.economics.terms.values()} == {"assumed"}
    mapping = read_sources(out / "sources.yaml")[PAST]
    assert mapping.file == "../loans.parquet"
    checked = check_table(contract, map_columns(open_source(mapping, out).read(), mapping, contract))
    assert len(checked.batch) == ROWS
    assert checked.batch.application_id[0] == "L00000"
    np.testing.assert_array_equal(checked.batch.applied_at, past_applications()["applied"].to_numpy())


def test_the_branch_and_the_applicants_name_are_stated_where_they_are_known(loans: Path) -> None:
    """Who sees an application goes by its branch; nobody decides by a name."""
    result = init(loans, **FLAGS, branch="región", applicant_name="new customer")
    product = read_product(result.directory / "product.yaml")
    assert (product.data.branch, product.data.name) == ("región", "new customer")
    assert result.contract["new customer"].role == "identity"
    assert [column.name for column in result.contract.inputs] == ["amount", "net income", "región"]
    with pytest.raises(UsageError, match="cannot be given as --branch too"):
        init(loans, **FLAGS, branch="default", force=True)


def test_outcomes_are_told_apart_by_the_flags(loans: Path) -> None:
    result = init(loans, **FLAGS)
    assert sum(result.counts.values()) == ROWS
    assert all(result.counts[name] > 0 for name in ("bad", "good", "declined", "immature"))
    assert result.product.outcome.as_of is not None
    assert result.product.outcome.horizon_months == 12
    assert "took decline of 'answer' as declined" in result.notes
    assert any("12 months from booking" in note for note in result.notes)


def test_the_purpose_is_left_for_a_person_or_taken_from_answers(loans: Path) -> None:
    result = init(loans)
    assert len(missing_purpose(result.product)) == 7
    assert any("purpose.owner" in note for note in result.notes)
    answers = loans.parent / "answers.yaml"
    answers.write_text(
        "purpose:\n  decision: whether to lend\n  owner: Ana\n  used_by: officers\n  where: the desk\n"
        "  bad_outcome: 90 days past due\n  horizon_months: 18\n  success: fewer losses, in euros\n"
        "currency: USD\ntime_zone: America/New_York\n"
    )
    result = init(loans, **FLAGS, answers=answers, force=True)
    assert missing_purpose(result.product) == []
    assert result.product.outcome.horizon_months == 18
    policy = Policy.load(result.directory / "policy.yaml")
    assert policy.economics is not None
    assert (policy.economics.currency, policy.economics.horizon_months) == ("USD", 18)
    assert read_product(result.directory / "product.yaml").time_zone == "America/New_York"


def test_the_stages_pass_their_own_tests(loans: Path) -> None:
    out = init(loans).directory
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-W", "error", str(out)], capture_output=True, cwd="/")
    assert done.returncode == 0, done.stdout.decode()
    assert b"10 passed" in done.stdout


def test_what_is_written_is_tidy(loans: Path) -> None:
    out = init(loans, **FLAGS).directory
    tidy(out)
    readme = (out / "README.md").read_text()
    assert "600 rows" in readme
    assert "None" not in readme


def test_a_package_brought_along_gives_the_contract_and_nothing_trains(loans: Path) -> None:
    table = past_applications()
    X = table.select(["amount", "net income"])
    bad = table["default"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_pandas(), bad)
    package = loans.parent / "mine.rw"
    seal(model, X, bad, name="mine", cut_offs=(0.05,)).save(package)
    result = init(loans, package=package, amount="amount")
    out = result.directory
    low, high, _ = (band.up_to for band in Policy.load(out / "policy.yaml").bands)
    (told,) = [note for note in result.notes if "cut-offs" in note]
    assert f"approve below a PD of {low:.3g}, refer below {high:.3g}, decline from there" in told
    assert f"by the base rate of {loans.name}" in told
    assert "mine.rw was sealed for 0.05" in told
    assert "policy.yaml, under bands" in told
    assert [column.name for column in read_contract(out / "contract.yaml").columns] == ["amount", "net income"]
    assert read_product(out / "product.yaml").package == "mine.rw"
    assert (out / "mine.rw").read_bytes() == package.read_bytes()
    stages = (out / "stages.py").read_text()
    assert "def train" not in stages
    assert "def post_process" in stages
    tidy(out)


def test_a_second_model_brought_along_is_sealed_with_the_contract_of_the_first(loans: Path) -> None:
    table = past_applications()
    X = table.select(["amount", "net income"])
    bad = table["default"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_pandas(), bad)
    package = loans.parent / "first.rw"
    seal(model, X, bad, name="first").save(package)
    out = init(loans, package=package, amount="amount").directory
    product = out / "product.yaml"
    product.write_text(product.read_text().replace("package: first.rw", "package: second.rw"))

    seal(model, X, bad, name="second").save(out / "second.rw")
    said = next(fault for fault in check_product(open_workspace(out)).faults if "sealed with" in fault)
    assert "--contract contract.yaml" in said
    assert "roadworthy run" not in said  # it retrains nothing here, and so mends nothing

    seal(model, X, bad, name="second", contract=read_contract(out / "contract.yaml")).save(out / "second.rw")
    assert not [fault for fault in check_product(open_workspace(out)).faults if "sealed with" in fault]


def test_check_holds_the_model_to_how_often_its_reasons_are_true(loans: Path) -> None:
    """R27: what was measured at sealing, against the gates of product.yaml."""
    table = past_applications()
    X = table.select(["amount", "net income"])
    bad = table["default"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_pandas(), bad)
    package = loans.parent / "true.rw"
    sealed = seal(model, X, bad, name="true")
    sealed.save(package)
    rates = sealed.evaluation["true_reasons"]
    assert rates["count"] > 0
    assert (rates["adjusted"], rates["none"]) == (0, 0)
    out = init(loans, package=package, amount="amount").directory
    assert any(note.startswith("true reasons: of ") for note in check_product(open_workspace(out)).notes)

    spoilt = {**sealed.evaluation, "true_reasons": {**rates, "adjusted": rates["count"] // 2, "none": 0}}
    parts = {name: part for name, part in sealed.parts.items() if name != "manifest.json"}
    parts["evaluation.json"] = msgspec.json.encode(spoilt)
    note = {name: getattr(sealed.manifest, name) for name in sealed.manifest.__struct_fields__}
    again = pack_parts(parts, **{name: value for name, value in note.items() if name not in ("protocol", "parts")})
    (out / "true.rw").write_bytes(file_bytes(again))
    fault = next(fault for fault in check_product(open_workspace(out)).faults if "true reasons" in fault)
    assert "gates.true_reasons.adjusted_at_most: 0.1" in fault


def test_a_package_whose_columns_the_file_lacks_is_refused(loans: Path) -> None:
    table = past_applications()
    X = table.select(["amount"]).rename_columns(["amount wanted"])
    model = LogisticRegression().fit(X.to_pandas(), table["default"].to_numpy())
    package = loans.parent / "mine.rw"
    seal(model, X, table["default"].to_numpy(), name="mine").save(package)
    with pytest.raises(DataError, match="no column 'amount wanted'"):
        init(loans, package=package)
    assert not (loans.parent / "product").exists()


def test_a_package_whose_contract_no_row_keeps_is_refused(loans: Path) -> None:
    table = past_applications()
    X = table.select(["amount"]).rename_columns(["región"])
    model = LogisticRegression().fit(X.to_pandas(), table["default"].to_numpy())
    package = loans.parent / "mine.rw"
    seal(model, X, table["default"].to_numpy(), name="mine").save(package)
    with pytest.raises(DataError, match=r"no row keeps to the contract; the first: \$\.inputs\.región"):
        init(loans, package=package)


def test_an_existing_directory_is_refused_and_by_force_set_aside(loans: Path) -> None:
    out = loans.parent / "product"
    init(loans)
    (out / "policy.yaml").write_text("mine")
    with pytest.raises(UsageError, match="already exists") as caught:
        init(loans)
    assert "--force" in str(caught.value.mend)
    assert (out / "policy.yaml").read_text() == "mine"
    result = init(loans, force=True)
    assert result.set_aside is not None
    assert (result.set_aside / "policy.yaml").read_text() == "mine"
    assert (out / "policy.yaml").read_text() != "mine"
    again = init(loans, force=True)
    assert again.set_aside not in (None, result.set_aside)
    shutil.rmtree(out)
    out.mkdir()
    assert init(loans).set_aside is None
    with pytest.raises(UsageError, match="is a file"):
        init_product(loans, target="default", out=loans)


def test_an_interrupt_leaves_nothing(loans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        init(loans)
    assert [path.name for path in loans.parent.iterdir()] == ["loans.parquet"]


def test_two_runs_write_the_same_bytes(loans: Path) -> None:
    first = init(loans, **FLAGS)
    before = {name: (first.directory / name).read_bytes() for name in first.written}
    second = init(loans, **FLAGS, force=True)
    assert {name: (second.directory / name).read_bytes() for name in second.written} == before


def test_findings_are_in_the_result_and_the_readme(loans: Path) -> None:
    result = init(loans, drop=["note"])
    kinds = {finding.kind: finding.columns for finding in result.findings}
    assert kinds["leak"] == ("went_bad",)
    assert kinds["identifier"] == ("Loan No",)
    assert result.contract["Loan No"].role == "identity"
    assert "--drop went_bad" in (result.directory / "README.md").read_text()
    assert kinds.keys() == {"leak", "identifier"}
    dated = init(loans, date="applied", drop=["note", "went_bad"], force=True)
    assert [finding.columns for finding in dated.findings if finding.kind == "later_date"] == [("booked",)]


SBA = {
    "target": "default",
    "weight": "sampling_weight",
    "id": "loan_nr_chk_dgt",
    "date": "approval_date",
    "amount": "disbursement_gross",
    "drop": ["term", "mis_status", "chg_off_date", "chg_off_prin_gr", "balance_gross"],
}


@pytest.mark.parametrize(
    ("file", "flags", "inputs", "base_rate", "kinds"),
    [
        ("sba_30k_balanced.parquet", SBA, 16, 0.1756, {"text", "later_date"}),
        ("taiwan_default.parquet", {"target": "default", "id": "ID"}, 23, 0.2212, {"duplicates"}),
        ("give_me_some_credit.parquet", {"target": "SeriousDlqin2yrs"}, 10, 0.0668, {"identifier", "duplicates"}),
        ("german_credit.csv", {"target": "bad", "amount": "amount"}, 20, 0.3, set()),
        ("hmeq.csv", {"target": "BAD", "amount": "LOAN"}, 12, 0.1995, set()),
    ],
)
def test_real_files_become_products(
    shared_data: Path,
    tmp_path: Path,
    file: str,
    flags: dict[str, Any],
    inputs: int,
    base_rate: float,
    kinds: set[str],
) -> None:
    result = init_product(shared_data / file, out=tmp_path / "product", **flags)
    assert len(result.contract.inputs) == inputs
    assert result.base_rate == pytest.approx(base_rate, abs=5e-5)
    assert {finding.kind for finding in result.findings} == kinds
    contract = read_contract(tmp_path / "product" / "contract.yaml")
    assert all(case.passed for case in run_cases(Policy.load(tmp_path / "product" / "policy.yaml"), contract))
    mapping = read_sources(tmp_path / "product" / "sources.yaml")[PAST]
    assert (
        len(check_table(contract, map_columns(open_table(shared_data / file).read(), mapping, contract)).set_aside) == 0
    )


def test_money_and_groups_are_for_no_model_to_read(loans: Path) -> None:
    contract = init(loans, **FLAGS, money=["amount"], group=["new customer"]).contract
    assert {column.name: column.role for column in contract.columns} == {
        "amount": "money",
        "net income": "input",
        "región": "input",
        "new customer": "group",
    }
    assert contract["amount"].missing


def test_what_was_known_on_a_day_may_be_stated_by_the_data(loans: Path) -> None:
    result = init(loans, booked_date="booked")
    last = max(day for day in past_applications()["booked"].to_pylist())
    assert result.product.outcome.as_of == (last.date() if isinstance(last, dt.datetime) else last)
