"""What a release does otherwise than the live one, in words, what it would have answered, and the warnings (R10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from roadworthy.errors import NotAllowed, NothingLive, PolicyError, Refused, UsageError
from roadworthy.lifecycle import (
    Preview,
    approve_release,
    find_rollback,
    list_differences,
    preview_release,
    promote_release,
    restate_release,
    roll_back,
    show_release,
    submit_release,
    warn_release,
)
from roadworthy.live import Decided, Envelope, decide_and_record, read_bytes
from roadworthy.model import seal
from roadworthy.policy import StatedEconomics, StatedTerm
from roadworthy.product import Purpose
from roadworthy.records import new_id
from roadworthy.testing import make_applications, make_contract, make_model, make_package
from tests.lifecycle.conftest import ANA, BEN, OLGA, PRODUCT, REGIONS, UNSTATED, Lender

POLICY = """
name: made-up loans  # the bank's
bands:
  - {up_to: 0.08, answer: approve}
  - {up_to: 0.12, answer: refer}
  - {answer: decline}  # above it
rules:
  - {code: under_age, when: age < 21, then: decline, reason: Applicants must be at least 21}
reasons: {max: 4, texts: {income: Income is low}}
economics:
  currency: EUR
  horizon_months: 12
  terms:
    revenue: {value: 0.12 * amount, basis: assumed}
    funding: {value: 0.03 * amount, basis: measured}  # from the treasury
    ead: {value: amount, basis: assumed}
    lgd: {value: 0.45, basis: assumed}
