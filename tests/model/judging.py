"""What becomes of a file that may be anything: it is refused in words, or it loads and then it decides and explains.

As a program it judges many, one line each: `python -m tests.model.judging KIND FIRST COUNT`. A child does the work:
where it dies or hangs that is told, and another goes on, which need not load the libraries anew. With TRACED=1 it ends
with the lines of the validators that ran.
"""

from __future__ import annotations

import dis
import inspect
import mmap
import os
import resource
import signal
import sys
import tempfile
import threading
import warnings
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TextIO

import numpy as np

from roadworthy.decision import Release, decide
from roadworthy.errors import PackageError, SealError
from roadworthy.model import Package, card_lines, load_bytes
from roadworthy.model.engine import CompiledEngine, Engine
from roadworthy.model.forest import Forest
from roadworthy.model.formats.files import read_here
from roadworthy.model.package_file import parts_of
from roadworthy.model.parity import make_hard_rows
from roadworthy.policy import Policy
from tests.model.mutating import mutate_file, mutate_package

FOLDER = Path(__file__).parent / "packages"
PACKAGES = sorted(FOLDER.glob("protocol-*/*.rw"))
VENDOR_FILES = sorted((FOLDER / "vendor").glob("*.*"))
POLICY = Policy.parse(
    "name: any\nbands: [{up_to: 0.1, answer: approve}, {up_to: 0.3, answer: refer}, {answer: decline}]\n"
)
ASKED = 40
ASKED_NATIVE = 2
MEMORY = 6 * 2**30
SECONDS_EACH = 30
SECONDS_WAITING = 900


def judge_package(content: bytes) -> str:
    """`refused` or `decides`, and `otherwise` where the rows kept at sealing tell; AssertionError for anything else."""
    try:
        package = load_bytes(content, where="odd.rw")
    except PackageError as error:
        refusal = error
    else:
        return _judge_loaded(package, content)
    assert refusal.where == "odd.rw"
    assert refusal.message
    return "refused"


def _judge_loaded(package: Package, content: bytes) -> str:
    engine, reference = package.engine, package.reference
    golden, _ = package.golden()
    batch = make_hard_rows(golden, engine.inputs, {}) if len(golden) else reference
    asked = ASKED if engine.kind == "compiled" else ASKED_NATIVE
    batch = batch.take(np.linspace(0, len(batch) - 1, asked).astype(np.int64)) if len(batch) else reference
    pd = engine.pd(batch)
    assert pd.shape == (len(batch),)
    assert pd.dtype == np.float64
    assert (np.isnan(pd) | ((pd >= 0) & (pd <= 1))).all()
    said = engine.explain(batch.take(slice(0, 4 if asked == ASKED else 1)), reference)
    assert said.contributions.shape == (len(batch.take(slice(0, 4 if asked == ASKED else 1))), len(engine.inputs))
    with np.errstate(all="ignore"):  # what is not finite is not compared
        gap = said.output - said.reference_output
        size = np.abs(said.contributions).sum(axis=1) + np.abs(said.output) + abs(said.reference_output) + 1e-9
        size += _largest_leaf(engine)  # two of 1e300 that cancel out take the digits of all others along
        compared = (said.error is None) & (size < 1e30)  # a float32 sum has no more room
        assert (np.abs(said.contributions.sum(axis=1) - gap)[compared] <= 1e-5 * size[compared]).all()
    decisions = decide(batch, Release(package, POLICY))
    assert len(decisions) == len(batch)
    assert (decisions.answers()[np.isnan(pd)] == "refer").all()
    assert list(card_lines(package))
    assert package.to_bytes() == content
    return "decides" if package.check_golden() == 0 else "decides otherwise, and check_golden tells"


def _largest_leaf(engine: Engine) -> float:
    scorer = engine.scorer if isinstance(engine, CompiledEngine) else None
    return float(np.abs(scorer.value).max(initial=0.0)) if isinstance(scorer, Forest) else 0.0


def judge_vendor_file(path: Path) -> str:
    """`refused`, or `answers` where the library takes the file and is asked."""
    try:
        # As the process apart does it, where `read_model_file` has every booster's file tried first.
        model = read_here(path)
    except SealError as error:
        refusal = error
    else:
        return _ask(model)
    assert refusal.where == str(path)
    return "refused"


