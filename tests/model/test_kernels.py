"""Kernels are compiled where neither the installation nor a home can be written, as in a read-only container."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import roadworthy

CODE = """
import sys
from pathlib import Path

import roadworthy
from roadworthy.settings import place_kernels

if sys.argv[1:]:
    place_kernels(Path(sys.argv[1]))
import numpy as np
from roadworthy.model.links import LINKS

assert LINKS["sigmoid"](np.zeros(1)).tolist() == [0.5]
import numba
print(Path(roadworthy.__file__).parent, numba.config.CACHE_DIR)
"""


@pytest.fixture
def read_only() -> Iterator[Path]:
    """The program copied to where it cannot be written, and a folder beside it that can."""
    place = Path(tempfile.mkdtemp())
    try:
        source = Path(roadworthy.__file__).parent
        shutil.copytree(source, place / "src" / "roadworthy", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (place / "src").rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        (place / "store").mkdir()
        (place / "src").chmod(0o555)
        yield place
    finally:
        for path in [place, *place.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(place)


def run(place: Path, *arguments: str) -> tuple[str, str]:
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place / "src"), "HOME": str(place / "src"), "TMPDIR": "/tmp"}  # noqa: S108
    # To root nothing is read-only, unless it gives up the right to be asked nothing.
    humbly = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    if humbly and shutil.which("setpriv") is None:
        pytest.skip("no setpriv on this machine, and nothing is read-only to root")
    command = [*humbly, sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, cwd=place, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where, kept = done.stdout.split()
    return where, kept


def test_a_read_only_installation_compiles_into_a_folder_that_goes_with_the_process(read_only: Path) -> None:
    where, kept = run(read_only)
    assert where == str(read_only / "src" / "roadworthy")
    assert "roadworthy-kernels-" in kept
    assert not Path(kept).exists()


def test_a_store_s_own_folder_keeps_the_kernels_for_the_next_start(read_only: Path) -> None:
    _, kept = run(read_only, str(read_only / "store" / "kernels"))
    assert kept == str(read_only / "store" / "kernels")
    assert list(Path(kept).rglob("*.nbc"))
    assert stat.S_IMODE(Path(kept).stat().st_mode) == 0o700
