"""A store as a lender has it after years: made-up applications decided, answered by people, and met by their outcomes.

Applications go through `decide_and_record` and outcomes through `record_outcomes`, as a lender's own do, only in large
groups and with a clock of the past. What people answered is appended to the ledger in groups too: the records that
`casework` makes, without a transaction for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection

from roadworthy.access import EVERY_BRANCH, Act, Actor, Deed, add_account, console_actor, make_link, record_in
from roadworthy.contract import Column
from roadworthy.lifecycle import (
    approve_release,
    approve_table,
    create_release,
    promote_release,
    submit_release,
    upload_table,
)
from roadworthy.live import CurrentRoute, Decided, Envelope, decide_and_record
from roadworthy.model import Package, seal
from roadworthy.outcomes import record_outcomes
from roadworthy.records import Entry, FinalAnswer, Once, Override, Store, create_store, encode_payload, kind_of, new_id
from roadworthy.testing import make_applications, make_contract, make_model

__all__ = ["PEOPLE", "make_aged_store", "sign_in_link"]

PEOPLE = ("officer", "analyst", "approver", "operator", "admin", "service")
"""The accounts, named like their roles."""
YEARS = timedelta(days=3 * 365)
_GROUP = 1_000
_FIRST = [
    "Ana",
    "Ben",
    "Carla",
    "Dimitri",
    "Eva",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Lena",
    "Marek",
    "Nadia",
    "Olga",
    "Paul",
]
_LAST = [
    "Adler",
    "Brandt",
    "Castillo",
    "Dvorak",
    "Eriksen",
    "Fuchs",
    "Grimaldi",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
]
_PRODUCT = """
name: made-up loans
purpose:
  decision: whether to lend
  owner: nobody, since it is made up
  used_by: officers
  where: in every branch
  bad_outcome: default within 12 months of booking
  horizon_months: 12
  success: fewer defaults at the same approval rate
currency: EUR
outcome: {target: bad, bad: [1], good: [0]}
data: {branch: region, amount: amount, name: name}
"""
_POLICY = """
name: made-up loans
bands: [{up_to: %s, answer: approve}, {up_to: 0.25, answer: refer}, {answer: decline}]
rules:
  - {code: under_age, when: age < 21, then: decline, reason: Applicants must be at least 21}
  - {code: over_limit, when: amount > regions.limit, then: refer, reason: The amount is high here}
economics:
  currency: EUR
  horizon_months: 12
  terms:
    revenue: {value: amount * 0.1, basis: measured}
    funding: {value: amount * 0.02, basis: measured}
    ead: {value: amount, basis: measured}
    lgd: {value: 0.5, basis: assumed}
"""
_REGIONS = """
name: regions
columns:
  region: {type: category, role: identity, allowed: [N, S, E, W]}
  limit: {type: number, range: [0, 1000000], description: The largest amount}
