"""Whoever is answered first waits for no compiling: a process that says it is ready has its kernels."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import GradientBoostingClassifier

from roadworthy.decision import Release
from roadworthy.model import seal
from roadworthy.records import create_store
from roadworthy.testing import make_applications, make_contract, make_policy, make_release
from roadworthy.testing.going_live import go_live
from tests.stores import MADE

CODE = """
import asyncio
import gc
import sys
from datetime import UTC, datetime

import httpx
import msgspec
from numba.core.dispatcher import Dispatcher

from roadworthy.app import build
from roadworthy.live import Decided, Envelope, decide_and_record
from roadworthy.records import new_id
from roadworthy.settings import Settings

def count_signatures():
    return {d.py_func.__module__ + "." + d.py_func.__qualname__: len(d.overloads)
            for d in gc.get_objects() if isinstance(d, Dispatcher)}

async def ask(path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app.door), base_url="http://here") as http:
        return (await http.get(path)).status_code

def decide(inputs):
    now = datetime.now(UTC)
    return decide_and_record(
        app.current, [Envelope(record_id=new_id(now), actor="shop", inputs=msgspec.Raw(one)) for one in inputs], now=now
    )

app = build(Settings(store=sys.argv[1]))
assert asyncio.run(ask("/readyz")) == 200
before = count_signatures()
assert sum(before.values()) >= int(sys.argv[3]), before
rows = msgspec.json.decode(open(sys.argv[2], "rb").read(), type=list[msgspec.Raw])
made = [*decide(rows[:1]), *decide(rows[1:4]), *decide(rows[4:])]
assert all(isinstance(one, Decided) for one in made)
answers = [msgspec.json.decode(one.reply) for one in made]
assert {reply["answer"] for reply in answers} == {"approve", "refer", "decline"}
assert any(reason["contribution"] for reply in answers for reason in reply["reasons"])
app.current.take().champion.release.package.explain(app.current.take().champion.release.package.reference)
now = count_signatures()
app.close()
print({name: now[name] - before.get(name, 0) for name in now if now[name] != before.get(name, 0)})
"""


def make_path_dependent() -> Release:
    """Trees whose contributions are path-dependent, which are other kernels."""
    X, bad = make_applications(900, seed=2)
    trees = GradientBoostingClassifier(n_estimators=20, random_state=0)
    trees.fit(X[["age", "amount", "months"]].astype("float64")[:600], bad[:600])
    package = seal(trees, X[600:], bad[600:], name="path", reasons="path", contract=make_contract())
    return Release(package, make_policy())


@pytest.mark.parametrize(("kind", "kernels"), [("scorecard", 2), ("boosted", 4), ("path", 4)])
def test_the_first_decision_after_readiness_compiles_nothing(kind: Any, kernels: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    release = make_path_dependent() if kind == "path" else make_release(kind)
    with create_store(url, store_id="a-store", at=MADE) as store:
        go_live(store, release, at=datetime.now(UTC))
    X, _ = make_applications(60, seed=3)
    names = [column.name for column in release.package.contract.columns]
    (tmp_path / "rows.json").write_text(X[names].to_json(orient="records"))
    command = [sys.executable, "-c", CODE, url, str(tmp_path / "rows.json"), str(kernels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{}\n", "compiled after the process said that it was ready"
