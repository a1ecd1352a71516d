"""The command line. One file a command: it has `NAME` and `command`, and is found here without being listed.

Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 could not. What goes wrong goes to stderr and says the mend.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from roadworthy import __version__
from roadworthy.errors import RoadworthyError, UsageError

__all__ = ["build_app", "main", "obey"]


def build_app() -> App:
    """The application with every command in this folder."""
    app = App(
        name="roadworthy",
        help="Turns a trained classifier into decisions a lender can run. More of each command: roadworthy run --help",
        version=__version__,
        suppress_keyboard_interrupt=False,  # it is said below, once what is half-written is gone
        # What is empty or off unless it is given needs no mention.
        default_parameter=Parameter(show_default=lambda value: str(value) if value else None),
    )
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        if hasattr(module, "command"):
            app.command(module.command, name=module.NAME)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code. To be told to stop is to be interrupted: what is half-written goes."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(obey(arguments))


def obey(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        code = build_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        errors.print(str(error), style="red" if errors.is_terminal else None, markup=False)
        return UsageError.exit_code
    except RoadworthyError as error:
        errors.print(str(error), style="red" if errors.is_terminal else None, markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        errors.print("stopped; nothing half-written is left behind")
        return 3
    except BrokenPipeError:
        return 3
    except Exception as error:  # noqa: BLE001 a user gets a sentence and an exit code, whatever it is
        errors.print(_describe(error), style="red" if errors.is_terminal else None, markup=False)
        return 3
    return code if isinstance(code, int) else 0


def _describe(error: Exception) -> str:
    """What nobody foresaw, by its name and the line it came from: the user's own in stages.py where it passed there."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [place for place in frames if Path(place[0]).name == "stages.py"]
    file, line = (own or frames)[-1]
    said = str(error).strip()
    return f"{file}, line {line}: {type(error).__name__}" + (f": {said}" if said else "")
