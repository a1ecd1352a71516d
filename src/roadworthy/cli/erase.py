"""`roadworthy erase`: an applicant's data, for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from roadworthy.cli.acting import As, BreakGlass, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError
from roadworthy.settings import read_settings

if TYPE_CHECKING:
    from roadworthy.erasure import ErasureDone, ErasurePlan, Whom

__all__ = ["NAME", "command", "whom_of"]

NAME = "erase"


def command(
    applicant: str = "",
    /,
    *,
    application: str = "",
    ground: str = "",
    yes: Annotated[bool, Parameter(negative="")] = False,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Erase everything that says something about APPLICANT: their keys are destroyed, and nobody opens it any more.

    Without --yes it lists what would go, and nothing is done. What was decided stays on record, without the person.

    Example: roadworthy erase C-1042 --ground "asked for it on 3 November" --yes

    Parameters
    ----------
    applicant
        The applicant's id, as it came with their applications.
    application
        Instead of it, the id of one of their applications; all of that applicant's are erased.
    ground
        Why, in words that name nobody: they stay on record.
    yes
        Do it.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import erase_applicant, list_of, plan_erasure

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        whom = whom_of(applicant, application)
        if not yes:
            plan = plan_erasure(deed, whom)
            show_json({"erased": False, "plan": plan}) if json else _tell_plan(plan)
            return 0
        if not ground.strip():
            raise UsageError("nothing is erased without a ground", mend='--ground "asked for it on 3 November"')
        done = erase_applicant(deed, whom, ground=ground, erasures=list_of(read_settings(directory)))
    show_json({"erased": True, "done": done}) if json else _tell_done(done)
    return 0


def whom_of(applicant: str, application: str) -> Whom:
    """Whose data are meant; UsageError unless one of the two is given."""
    from roadworthy.erasure import Whom

    return Whom(applicant_id=applicant or None, application_id=application or None).check()


def _tell_plan(plan: ErasurePlan) -> None:
    reach, work = plan.reach, plan.work
    say(f"{len(reach.application_ids)} application(s): {', '.join(reach.application_ids) or 'none'}")
    say(f"{len(reach.key_ids)} key(s) would be destroyed")
    if work.holding:
        say(f"their files would be forgotten: {', '.join(work.holding)}")
    if work.may_hold:
        say(f"exports that may have had them, whose files are gone from here: {', '.join(work.may_hold)}")
    if work.under_way:
        say(f"not over yet, and left as they are: {', '.join(work.under_way)}")
    if reach.plain:
        say(f"{reach.plain} record(s) are from before the store was encrypted, and would stay readable")
    if reach.held:
        say(f"a legal hold keeps them: {', '.join(reach.held)}")
    say("nothing was erased: the same with --ground WHY --yes does it, for good")


def _tell_done(done: ErasureDone) -> None:
    say(f"erased: {len(done.application_ids)} application(s), {done.keys} key(s), {done.files} file(s)")
    if done.exports:
        say(f"whoever fetched these exports deletes their copy: {', '.join(done.exports)}")
    if done.under_way:
        say(f"not over yet, and left as they are: {', '.join(done.under_way)}")
    if done.plain:
        say(f"{done.plain} record(s) are from before the store was encrypted, and stay readable")
    if done.remains is not None:
        say(f"what may remain: {done.remains}")
    say("backups from before know nothing of it: `roadworthy restore` does it again, by the list beside the key")