"""


def make_aged_store(url: str, decisions: int, *, now: datetime, say: Callable[[str], None] = lambda _: None) -> None:
    """A new store at `url` with so many decisions of the three years before `now`; `say` is told how far it is."""
    began = now - YEARS - timedelta(days=2)
    with create_store(url, store_id="aged", at=began) as store:
        _hire(store, began)
        current = _go_live(store, began)
        answered: list[tuple[datetime, str, str, str]] = []
        for group in _groups(decisions, now - YEARS):
            answered += _decide(current, *group)
            if len(answered) % 50_000 == 0:
                say(f"{len(answered):,} decided")
        lent = _answer(store, answered, now)
        say(f"{len(lent):,} lent to")
        events = _report(store, lent, now)
        say(f"{events:,} outcomes")


def sign_in_link(store: Store, account: str) -> str:
    """The secret of a link that signs this account in, once."""
    recorder = record_in(store.ledger, lambda: new_id(datetime.now(UTC)))

    def link(connection: Connection) -> str:
        return make_link(Act(connection, _actor("admin"), datetime.now(UTC), recorder), account, random=token_bytes)

    return store.transact(link)


def _actor(role: str) -> Actor:
    return Actor(account=role, credential=f"key:{role}", roles=frozenset({role}), branches=EVERY_BRANCH)


def _deed(store: Store, role: str, now: datetime) -> Deed:
    return Deed(store=store, by=_actor(role), now=now, new_id=lambda: new_id(now))


def _hire(store: Store, at: datetime) -> None:
    recorder = record_in(store.ledger, lambda: new_id(at))

    def hire(connection: Connection) -> None:
        act = Act(connection, console_actor(connection, trial=False), at, recorder)
        for role in PEOPLE[:-2] + PEOPLE[-1:] + ("admin",):  # once somebody keeps accounts, the console does not
            add_account(act, role, roles=(role,), branches=EVERY_BRANCH, authority=1_000_000.0)

    store.transact(hire)


def _go_live(store: Store, at: datetime) -> CurrentRoute:
    """A release live with its table in force, and another one that waits to be compared with it."""
    current = CurrentRoute(store)
    package = _seal().to_bytes()
    for number, cut_off in enumerate(("0.12", "0.15")):
        made = create_release(
            _deed(store, "analyst", at), package=package, policy=_POLICY % cut_off, product=_PRODUCT,
            tables={"regions": _REGIONS},
        )  # fmt: skip
        submit_release(_deed(store, "analyst", at), made.id)
        approve_release(_deed(store, "approver", at), made.id)
        if number == 0:
            limits = b"region,limit\nN,90000\nS,80000\nE,70000\nW,60000\n"
            table = upload_table(_deed(store, "analyst", at), "regions", limits, "regions.csv", at.date())
            approve_table(_deed(store, "approver", at), "regions", table.version)
            promote_release(_deed(store, "operator", at), made.id, current=current)
    return current


def _seal() -> Package:
    contract = make_contract()
    name = Column(name="name", type="text", role="identity", missing=True)
    contract = msgspec.structs.replace(contract, columns=(*contract.columns, name))
    (X, bad), (held_out, outcome) = (make_applications(n, seed) for n, seed in ((2_000, 1), (500, 2)))
    X, held_out = (frame.astype({"employed": "float64"}) for frame in (X, held_out))
    model = make_model("scorecard").fit(X, bad)
    return seal(
        model, held_out.assign(name=None), outcome, name="made-up-scorecard", contract=contract, cut_offs=(0.12, 0.25)
    )


def _groups(decisions: int, since: datetime) -> Iterator[tuple[datetime, int, list[bytes], list[int]]]:
    """When each group was decided, the number of its first application, their inputs, and whether they would go bad."""
    size = min(_GROUP, max(decisions // _GROUP, 1))  # also a small store has decisions of every day
    for first in range(0, decisions, size):
        count = min(size, decisions - first)
        X, bad = make_applications(count, seed=first + 3)
        people = np.random.default_rng(first).integers(0, len(_FIRST) * len(_LAST), count).tolist()
        X["name"] = [f"{_FIRST[i % len(_FIRST)]} {_LAST[i // len(_FIRST)]}" for i in people]
        inputs = X.to_json(orient="records", lines=True).encode().splitlines()
        yield since + YEARS * (first / decisions), first, inputs, bad.tolist()


def _decide(
    current: CurrentRoute, at: datetime, first: int, inputs: Sequence[bytes], bad: Sequence[int]
) -> list[tuple[datetime, str, str, str]]:
    """Decide a group at a moment: for each the moment, its id (which tells how it will turn out), decision, answer."""
    envelopes = []
    for i, (body, goes) in enumerate(zip(inputs, bad, strict=True)):
        name = f"A-{first + i:07}-{'gb'[goes]}"
        envelopes.append(
            Envelope(
                record_id=new_id(at), actor="service", inputs=msgspec.Raw(body), application_id=name,
                applicant_id=f"C-{(first + i) % 700_000:06}", once=Once("service", name, b"made up"),
            )
        )  # fmt: skip
    made = decide_and_record(current, envelopes, now=at)
    replies = [msgspec.json.decode(one.reply) for one in made if isinstance(one, Decided)]
    if len(replies) < len(made):
        raise SystemExit(f"an application was not decided: {next(one for one in made if not isinstance(one, Decided))}")
    return [(at, reply["application_id"], reply["decision_id"], reply["answer"]) for reply in replies]


def _answer(
    store: Store, answered: Sequence[tuple[datetime, str, str, str]], now: datetime
) -> list[tuple[datetime, str]]:
    """People answer referrals three days later, and override one answer in a hundred; who was lent to, and when."""
    random = np.random.default_rng(7)
    lent: list[tuple[datetime, str]] = []
    entries: list[Entry] = []
    for at, name, decision_id, answer in answered:
        then = at + timedelta(days=3)
        drawn = random.random()
        said: FinalAnswer | Override | None = None
        if answer == "refer":
            answer = "approve" if drawn < 0.6 else "decline"
            said = FinalAnswer(decision_id=decision_id, answer=answer)
        elif drawn < 0.01:
            answer = "decline" if answer == "approve" else "approve"
            said = Override(decision_id=decision_id, answer=answer, reason_code="other", words="made up")
        if said is not None:
            if then > now - timedelta(days=7):
                continue  # still waits for a person
            entries.append(
                Entry(
                    record_id=new_id(then), kind=kind_of(said), subject=name, actor="officer", at=then,
                    payload=encode_payload(said),
                )
            )  # fmt: skip
            if len(entries) == _GROUP:
                store.ledger.append(entries)
                entries = []
        if answer == "approve" and drawn < 0.9:
            lent.append((then + timedelta(days=4), name))
    store.ledger.append(entries)
    return lent


def _report(store: Store, lent: Sequence[tuple[datetime, str]], now: datetime) -> int:
    """Bookings, and defaults within a year of them, told in groups in the order of booking."""
    recorded, rows = 0, list[dict[str, Any]]()
    for booked, name in lent:
        if booked > now:
            break
        rows.append({"application_id": name, "event": "booked", "at": booked, "known_at": booked})
        defaulted = booked + timedelta(days=40 + sum(name.encode()) * 37 % 320)
        if name.endswith("b") and defaulted + timedelta(days=30) < now:
            rows.append(
                {
                    "application_id": name,
                    "event": "default",
                    "at": defaulted,
                    "known_at": defaulted + timedelta(days=30),
                }
            )
        if len(rows) >= _GROUP:
            recorded += record_outcomes(_deed(store, "service", now), rows).recorded
            rows = []
    return recorded + record_outcomes(_deed(store, "service", now), rows).recorded
