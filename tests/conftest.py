"""What every room's tests may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are not timed: a busy machine is no fault of the code. What lands must not hang on luck either: the ordinary
# run tries the same examples each time, the long one looks further.
settings.register_profile("roadworthy", deadline=None, derandomize=not os.environ.get("LONG_TESTS"))
settings.load_profile("roadworthy")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real credit data beside the project; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return folder