"""
OTHER = (
    POLICY.replace("up_to: 0.12", "up_to: 0.133")
    .replace("age < 21", "age < 23")
    .replace("Income is low", "Income is too low")
    .replace("lgd: {value: 0.45, basis: assumed}", "lgd: {value: 0.55, basis: measured}")
    .replace(
        "reasons:",
        "  - {code: large_amount, when: amount > 40000, then: refer, reason: A person looks}\nreasons:",
    )
)


def words(lender: Lender, before: str, after: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for one in list_differences(lender.current.load(before), lender.current.load(after)):
        told.setdefault(one.about, []).append(one.words)
    return told


def decide(lender: Lender, n: int = 120) -> None:
    """`n` applications, decided and recorded."""
    frame, _ = make_applications(n, seed=5)
    rows = msgspec.json.decode(frame.to_json(orient="records"))
    envelopes = [
        Envelope(
            record_id=new_id(lender.now),
            actor="webshop",
            inputs=msgspec.Raw(msgspec.json.encode({name: value for name, value in row.items() if value is not None})),
        )
        for row in rows
    ]
    made = decide_and_record(lender.current, envelopes, now=lender.now)
    assert all(isinstance(one, Decided) for one in made)


def live(lender: Lender, **files: Any) -> str:
    release_id = lender.approved(**files)
    promote_release(lender.deed(BEN), release_id, current=lender.current)
    return release_id


def preview(lender: Lender, release_id: str, **limits: Any) -> tuple[Preview, tuple[str, ...]]:
    """What a release would have answered, and what is warned of."""
    found = preview_release(lender.current, release_id, **limits)
    champion = lender.current.refresh().require()
    was_live = show_release(lender.store, release_id).state == "was_live"
    return found, warn_release(champion, lender.current.load(release_id), found, was_live=was_live)


def test_the_differences_of_two_releases_are_told_in_words(lender: Lender) -> None:
    before, after = lender.create(policy=POLICY), lender.create(policy=OTHER)
    assert words(lender, before.id, after.id) == {
        "bands": ["declines from a PD of 13.3% instead of 12.0%"],
        "rules": [
            "rule under_age declines where age < 23 instead of where age < 21",
            (
                "new rule large_amount: refers where amount > 40000; where an input is missing, it refers; applicants "
                "read “A person looks”"
            ),
        ],
        "reasons": ["income: “Income is too low” instead of “Income is low”"],
        "economics": ["lgd: 0.55 (measured) instead of 0.45 (assumed)"],
    }
    backwards = words(lender, after.id, before.id)
    assert "rule large_amount is gone: it refers where amount > 40000" in backwards["rules"][1]


def test_a_release_does_not_differ_from_itself(lender: Lender) -> None:
    made = lender.create(policy=POLICY)
    assert words(lender, made.id, made.id) == {}


def test_another_model_is_named_with_what_it_was_measured_at(lender: Lender) -> None:
    scorecard = lender.create()
    boosted = lender.create(package=make_package("boosted").to_bytes())
    (told,) = words(lender, scorecard.id, boosted.id)["model"]
    auc = {kind: make_package(kind).evaluation["auc"] for kind in ("scorecard", "boosted")}
    assert told.startswith("made-up-boosted (")
    assert told.endswith(f"(held-out AUC {auc['boosted']:.3f}, was {auc['scorecard']:.3f})")


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        ("[{answer: approve}]", ["declines nobody by PD; it did from a PD of 12.0%",
                                 "approves every PD instead of a PD below 8.0%"]),
        (("[{up_to: 0.08, answer: approve}, {up_to: 0.1, answer: refer}, {up_to: 0.12, answer: refer}, "
         "{answer: decline}]"), ["the bands are written otherwise; every PD gets the answer it got"]),
        ("[{up_to: 0.05, answer: approve}, {up_to: 0.12, answer: refer}, {answer: decline}]",
         ["approves a PD below 5.0% instead of a PD below 8.0%"]),
    ],
)  # fmt: skip
def test_other_bands_are_told_by_what_they_do(lender: Lender, bands: str, told: list[str]) -> None:
    made = lender.create(policy=POLICY)
    start, end = POLICY.index("bands:"), POLICY.index("rules:")
    other = lender.create(policy=f"{POLICY[:start]}bands: {bands}\n{POLICY[end:]}")
    assert words(lender, made.id, other.id)["bands"] == told


def test_tables_purpose_and_the_rest_of_the_product_are_compared_too(lender: Lender) -> None:
    made = lender.create(policy=POLICY)
    reads = POLICY.replace("age < 21", "amount > regions.limit")
    product = PRODUCT.replace("owner: Ana", "owner: Ben").replace("good: [0]", "good: [0, 2]")
    told = words(lender, made.id, lender.create(policy=reads, tables={"regions": REGIONS}, product=product).id)
    assert told["tables"] == ["reads the table regions, which the other did not"]
    assert told["purpose"] == ["owner: Ben instead of Ana"]
    assert told["product"] == ["outcome, good: 0, 2 instead of 0"]


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (["N", "S", "E", "W", "X"], ["regions: column region, also allowed: X"]),
        (["S", "N", "E"], ["regions: column region, no longer allowed: W"]),
        (["W", "S", "E", "N"], ["regions: column region, allowed: the same values in another order"]),
    ],
)
def test_a_vocabulary_is_compared_by_what_it_gained_and_lost(
    lender: Lender, allowed: list[str], told: list[str]
) -> None:
    reads = POLICY.replace("age < 21", "amount > regions.limit")

    def create(values: list[str]) -> str:
        return lender.create(policy=reads, tables={"regions": REGIONS.replace("N, S, E, W", ", ".join(values))}).id

    assert words(lender, create(["N", "S", "E", "W"]), create(allowed))["tables"] == told


def test_a_preview_counts_who_would_be_answered_otherwise_and_records_nothing(lender: Lender) -> None:
    live(lender, policy=POLICY)
    decide(lender)
    decided = lender.now
    other = lender.create(policy=POLICY.replace("0.08", "0.115"))
    epoch = lender.store.ledger.epoch()
    records = len(lender.store.ledger.read(limit=10_000).records)
    found, _ = preview(lender, other.id)
    assert (found.compared, found.refused, found.erased, found.cut_short) == (120, 0, 0, False)
    assert set(found.changes) <= {("approve", "approve"), ("refer", "refer"), ("refer", "approve"),
                                  ("decline", "decline")}  # fmt: skip
    assert found.otherwise == found.changes["refer", "approve"] > 0
    assert found.share("approve", now=True) > found.share("approve", now=False)
    assert found.earliest == found.latest == decided
    assert lender.store.ledger.epoch() == epoch
    assert len(lender.store.ledger.read(limit=10_000).records) == records


def test_a_preview_begins_no_more_once_its_time_is_up(lender: Lender) -> None:
    live(lender, policy=POLICY)
    decide(lender, 300)
    found, warnings = preview(lender, lender.create(policy=OTHER).id, seconds=0.0)
    assert (found.compared, found.cut_short) == (250, True)
    assert "only 250 decisions could be compared, which is little to go by" in warnings


def test_without_anything_live_there_is_nothing_to_compare_with(lender: Lender) -> None:
    with pytest.raises(NothingLive):
        preview_release(lender.current, lender.create().id)


def test_a_wrong_cut_off_is_warned_of_before_and_undone_after(lender: Lender) -> None:
    """R10: a slip of the decimal point, seen in the share it would approve; rolled back once it is live."""
    first = live(lender, policy=POLICY)
    decide(lender)
    slipped = lender.approved(policy=POLICY.replace("up_to: 0.08", "up_to: 0.8").replace("up_to: 0.12", "up_to: 0.9"))
    found, warnings = preview(lender, slipped)
    shares = [f"{found.share('approve', now=now):.0%}" for now in (False, True)]
    share = f"the share approved would go from {shares[0]} to {shares[1]}"
    assert any(line.endswith(share) for line in warnings)
    slip = "it approves below a PD of 80.0% instead of 8.0%, 10 times as high"
    assert any(line.startswith(slip) for line in warnings)
    promote_release(lender.deed(OLGA), slipped, current=lender.current)
    assert find_rollback(lender.store).id == first
    assert roll_back(lender.deed(OLGA), current=lender.current).id == lender.champion == first


def test_a_wrong_release_is_warned_of_before_and_undone_after(lender: Lender) -> None:
    """R10: the release before, an old one that never was live, one of another product, and one of a worse model."""
    early = lender.approved(policy=POLICY.replace("0.08", "0.07"))
    first = live(lender, policy=POLICY)
    second = live(lender, policy=POLICY, product=PRODUCT.replace("name: made-up loans", "name: cards"))
    decide(lender)
    assert any("older than release" in line for line in preview(lender, early)[1])
    _, warnings = preview(lender, first)
    assert any(f"release {first} was live before" in line for line in warnings)
    assert "it is made for the product made-up loans, and what is live is for cards" in warnings
    promote_release(lender.deed(OLGA), first, current=lender.current)
    assert roll_back(lender.deed(OLGA), current=lender.current).id == second


def test_a_release_that_changes_nothing_is_asked_about(lender: Lender) -> None:
    live(lender, policy=POLICY)
    decide(lender)
    same = POLICY.replace("age < 21", "age < 21 and age < 30")
    assert any("would be answered otherwise" in line for line in preview(lender, lender.create(policy=same).id)[1])
    restated = lender.create(policy=POLICY.replace("0.45", "0.5"))
    assert not any("would be answered otherwise" in line for line in preview(lender, restated.id)[1])


def test_an_unstated_purpose_is_warned_of(lender: Lender) -> None:
    live(lender, policy=POLICY)
    decide(lender)
    assert "its purpose is not stated: purpose.owner" in preview(lender, lender.create(product=UNSTATED).id)[1]


ECONOMICS = StatedEconomics(
    currency="EUR",
    horizon_months=12,
    terms={
        "revenue": StatedTerm("0.12 * amount", "assumed"),
        "funding": StatedTerm("0.03 * amount", "measured"),
        "ead": StatedTerm("amount", "assumed"),
        "lgd": StatedTerm(0.6, "measured"),
    },
)
PURPOSE = Purpose(
    decision="whether to lend", owner="Ana", used_by="loan officers", where="in every branch",
    bad_outcome="90 days past due", horizon_months=12, success="fewer defaults at the same approval rate",
)  # fmt: skip


def text(lender: Lender, digest: str) -> str:
    with lender.store.reading() as connection:
        return read_bytes(connection, digest, "a text").decode()


def test_economics_stated_anew_make_a_new_release_and_leave_the_old_one_and_the_comments(lender: Lender) -> None:
    made = lender.create(policy=POLICY)
    note = "LGD as measured in 2025"
    anew = restate_release(lender.deed(ANA), made.id, purpose=PURPOSE, economics=ECONOMICS, note=note)
    assert words(lender, made.id, anew.id) == {"economics": ["lgd: 0.6 (measured) instead of 0.45 (assumed)"]}
    assert anew.steps[0].details["note"] == note
    assert anew.manifest.product == made.manifest.product
    written = text(lender, anew.manifest.policy)
    assert all(comment in written for comment in ("# the bank's", "# above it", "# from the treasury"))
    assert text(lender, made.manifest.policy) == POLICY
    submit_release(lender.deed(ANA), anew.id)
    approve_release(lender.deed(BEN), anew.id)


def test_a_purpose_stated_anew_makes_a_new_release(lender: Lender) -> None:
    made = lender.create(policy=POLICY, product=UNSTATED)
    assert made.missing
    economics = lender.current.load(made.id).release.policy.economics
    anew = restate_release(lender.deed(ANA), made.id, purpose=PURPOSE, economics=economics, note="stated")
    assert anew.missing == ()
    assert anew.manifest.policy == made.manifest.policy
    assert lender.current.load(anew.id).product.purpose == PURPOSE


def test_economics_can_be_taken_out_and_put_in(lender: Lender) -> None:
    made = lender.create(policy=POLICY)
    without = restate_release(lender.deed(ANA), made.id, purpose=PURPOSE, economics=None, note="none")
    assert words(lender, made.id, without.id)["economics"] == ["none are stated any more, so no money is shown"]
    again = restate_release(lender.deed(ANA), without.id, purpose=PURPOSE, economics=ECONOMICS, note="stated")
    assert lender.current.load(again.id).release.policy.economics == ECONOMICS


def test_stating_the_same_stating_nonsense_and_others_are_refused(lender: Lender) -> None:
    made = lender.create(policy=POLICY)
    same = lender.current.load(made.id).release.policy.economics

    def restate(by: Any = ANA, economics: Any = ECONOMICS, note: str = "why") -> None:
        restate_release(lender.deed(by), made.id, purpose=PURPOSE, economics=economics, note=note)

    with pytest.raises(Refused, match="states this already"):
        restate(economics=same)
    with pytest.raises(UsageError, match="says what and why"):
        restate(note=" ")
    with pytest.raises(NotAllowed):
        restate(BEN)
    with pytest.raises(PolicyError, match="lgd"):
        restate(
            economics=msgspec.structs.replace(ECONOMICS, terms={**ECONOMICS.terms, "lgd": StatedTerm(55, "assumed")})
        )


def test_applications_that_its_contract_would_not_take_are_counted_and_warned_of(lender: Lender) -> None:
    """R10: a release of another product, or of a caller that is not there yet."""
    whole, bad = make_applications(800, seed=3)
    stated = whole["income"].notna()
    contract = make_contract()
    stricter = msgspec.structs.replace(
        contract,
        columns=tuple(
            msgspec.structs.replace(column, missing=False) if column.name == "income" else column
            for column in contract.columns
        ),
    )
    X = whole[stated].astype({"employed": "float64"})
    sealed = seal(make_model("scorecard").fit(X, bad[stated]), X, bad[stated], name="stricter", contract=stricter)
    live(lender, policy=POLICY)
    decide(lender)
    other = lender.create(policy=POLICY, package=sealed.to_bytes())
    found, warnings = preview(lender, other.id)
    assert found.refused > 0
    assert found.compared + found.refused == 120
    assert any(
        f"{found.refused} of the latest 120 applications would be turned away unread" in line for line in warnings
    )
    assert words(lender, "1", other.id)["inputs"] == ["column income, missing: no instead of yes"]
