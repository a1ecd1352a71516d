"""What would have been decided, had the applicant been otherwise: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.access import Deed
from roadworthy.casework.case import take_case
from roadworthy.errors import Gone
from roadworthy.live import Again, CurrentRoute, NotDecided, decide_changed

__all__ = ["ask_what_if"]


def ask_what_if(deed: Deed, current: CurrentRoute, decision_id: str, changed: Mapping[str, Any]) -> Again | NotDecided:
    """What the release that decided would say, with the columns of `changed` as these values; None is missing.

    Permission decision.read, in the decision's branch. The record is not touched, and nothing is added to it.
    NotDecided where the values break the contract. NotAllowed; Gone once the applicant's data were erased.
    """
    with deed.store.reading() as connection:
        case = take_case(deed, connection, decision_id, "decision.read")
    if case.application.status == "erased":
        raise Gone(where=decision_id)
    return decide_changed(current, case.record, changed)
