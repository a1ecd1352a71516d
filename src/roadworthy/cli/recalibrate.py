"""`roadworthy recalibrate`: newer outcomes, the same model, a calibrator behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "recalibrate"


def command(
    package: Path,
    /,
    *,
    data: Path,
    target: str,
    out: Path | None = None,
    method: Literal["auto", "intercept", "sigmoid", "isotonic"] = "auto",
    weight: str | None = None,
    json: Json = False,
) -> int:
    """Fit a calibrator to newer outcomes, behind the model of PACKAGE, and write a new package.

    It is judged on rows that it did not see; one that lowers the log loss by no more than chance is refused.

    Example: roadworthy recalibrate credit.rw --data matured.csv --target default

    Parameters
    ----------
    package
        A sealed package, which stays as it is.
    data
        Newer applications with their outcome, which the model was not trained on.
    target
        The column of DATA with the outcome, 1 where bad.
    out
        The file to write; beside PACKAGE as NAME-recalibrated.rw by default.
    method
        intercept shifts the log-odds, sigmoid fits a line of them, isotonic fits steps; auto takes what DATA shows.
    weight
        The column of DATA with sampling weights.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import recalibrate_file

    trusted = read_settings(Path()).trusted
    done, path = recalibrate_file(
        package, data, target=target, out=out, method=method, weight=weight, trusted_types=trusted
    )
    if json:
        show_json(
            {
                "file": str(path),
                "digest": done.package.digest,
                "method": done.chosen,
                "trials": [
                    {"method": t.method, "log_loss": t.log_loss, "gain": t.gain, "gain_error": t.gain_error}
                    for t in done.trials
                ],
                "before": done.before.to_arrow().to_pylist(),
                "after": done.after.to_arrow().to_pylist(),
                "answers_changed": {f"{cut:g}": count for cut, count in done.changed.items()},
            }
        )
        return 0
    say("bucket   rows   before  observed    after  observed")
    for i in range(max(len(done.before.bucket), len(done.after.bucket))):
        cells = [f"{i + 1:>6}", f"{done.before.count[i]:>6,}" if i < len(done.before.count) else " " * 6]
        for table in (done.before, done.after):
            known = i < len(table.bucket)
            cells.append(f"{table.predicted[i]:>8.2%} {table.observed[i]:>9.2%}" if known else " " * 18)
        say(" ".join(cells))
    say(done.sentence())
    for cut, count in done.changed.items():
        say(f"at {cut:g}: {count:,} of {done.before.count.sum():,} answers change")
    say(f"wrote {path}, SHA-256 {done.package.digest}")
    return 0
