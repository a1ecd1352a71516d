"""What every released version decided comes out again: the same bits on the same build, no other answer on any (R23).

On another build the largest distance of two PDs is printed (`pytest -rP`), in units of the last place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.lifecycle import Asked, replay_decisions, tell_build
from roadworthy.live import CurrentRoute
from roadworthy.records import new_id, open_store, read_wrapping_text, restore
from tests.golden.make_decisions import DECISIONS, MADE

KEPT = sorted(DECISIONS.glob("*.zip"))


def test_there_is_one_of_this_version_and_all_are_small() -> None:
    assert KEPT
    assert sum(path.stat().st_size for path in KEPT) < 1_000_000 * len(KEPT)


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_what_a_released_version_decided_comes_out_again(kept: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    keys = read_wrapping_text(kept.with_suffix(".key").read_text(), str(kept))
    restore(kept, url)
    with open_store(url, keys=keys) as store:
        actor = Actor(account="vera", credential="key:1", roles=frozenset(("validator",)), branches=EVERY_BRANCH)
        found = replay_decisions(Deed(store, actor, MADE, lambda: new_id(MADE)), CurrentRoute(store), Asked())
        others = [change for build in found.builds for change in tell_build(store, build)]
    figures = f"{kept.stem}: {found.same} of {found.decisions} the same, {found.largest_ulps} ulps; {others}"
    print(figures)  # noqa: T201  # the figures are the point
    assert found.decisions > 60
    assert found.erased > 0
    assert found.answers_changed == found.not_made == 0, found.first
    assert set(found.differs) <= ({"code"} if others else set()), found.first
