"""Real credit data from a file to the gains table of what came: init, run, release, serve, decide, outcomes (R1, R13,
R16, R21, R28).

The server decides two years ago, by its clock; what came of it is told today. Needs ../shared/data.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from roadworthy.cli import obey
from roadworthy.contract import Column, check_table
from roadworthy.decision import Release, decide
from roadworthy.model import load
from roadworthy.pipeline import open_workspace
from tests.serving import PATIENCE, Server, running_servers

DAYS_AGO = 730
HORIZON = 12
PURPOSE = f"""\
purpose:
  decision: whether to lend
  owner: the tests
  used_by: nobody
  where: in a temporary folder
  bad_outcome: default within {HORIZON} months of booking
  horizon_months: {HORIZON}
  success: profit
"""


@dataclass(frozen=True)
class Real:
    """A data set, how a person would init it, and how many of its rows are past and how many apply."""

    file: str
    target: str
    flags: tuple[str, ...]
    past: int
    applying: int = 300


SETS = {
    "german": Real("german_credit.csv", "bad", ("--amount", "amount"), 700),
    "hmeq": Real("hmeq.csv", "BAD", ("--amount", "LOAN"), 2_500),
    "taiwan": Real("taiwan_default.parquet", "default", ("--amount", "LIMIT_BAL", "--id", "ID"), 3_000),
    "give_me_some_credit": Real("give_me_some_credit.parquet", "SeriousDlqin2yrs", ("--id", "id"), 5_000, 500),
    "sba": Real(
        "sba_30k_balanced.parquet",
        "default",
        (
            "--weight", "sampling_weight", "--date", "approval_date", "--amount", "gr_appv",
            "--drop", "term,mis_status,chg_off_date,chg_off_prin_gr,balance_gross,disbursement_date",
        ),
        3_000,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Lender:
    """A product's directory, and the commands given in it."""

    directory: Path
    capsys: pytest.CaptureFixture[str]

    def does(self, *words: str, code: int = 0) -> str:
        """What the command prints; where it is to fail, what it says instead."""
        self.capsys.readouterr()
        done = obey([*words, "--directory", str(self.directory)])
        printed = self.capsys.readouterr()
        assert done == code, printed.err
        return printed.out if code == 0 else printed.err

    def shows(self, *words: str) -> Any:
        return msgspec.json.decode(self.does(*words, "--json"))


@dataclass(frozen=True)
class Came:
    """How the applications turned out: which were booked, and how many days later which of them defaulted."""

    booked: tuple[int, ...]
    defaulted: Mapping[int, int]

    def events(self, names: list[str], day: date) -> Iterator[dict[str, Any]]:
        """As the lender's books say it, of loans booked on `day`; every other good one was closed early."""
        for row in self.booked:
            yield _event(names[row], "booked", day, amount=1_000)
            if row in self.defaulted:
                at = day + timedelta(days=self.defaulted[row])
                yield _event(names[row], "default", at, known=at + timedelta(days=3))
            elif row % 2:
                yield _event(names[row], "closed", day + timedelta(days=200))

    def known_defaults(self, days: int) -> int:
        """How many defaults were known so many days after booking."""
        return sum(after + 3 <= days for after in self.defaulted.values())


