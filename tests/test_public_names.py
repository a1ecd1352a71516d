"""The public door: about a dozen names, each what it says, whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

import roadworthy as rw


def test_every_public_name_is_there_and_documented() -> None:
    for name in rw.__all__:
        assert getattr(rw, name).__doc__, name


def test_decide_is_the_function_also_after_its_room_was_imported() -> None:
    import roadworthy.decision
    import roadworthy.pipeline

    assert callable(rw.decide)
    assert rw.decide is roadworthy.decision.decide


def test_importing_roadworthy_loads_no_room() -> None:
    script = "import sys, roadworthy; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(rw, "nonsense")
