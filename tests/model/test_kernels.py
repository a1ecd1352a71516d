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
    done = start(place, CODE, *arguments)
    assert done.returncode == 0, done.stderr
    where, kept = done.stdout.split()
    return where, kept


def start(place: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place / "src"), "HOME": str(place / "src"), "TMPDIR": "/tmp"}  # noqa: S108
    # To root nothing is read-only, unless it gives up the right to be asked nothing.
    humbly = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    if humbly and shutil.which("setpriv") is None:
        pytest.skip("no setpriv on this machine, and nothing is read-only to root")
    command = [*humbly, sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=place, env=known, capture_output=True, text=True, check=False)


NOWHERE = """
import errno
import os
import sys
import tempfile
import warnings

def refuse(*_, **__):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))

tempfile.mkdtemp = refuse
warnings.simplefilter("default")

import pyarrow as pa
from roadworthy.model import load

package = load(sys.argv[1])
rows, pd = package.golden()
assert package.pd(rows).tolist() == pd.tolist()
assert package.explain(rows).contributions.shape == (len(rows), 3)

import numba
print("decided", repr(numba.config.CACHE_DIR))
"""


def test_where_nothing_at_all_can_be_written_it_decides_and_warns_once(read_only: Path) -> None:
    kept = Path(__file__).parent / "packages" / "protocol-3" / "forest.rw"
    done = start(read_only, NOWHERE, str(kept))
    assert done.stdout == "decided ''\n", done.stderr
    assert done.stderr.count("compiled kernels cannot be kept") == 1
    assert not list(read_only.rglob("*.nbi"))


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
