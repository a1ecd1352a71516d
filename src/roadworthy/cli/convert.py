"""`roadworthy convert`: a pickle or joblib file made sealable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json

NAME = "convert"


def command(
    file: Path,
    /,
    *,
    out: Path | None = None,
    trust: str = "",
    only_list: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Make a file that can be sealed of FILE, a pickle or joblib file: .skops, or a Booster's own .txt or .ubj.

    To read a pickle is to run what is in it, so convert only what comes from people you know. What reading it would
    import is listed first, and refused where it is not on a list of plain values and the model libraries' own classes.
    It is read in another process, without network, other programs or files, and never where anything is sealed or
    decided.

    Example: roadworthy convert model.joblib --out credit.skops

    Parameters
    ----------
    file
        The pickle or joblib file.
    out
        The file to write; FILE with another ending by default.
    trust
        What else may be imported, as module.name with commas between. It runs: look at its code first.
    only_list
        Say what reading it would import, and read nothing.
    json
        Print one JSON document.

    """
    from roadworthy.model import convert_pickle, list_pickle

    if only_list:
        imports = list_pickle(file)
        if json:
            show_json({"imports": [{"name": name, "known": known} for name, known in imports]})
            return 0
        for name, known in imports:
            say(f"{'known' if known else 'NOT ON THE LIST':<16} {name}")
        return 0
    made = convert_pickle(file, out, trusted=[name.strip() for name in trust.split(",") if name.strip()])
    if json:
        show_json(made)
        return 0
    say(f"{file} holds a {made.model}; reading it imported {len(made.imports)} names:")
    for name in made.imports:
        say(f"  {name}")
    for warning in made.warnings:
        say(f"warning: {warning}")
    if made.types:
        say(f"only a deployment that lists them in trusted_types constructs: {', '.join(made.types)}")
    say(f"wrote {made.path}")
    say(f"next: roadworthy seal {made.path} --data HELD_OUT.csv --target COLUMN")
    return 0