@pytest.mark.parametrize("name", SETS)
def test_real_data_are_decided_live_and_meet_their_outcome(
    name: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = SETS[name]
    past, applying = cut(shared_data / real.file, real)
    lender = found_lender(real, past, tmp_path, capsys)
    answered = decide_two_years_ago(lender, applying)
    check_answered(answered, lender.directory, applying)

    replies = [reply for reply in answered if reply is not None]
    bad = applying[real.target].to_numpy()[[reply is not None for reply in answered]]
    answers = Counter(reply["final_answer"] for reply in replies)
    names = [reply["application_id"] for reply in replies]
    booked = tuple(row for row, reply in enumerate(replies) if reply["final_answer"] == "approve")
    came = Came(booked, {row: 20 + row % 300 for row in booked if bad[row]})
    assert 0 < len(came.defaulted) < len(booked)
    ago = datetime.now(UTC) - datetime.fromisoformat(replies[0]["decided_at"])
    assert timedelta(days=DAYS_AGO) <= ago < timedelta(days=DAYS_AGO + 1)
    day = date.fromisoformat(replies[-1]["decided_at"][:10]) + timedelta(days=2)

    check_import(lender, came, names, names[[reply["answer"] for reply in replies].index("decline")], day, tmp_path)
    check_not_matured(lender, came, day, answers)
    gains = lender.shows("outcomes", "gains", "--as-of", str(day + timedelta(days=400)))
    assert gains["statuses"] == {
        "bad": len(came.defaulted),
        "good": len(booked) - len(came.defaulted),
        "immature": 0,
        "not_booked": 0,
        "declined": answers["decline"],
        "open": answers[None],
        "erased": 0,
    }
    table = gains["gains"]
    assert sum(row["count"] for row in table) == len(booked)
    assert sum(row["bads"] for row in table) == len(came.defaulted)
    assert table[-1]["cumulative_bads"] == len(came.defaulted)
    assert gains["base_rate"] == pytest.approx(len(came.defaulted) / len(booked))
    predicted = [replies[row]["pd"] for row in booked]
    assert sum(row["count"] * row["pd_mean"] for row in table) == pytest.approx(sum(predicted))
    assert table[0]["pd_high"] == max(predicted)
    assert table[-1]["pd_low"] == min(predicted)
    with capsys.disabled():
        print(  # noqa: T201  # the figures are the point
            f"\n{name}: {len(answered)} applied, {len(replies)} decided, {len(booked)} booked, "
            f"{len(came.defaulted)} bad ({sum(predicted):.1f} predicted), "
            f"the riskiest tenth holds {table[0]['capture']:.0%} of them"
        )


def check_import(lender: Lender, came: Came, names: list[str], declined: str, day: date, folder: Path) -> None:
    """All that came is taken once; what cannot be is set aside, and keeps nothing else."""
    file = folder / "outcomes.csv"
    events = list(came.events(names, day))
    astray = [_event("nobody", "booked", day), _event(declined, "booked", day)]
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, ["application_id", "event", "at", "known_at", "amount"])
        writer.writeheader()
        writer.writerows([astray[0], *reversed(events), astray[1]])
    taken = lender.shows("outcomes", "import", str(file))
    assert (taken["recorded"], taken["repeated"]) == (len(events), 0)
    assert [(row["row"], row["rule"]) for row in taken["set_aside"]] == [
        (0, "no_such_application"),
        (len(events) + 1, "not_approved"),
    ]
    again = lender.shows("outcomes", "import", str(file))
    assert (again["recorded"], again["repeated"]) == (0, len(events))


def check_not_matured(lender: Lender, came: Came, day: date, answers: Mapping[str | None, int]) -> None:
    """While the window is open nothing is measured, and what waits is counted, as it was known by then."""
    for after in (100, 360):
        said = lender.does("outcomes", "gains", "--as-of", str(day + timedelta(days=after)), code=1)
        early = came.known_defaults(after)
        assert "no outcome can be judged yet: 0 booked and matured applications" in said
        assert f"{len(came.booked) - early:,} immature" in said
        assert (f"{early:,} bad already in a window still open" in said) == (early > 0)
        assert (f"{answers['decline']:,} declined" in said) == (answers["decline"] > 0)
    ahead = datetime.now(UTC).date() + timedelta(days=2)
    assert "of which nobody knows anything yet" in lender.does("outcomes", "gains", "--as-of", str(ahead), code=2)


def cut(file: Path, real: Real) -> tuple[pa.Table, pa.Table]:
    """Rows that are past, and others that apply."""
    table = pyarrow.csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
    rows = np.random.default_rng(1).permutation(table.num_rows)[: real.past + real.applying]
    return table.take(rows[: real.past]), table.take(rows[real.past :])