def _ask(model: Any) -> str:
    rows: Any = np.array([[0.0, 30.0, 2000.0], [1.0, np.nan, -1.0], [np.inf, 1e300, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if type(model).__module__.startswith("xgboost."):
                import xgboost

                rows = xgboost.DMatrix(np.nan_to_num(rows, posinf=9.0), feature_names=model.feature_names)
            (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(rows)
        except Exception:  # noqa: BLE001  # whatever the library raises when asked is a refusal of the row
            return "taken, and refuses rows"
    return "answers"


def judge(kind: str, number: int) -> str:
    """The outcome of mutant `number`."""
    if kind == "package":
        return judge_package(mutate_package(_random(number), _parts(PACKAGES[number % len(PACKAGES)])))
    with tempfile.TemporaryDirectory() as folder:
        return judge_vendor_file(write_vendor_file(number, Path(folder)))


def write_vendor_file(number: int, folder: Path) -> Path:
    """Mutant `number` of the vendors' files, written into `folder`."""
    path = VENDOR_FILES[number % len(VENDOR_FILES)]
    odd = folder / f"odd{path.suffix}"
    odd.write_bytes(mutate_file(_random(number), path.read_bytes()))
    return odd


def _random(number: int) -> np.random.Generator:
    return np.random.default_rng([number, 20_261_122])


@cache
def _parts(path: Path) -> dict[str, bytes]:
    return parts_of(path.read_bytes(), path)


class Traced:
    """Which lines of the validators run."""

    def __init__(self) -> None:
        from roadworthy.model import (
            composed,
            curves,
            engine,
            engine_parts,
            forest,
            linear,
            package,
            package_file,
            plain_array,
            plain_batch,
            plan,
        )

        self.lines: dict[str, set[int]] = {}
        for module in (package, package_file, plain_array, plain_batch, engine_parts):
            file = str(module.__file__)
            code = compile(Path(file).read_text(), file, "exec")
            self.lines[file] = {line for inner in _functions(code) for line in _lines(inner)}
        for module in (plan, forest, linear, engine, composed, curves):
            kinds = [kind for kind in vars(module).values() if getattr(kind, "__module__", "") == module.__name__]
            checks = [value for kind in kinds for name, value in vars(kind).items() if "check" in name]
            self.lines[str(module.__file__)] = {line for check in checks for line in _lines(check.__code__)}
        self.ran: dict[str, set[int]] = {file: set() for file in self.lines}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        ran = self.ran.get(frame.f_code.co_filename)
        if ran is None:
            return None

        def note(frame: FrameType, event: str, argument: Any) -> Any:
            ran.add(frame.f_lineno)
            return note

        return note(frame, event, argument)

    def report(self) -> list[str]:
        """One line a file: how many of the lines ran, and which did not."""
        said = []
        for file, lines in self.lines.items():
            missed = sorted(lines - self.ran[file])
            said.append(f"{Path(file).name}: {len(lines) - len(missed)} of {len(lines)} lines; not {missed}")
        return said


def _functions(code: CodeType) -> list[CodeType]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    found = [deeper for each in inner for deeper in (each, *_functions(each))]
    return [each for each in found if each.co_flags & inspect.CO_OPTIMIZED]  # a class's own lines run on import


def _lines(code: CodeType) -> set[int]:
    starts = {line for _, line in dis.findlinestarts(code) if line is not None}
    return starts - {code.co_firstlineno}


def main() -> None:
    kind, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # What a library prints goes elsewhere: one line a file is what is counted.
    answer = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    traced = Traced() if os.environ.get("TRACED") else None
    if traced is not None:
        sys.settrace(traced)
        threading.settrace(traced)
    if kind == "package":
        for path in PACKAGES:  # compiles the kernels
            judge_package(path.read_bytes())
    else:
        for library in ("catboost", "lightgbm", "onnx", "skops.io", "sklearn.ensemble", "xgboost"):
            import_module(library)
    stop = first + count
    with mmap.mmap(-1, 8) as shared:
        while first < stop:
            child = os.fork()
            if not child:
                _judge_range(kind, first, stop, answer, shared, traced)
            _, status = os.waitpid(child, 0)
            if not status:
                break
            first = int.from_bytes(shared[:8], "little")
            hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF)
            print(first, "hung" if hung else "died", file=answer)
            first += 1


def _judge_range(kind: str, first: int, stop: int, answer: TextIO, shared: mmap.mmap, traced: Traced | None) -> None:
    """In a child, which tells in `shared` which one it judges; it has every library already, and may die of any."""
    for number in range(first, stop):
        shared[:8] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)  # of computing: other work on the machine does not count
        signal.alarm(SECONDS_WAITING)
        try:
            outcome = judge(kind, number)
        except Exception as fault:  # noqa: BLE001  # told, with where it came from, and the next one is judged
            at = fault.__traceback__
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            place = "" if at is None else f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
            outcome = f"FAULT {type(fault).__name__} at {place}: {str(fault)[:100]!r}"
        print(number, outcome, file=answer)  # this is how the one who waits is told
    if traced is not None:
        sys.settrace(None)
        for line in traced.report():
            print("-1", line, file=answer)
    os._exit(0)


if __name__ == "__main__":
    main()
