"""A release is its package, its policy and the contracts of its tables: immutable, and known by its digest."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from roadworthy.contract import Column, Contract
from roadworthy.decision import BUILT_IN_RULES, Release
from roadworthy.errors import PolicyError, UsageError
from roadworthy.policy import Policy
from roadworthy.testing import make_package, make_policy, make_release

TABLE = Contract(name="branches", columns=(Column(name="branch", type="text"), Column(name="limit", type="number")))
BANDS = "bands: [{up_to: 0.12, answer: approve}, {answer: decline}]"


def digest(policy: str = f"name: a\n{BANDS}\n", tables: tuple[Contract, ...] = ()) -> str:
    return Release(make_package("scorecard"), Policy.parse(policy), tables).digest


def test_the_digest_changes_with_the_package_the_policy_and_the_tables_and_with_nothing_else() -> None:
    wanted = digest()
    assert len(wanted) == 64
    assert digest(f"# the same, laid out otherwise\n{BANDS}\nname: a\n") == wanted
    others = {
        digest(f"name: b\n{BANDS}\n"),
        digest("name: a\nbands: [{up_to: 0.13, answer: approve}, {answer: decline}]\n"),
        digest(f"name: a\n{BANDS}\nrules: [{{code: r, when: age < 21, then: refer, reason: Young}}]\n"),
        digest(tables=(TABLE,)),
        digest(tables=(Contract(name="branches", columns=TABLE.columns[:1]),)),
        Release(make_package("boosted"), Policy.parse(f"name: a\n{BANDS}\n")).digest,
    }
    assert len(others) == 6
    assert wanted not in others


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("{code: r, when: salary < 10, then: refer, reason: Low}", "there is no column 'salary'"),
        ("{code: r, when: region == 'North', then: refer, reason: North}", "has no value 'North'"),
        ("{code: r, when: amount > branches.limit, then: refer, reason: High}", "there is no table 'branches'"),
        ("{code: r, when: age > region, then: refer, reason: Odd}", "cannot be compared"),
    ],
)
def test_a_policy_that_does_not_fit_the_package_is_refused_with_its_line(rules: str, message: str) -> None:
    policy = Policy.parse(f"name: a\n{BANDS}\nrules:\n  - {rules}\n")
    with pytest.raises(PolicyError, match=message) as raised:
        Release(make_package("scorecard"), policy)
    assert raised.value.where is not None
    assert "line 4" in raised.value.where


def test_a_table_s_contract_makes_the_policy_fit() -> None:
    policy = f"name: a\n{BANDS}\nrules: [{{code: r, when: amount > branches.limit, then: refer, reason: High}}]\n"
    assert Release(make_package("scorecard"), Policy.parse(policy), (TABLE,)).rule_codes == ("r", *BUILT_IN_RULES)


def test_two_tables_of_one_name_are_refused() -> None:
    other = Contract(name="branches", columns=TABLE.columns[:1])
    with pytest.raises(UsageError, match="two tables of a release have one name"):
        Release(make_package("scorecard"), make_policy(), (TABLE, other))


def test_a_release_cannot_be_changed() -> None:
    release = make_release("scorecard")
    with pytest.raises(FrozenInstanceError):
        release.policy = make_policy()  # type: ignore[misc]  # that is what is tried


def test_every_reason_of_the_catalogue_has_a_code_and_a_text() -> None:
    release = make_release("scorecard")
    catalogue = release.catalogue
    assert catalogue is release.catalogue
    assert all(reason.code and reason.text for reason in catalogue.reasons)
    assert len(catalogue.columns) == len(release.package.engine.inputs)
    first = catalogue.reasons[catalogue.columns[0]]
    assert (first.code, first.text, first.column) == ("age", "Age of the applicant is too high", "age")
    assert catalogue.reasons[catalogue.fired[0]].text == "Applicants must be at least 21"
    assert (
        catalogue.reasons[catalogue.outside[0]].text == "Age of the applicant is outside what is assessed automatically"
    )
    assert catalogue.reasons[catalogue.engine_failed].code == "engine_failed"
    assert catalogue.reasons[catalogue.no_true_reason].code == "no_true_reason"