def found_lender(real: Real, past: pa.Table, folder: Path, capsys: pytest.CaptureFixture[str]) -> Lender:
    """A product made of the past, with its model live in a trial."""
    data, answers, directory = folder / f"past{Path(real.file).suffix}", folder / "purpose.yaml", folder / "product"
    write = pyarrow.csv.write_csv if data.suffix == ".csv" else pq.write_table
    write(past, data)
    answers.write_text(PURPOSE)
    words = ["init", str(data), "--target", real.target, "--answers", str(answers), "--out", str(directory)]
    assert obey([*words, *real.flags]) == 0
    lender = Lender(directory, capsys)
    for command in ("run", "trial on", "release create", "release promote 1"):
        lender.does(*command.split())
    return lender


def decide_two_years_ago(lender: Lender, applying: pa.Table) -> list[dict[str, Any] | None]:
    """The replies to all of them, from a server whose clock is back then; None where one breaks the contract.

    Every other referral is approved by a person, as its `final_answer` says.
    """
    key = lender.does("key", "add", "webshop", "--role", "service").strip()
    bodies = list(write_bodies(lender.directory, applying))
    program = (sys.executable, str(Path(__file__).with_name("serve_then.py")), str(DAYS_AGO), "serve")
    server = Server(lender.directory, program=program)

    def ask(client: httpx.Client, body: Mapping[str, Any]) -> dict[str, Any] | None:
        answer = client.post("/v1/decisions", json=body, headers={"Idempotency-Key": body["application_id"]})
        reply: dict[str, Any] = answer.json()
        if answer.status_code == 201:
            return reply
        assert (answer.status_code, reply["type"]) == (422, "/problems/contract"), answer.text
        assert reply["violations"]
        return None

    with (
        running_servers(server),
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as client,
        ThreadPoolExecutor(4) as clients,
    ):
        replies = list(clients.map(partial(ask, client), bodies))
        for reply in [reply for reply in replies if reply is not None and reply["answer"] == "refer"][::2]:
            given = client.post(f"/v1/decisions/{reply['decision_id']}/final-answer", json={"answer": "approve"})
            assert given.status_code == 201, given.text
            reply["final_answer"] = "approve"
        assert server.stop() == 0
    return replies


def write_bodies(directory: Path, applying: pa.Table) -> Iterator[dict[str, Any]]:
    """Every application as a caller would write it: raw columns by the contract's names, and nothing for no value."""
    workspace = open_workspace(directory)
    sources = {
        column.name: workspace.mapping.columns.get(column.name, column.name) for column in workspace.contract.columns
    }
    for number, row in enumerate(applying.to_pylist()):
        cells = {column: row[sources[column.name]] for column in workspace.contract.columns}
        yield {
            "application_id": f"N-{number}",
            "inputs": {
                column.name: _as_json(value, column) for column, value in cells.items() if not _is_absent(value)
            },
        }


def check_answered(answered: list[dict[str, Any] | None], directory: Path, applying: pa.Table) -> None:
    """What was decided live, one by one, or refused, is what the same release says of the whole table."""
    workspace = open_workspace(directory)
    names = [column.name for column in workspace.contract.columns]
    sources = {workspace.mapping.columns.get(name, name): name for name in names}
    checked = check_table(workspace.contract, applying.select(list(sources)).rename_columns(list(sources.values())))
    assert checked.rows.tolist() == [row for row, reply in enumerate(answered) if reply is not None]
    assert len(checked.rows) > 0.95 * len(answered)
    decisions = decide(checked.batch, Release(load(workspace.package), workspace.policy))
    for place, row in enumerate(checked.rows.tolist()):
        reply, stated = answered[row], decisions.row(place)
        assert reply is not None
        assert {name: reply[name] for name in _STATED} == {name: stated[name] for name in _STATED}
        assert reply["trial"]


_STATED = ("answer", "pd", "score", "rules", "reasons", "pd_at_reference", "adjusted")


def _event(
    name: str, event: str, at: date, *, known: date | None = None, amount: float | None = None
) -> dict[str, Any]:
    return {"application_id": name, "event": event, "at": at, "known_at": known or at, "amount": amount}


def _is_absent(value: Any) -> bool:
    return value is None or value != value  # NaN is what does not equal itself


def _as_json(value: Any, column: Column) -> Any:
    match column.type:
        case "category" | "text":
            return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        case "date":
            return value.isoformat()
        case "boolean":
            return bool(value)
        case _:
            return value
