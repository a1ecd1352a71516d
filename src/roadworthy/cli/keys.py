"""`roadworthy keys`: the key that wraps the applicants' own keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from roadworthy.cli.acting import As, BreakGlass, Directory, acting, change_access
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError
from roadworthy.settings import read_settings

NAME = "keys"
command = App(
    help="The wrapping key: it opens the applicants' own keys, and is never in the store.\n\n"
    "Example: roadworthy keys rotate",
    version_flags=[],
)


@command.command(name="new")
def make_new(
    *,
    print_: Annotated[bool, Parameter(name="--print", negative="")] = False,
    directory: Directory = Path(),
    json: Json = False,
) -> int:
    """Make a wrapping key in its file, where there is none: a store that keeps none is encrypted from then on.

    Example: roadworthy keys new

    Parameters
    ----------
    print_
        Print the key instead, for an environment variable or a vault; no file is written.
    directory
        The product's directory, whose settings name the file.
    json
        Print one JSON document.

    """
    from roadworthy.records import make_wrapping_file, new_wrapping_key

    if print_:
        word = new_wrapping_key()
        show_json({"wrapping_key": word}) if json else say(word)
        return 0
    path = read_settings(directory).wrapping_key_file
    made = make_wrapping_file(path)
    if json:
        show_json({"file": path, "key_id": made.newest.key_id})
    else:
        say(f"the wrapping key {made.newest.key_id} is in {path}: keep a copy apart from the backups")
    return 0


@command.command(name="rotate")
def rotate(
    *,
    begin: Annotated[bool, Parameter(negative="")] = False,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Wrap every applicant's key anew under a new wrapping key, while the store serves; then retire the old one.

    Stopped at any point, everything opens, and the same again goes on.

    Example: roadworthy keys rotate

    Parameters
    ----------
    begin
        Only put the new key into the file: where several machines serve, carry it to each before the rest.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import keys_of
    from roadworthy.records import begin_rotation, rotate_wrapping_key

    keys = keys_of(read_settings(directory))
    if keys is None:
        raise UsageError("there is no wrapping key to rotate", mend="roadworthy keys new")
    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        deed.demand("wrapping_key.rotate")
        if begin:
            key_id = begin_rotation(keys)
            show_json({"key_id": key_id, "begun": True}) if json else say(
                f"{key_id} is in {keys.where}: carry that file to every machine, then `roadworthy keys rotate`"
            )
            return 0
        done = rotate_wrapping_key(deed.store, keys)
        change_access(
            deed,
            lambda act: act.record("wrapping_key_rotated", "store", key=done.key_id, rewrapped=done.rewrapped),
            reason=break_glass,
        )
    if json:
        show_json(done)
        return 0
    say(f"{done.rewrapped:,} applicants' keys are wrapped under {done.key_id} now")
    if done.retired and keys.path is None:
        say(f"take the old one out of {keys.where}: {', '.join(done.retired)}")
    say("backups from before still need the old key: keep its copy as long as them")
    return 0
