"""Text that a spreadsheet would run as a formula: neutralised when written to CSV, restored when read back.

A text cell that begins with = + - @ (also as East Asian keyboards type them), a tab or the end of a line gets one
apostrophe in front, as does one that already begins with apostrophes before such a sign: so every text comes back as it
was. A text that is only a number (-5, +49,5) cannot run anything and stays as it is. The signs are those that OWASP
names under CSV injection.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["neutralise", "restore", "restore_text", "would_run"]

_RISKY = r"^'*[=+\-@\t\r\n\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]"
_NUMBER = r"^'*[+-]?[0-9.][0-9.,]*([eE][+-]?[0-9]+)?$"


def neutralise(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The string array with one apostrophe before every text that a spreadsheet would run.

    >>> neutralise(pa.array(["=1+1", "-5", "Ana", None])).to_pylist()
    ["'=1+1", '-5', 'Ana', None]
    """
    risky = would_run(text)
    if not pc.any(risky).as_py():
        return text
    return pc.if_else(risky, pc.binary_join_element_wise("'", text, ""), text)


def restore(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The text as it was before `neutralise`.

    >>> restore(pa.array(["'=1+1", "'quoted'", "-5"])).to_pylist()
    ['=1+1', "'quoted'", '-5']
    """
    quoted = pc.starts_with(text, "'")
    if not pc.any(quoted).as_py():
        return text
    return pc.if_else(pc.and_(quoted, would_run(text)), pc.utf8_slice_codeunits(text, 1), text)


def restore_text(text: str) -> str:
    """`restore` for one text, such as a column's name."""
    restored: str = restore(pa.array([text])).to_pylist()[0]
    return restored


def would_run(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Whether a spreadsheet would run each text of a string array.

    >>> would_run(pa.array(["=1+1", "-5", None])).to_pylist()
    [True, False, None]
    """
    return pc.and_not(pc.match_substring_regex(text, _RISKY), pc.match_substring_regex(text, _NUMBER))
