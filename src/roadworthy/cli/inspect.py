"""`roadworthy inspect`: what is in a sealed package, read and never executed."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.speaking import Json, say, show_json

NAME = "inspect"


def command(file: Path, /, *, json: Json = False) -> int:
    """Show the card of FILE.rw: model, contract, parity, evaluation, digests.

    Nothing in the package is executed; a changed byte anywhere is refused.

    Example: roadworthy inspect build/model.rw

    Parameters
    ----------
    file
        A sealed package.
    json
        Print one JSON document.

    """
    from roadworthy.model import card_lines, describe_card, inspect_package

    card = inspect_package(file)
    if json:
        show_json(describe_card(card))
        return 0
    for line in card_lines(card):
        say(line)
    return 0
