"""A decision made again from its page: whether it comes out the same."""

from __future__ import annotations

from roadworthy.desk.page import Shown, act, show
from roadworthy.desk.pages.applications import describe_application, open_application
from roadworthy.desk.visit import Visit
from roadworthy.lifecycle import replay_decision

__all__ = ["HANDLERS"]


@act("/applications/{id}/replay", "decision.replay", "Make the decision again", shows=True)
def post_replay(visit: Visit) -> Shown:
    """The same page, with what came out: nothing is recorded, so there is nowhere to go on to."""
    view = open_application(visit)
    replay = replay_decision(visit.deed(), visit.services.current, view.decision_id)
    return show(visit, "application.html", **{**describe_application(visit, view), "replay": replay})


HANDLERS = (post_replay,)
