"""Runs every example: the doctests of src and the code blocks of README and docs."""

from __future__ import annotations

import doctest

from sybil import Sybil
from sybil.parsers.rest import DocTestParser

pytest_collect_file = Sybil(
    parsers=[DocTestParser(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)],
    patterns=["src/**/*.py"],
).pytest()
