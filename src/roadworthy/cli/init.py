"""`roadworthy init`: from a file of past applications to a product's directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json

NAME = "init"


def command(
    data: Path,
    /,
    *,
    target: str,
    out: Path | None = None,
    bad: str = "",
    good: str = "",
    answer: str | None = None,
    declined: str = "",
    booked_date: str | None = None,
    outcome_date: str | None = None,
    id: str | None = None,  # noqa: A002  # the flag is --id
    date: str | None = None,
    amount: str | None = None,
    branch: str | None = None,
    name: str | None = None,
    weight: str | None = None,
    drop: str = "",
    money: str = "",
    group: str = "",
    package: Path | None = None,
    answers: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Write a product's directory from DATA, a CSV, Parquet or Excel file of past applications.

    Example: roadworthy init loans.csv --target default --date applied_on --id loan_id --out loans

    Parameters
    ----------
    data
        Past applications, one row each.
    target
        The column that says how each turned out.
    out
        The directory to write; by default the file's name without its ending.
    bad
        Values of the target that are bad, with commas between; needed where they do not speak for themselves.
    good
        Values that are good; what is neither is indeterminate.
    answer
        The column with the past answer. Declined rows are kept, and never trained on as good.
    declined
        Values of the answer that mean declined.
    booked_date
        The column with the date of booking: what is too young to be judged is then left out.
    outcome_date
        The column with the date on which the outcome happened.
    id
        The column with the application's id.
    date
        The column with the date of application: the newest are then held out.
    amount
        The column with the amount lent, to price decisions.
    branch
        The column with the branch: an officer sees the applications of their own.
    name
        The column with the applicant's name, to search by; no model reads it.
    weight
        The column that says how many applications a row stands for.
    drop
        Columns the model must not see, with commas between.
    money
        Columns that price decisions and that no model reads, with commas between.
    group
        Columns to watch fairness by, that no model and no rule may read.
    package
        A sealed model of your own; nothing is trained.
    answers
        The purpose as YAML, for unattended use.
    force
        Set an existing directory aside.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import init_product

    result = init_product(
        data,
        target=target,
        out=out if out is not None else Path(data.stem),
        bad=_listed(bad),
        good=_listed(good),
        answer=answer,
        declined=_listed(declined),
        booked_date=booked_date,
        outcome_date=outcome_date,
        id=id,
        date=date,
        amount=amount,
        branch=branch,
        applicant_name=name,
        weight=weight,
        drop=_listed(drop),
        money=_listed(money),
        group=_listed(group),
        package=package,
        answers=answers,
        force=force,
    )
    if json:
        show_json(
            {
                "directory": str(result.directory),
                "written": result.written,
                "set_aside": result.set_aside,
                "counts": dict(result.counts),
                "base_rate": result.base_rate,
                "notes": result.notes,
                "findings": result.findings,
            }
        )
        return 0
    counted = ", ".join(f"{count:,} {name}" for name, count in result.counts.items() if count)
    say(f"{counted}; base rate {result.base_rate:.2%}")
    for note in result.notes:
        say(f"- {note}")
    for finding in result.findings:
        say(f"! {finding.sentence}" + (f"\n  mend: {finding.mend}" if finding.mend else ""))
    if result.set_aside is not None:
        say(f"set the earlier {result.directory} aside as {result.set_aside}")
    say(f"wrote {result.directory}: {', '.join(result.written)}")
    say(f"next: cd {result.directory} && roadworthy run")
    return 0


def _listed(values: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in values.split(",") if value.strip())
