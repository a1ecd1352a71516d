"""`roadworthy replay`: what was decided is decided again, and whoever asks sees whether it is the same (R23)."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from roadworthy.cli.acting import open_product_store
from roadworthy.live import read_manifest
from roadworthy.settings import read_settings
from tests.cli.conftest import Run


@pytest.fixture
def decided(run: Run, product_folder: Path) -> Run:
    """A trial in which a file was decided and recorded."""
    for words in ("trial on", "release create", "release promote 1", "score ../loans.csv decided.csv --record"):
        assert run(words)[0] == 0
    return run


def read_decided(folder: Path) -> list[dict[str, str]]:
    with (folder / "decided.csv").open() as file:
        return list(csv.DictReader(file))


def swap_policy(folder: Path) -> None:
    with open_product_store(read_settings(folder)) as store:
        with store.reading() as connection:
            digest = read_manifest(connection, "1").policy
        swap = text("UPDATE contents SET bytes = :data WHERE digest = :digest")
        store.transact(lambda connection: connection.execute(swap, {"data": b"other", "digest": digest}))


def test_everything_is_the_same_and_one_decision_says_so_by_itself(decided: Run, product_folder: Path) -> None:
    rows = read_decided(product_folder)
    code, out, _ = decided("replay --all")
    assert code == 0
    assert f"{len(rows)} decisions made again: {len(rows)} of release 1" in out
    assert f"{len(rows)} the same to the last bit" in out
    assert "0 different" in out
    code, out, _ = decided(f"replay {rows[0]['decision_id']}")
    assert code == 0
    assert out.startswith(f"the same to the last bit: {rows[0]['answer']}, PD {float(rows[0]['pd']):.6f}")
    told = json.loads(decided(f"replay {rows[0]['decision_id']} --json")[1])
    assert (told["same"], told["differs"], told["ulps"]) == (True, [], 0)


def test_what_is_asked_for_is_picked(decided: Run, product_folder: Path) -> None:
    count = len(read_decided(product_folder))
    today = datetime.now(UTC).date().isoformat()
    named = product_folder / "named.txt"
    with open_product_store(read_settings(product_folder)) as store:
        subjects = [one.subject for one in store.ledger.read(limit=10_000).records if one.kind == "decision"]
    named.write_text("\n".join([*subjects[:3], "", subjects[0]]))
    for words, expected in (
        (f"--from {today}", count),
        ("--from 2001-01-01 --release 1", count),
        ("--applications named.txt", 3),
    ):
        code, out, _ = decided(f"replay {words} --json")
        assert (code, json.loads(out)["same"]) == (0, expected), words


def test_what_differs_ends_with_1_and_is_written(decided: Run, product_folder: Path) -> None:
    rows = read_decided(product_folder)
    swap_policy(product_folder)
    code, out, _ = decided("replay --all --out differing.csv")
    assert code == 1
    assert f"what differs: policy ({len(rows)})" in out
    assert f"{len(rows)} could not be made again at all" in out
    assert f"- {rows[0]['decision_id']}: policy: " in out
    assert f"and {len(rows) - 20:,} more: --out FILE writes them all" in out
    with (product_folder / "differing.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [line["decision_id"] for line in written] == [row["decision_id"] for row in rows]
    assert {line["differs"] for line in written} == {"policy"}
    code, out, _ = decided(f"replay {rows[0]['decision_id']}")
    assert code == 1
    assert out.startswith("not the same: policy: ")


def test_what_cannot_be_meant_is_refused_with_the_mend(decided: Run) -> None:
    for words, said in (
        ("", "says no decision"),
        ("abc --all", "which decisions is not clear"),
        ("--all --release 1", "which decisions is not clear"),
        ("--from yesterday", "'yesterday' is no day and no moment"),
        ("--to 2026-10-01T08:00:00", "is no day and no moment"),
        ("--applications nowhere.txt", "cannot be read"),
        ("--all --processes 0", "is less than one process"),
        ("--release 7", "no decision is among those asked for"),
        ("no-such-decision", "there is no decision no-such-decision"),
    ):
        code, _, err = decided(f"replay {words}")
        assert code == 2, words
        assert said in err
        assert "mend: " in err
