"""A pickle or joblib file made into a file that can be sealed: opened in a process apart, never in this one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from roadworthy.errors import SealError
from roadworthy.model.formats.apart import do_apart

__all__ = ["Converted", "convert_pickle", "list_pickle"]

_SUFFIXES = (".skops", ".txt", ".ubj")


@dataclass(frozen=True)
class Converted:
    """`path` is the file written, `model` the class of the object, `imports` what reading it imported.

    `types` are those of the object that only a deployment which lists them will construct. `warnings` are the
    libraries' own, such as another version having made it.
    """

    path: Path
    model: str
    imports: tuple[str, ...]
    types: tuple[str, ...]
    warnings: tuple[str, ...]


def list_pickle(path: Path) -> tuple[tuple[str, bool], ...]:
    """What reading the file would import, each with whether it is on the list. Nothing of it is imported or run.

    SealError where the file is none, or makes up what it imports while it is read.
    """
    if not path.is_file():
        raise SealError("there is no such file", where=path)
    with TemporaryDirectory() as folder:
        return do_apart("list", path, Path(folder)).imports


def convert_pickle(path: Path, out: Path | None = None, *, trusted: Sequence[str] = ()) -> Converted:
    """Store the object of a pickle or joblib file without pickle: .skops, or a Booster's own .txt or .ubj.

    `out` is the file to write, by default beside `path` under the name that fits; `trusted` names, as
    `module.name`, what beyond the list may be imported. SealError: it would import anything else, is damaged or made
    to do harm, cannot be stored without pickle, or `out` is there already.
    """
    if not path.is_file():
        raise SealError("there is no such file", where=path)
    with TemporaryDirectory() as folder:
        said = do_apart("make", path, Path(folder), list(trusted))
        _refuse_odd(path, said.imports, trusted)
        made = Path(folder, Path(said.file).name)
        if made.suffix not in _SUFFIXES or made.is_symlink() or not made.is_file():
            raise SealError("nothing came of it", where=path)
        written = out or path.with_suffix(made.suffix)
        if written.suffix != made.suffix:
            raise SealError(
                f"holds a {said.model}, which is stored as {made.suffix}", where=path, mend=f"--out NAME{made.suffix}"
            )
        try:
            with made.open("rb") as source, written.open("xb") as target:
                shutil.copyfileobj(source, target)
        except FileExistsError:
            raise SealError("is there already", where=written, mend="--out ANOTHER, or remove it") from None
        except OSError as error:
            raise SealError(f"cannot be written: {error.strerror}", where=written) from None
    return Converted(written, said.model, tuple(name for name, _ in said.imports), said.types, said.warnings)


def _refuse_odd(path: Path, imports: Sequence[tuple[str, bool]], trusted: Sequence[str]) -> None:
    odd = [name for name, known in imports if not known and name not in trusted]
    if odd:
        in_notebook = any(name.startswith("__main__.") for name in odd)
        raise SealError(
            f"reading it would import what is on no list: {', '.join(odd[:10])}"
            + (f" and {len(odd) - 10} more" if len(odd) > 10 else ""),
            where=path,
            mend="what is in __main__ was made in a notebook or script: put it into a module, and store the model again"
            if in_notebook
            else f"if you know who made it and what that is: --trust {','.join(odd[:10])}",
        )
