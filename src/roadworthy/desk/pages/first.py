"""The first page: what waits, what is live, what was odd lately, the tour of a trial, and where to go."""

from __future__ import annotations

from litestar import Response

from roadworthy.desk.page import Shown, act, go, page, show, sort_places, static_file
from roadworthy.desk.tours import Guide, call_back, is_put_away, make_tours, put_away
from roadworthy.desk.visit import Visit
from roadworthy.desk.waiting import list_waiting
from roadworthy.desk.weeks import Asked, Weeks, WeeksLately
from roadworthy.door import OPEN, Answer, Told, way
from roadworthy.lifecycle import describe_bands, list_switches, who_was_live

__all__ = ["HANDLERS"]

_PATIENCE = 0.1
"""How many seconds the page waits for the weeks; where they take longer, they come with the next page."""


@page("/", "self.change", "The first page")
def get_first(visit: Visit) -> Shown:
    """What waits for whoever looks, what is live, and where they may go."""
    trial = visit.services.current.trial
    away = trial and is_put_away(visit)
    weeks = _look_at_weeks(visit)
    champion = visit.taken.champion if visit.may("release.read") else None
    store = visit.services.store
    return show(
        visit,
        "first.html",
        waiting=list_waiting(visit),
        tours=make_tours(Guide(visit, weeks)) if trial and not away else [],
        away=away,
        weeks=weeks,
        champion=champion,
        bands=() if champion is None else describe_bands(champion.release.policy),
        live=who_was_live(store, visit.admitted.at) if champion is not None else None,
        stopped=list_switches(store)[-1] if visit.taken.route.stopped and visit.may("release.read") else None,
        places=sort_places(visit),
    )


@act("/tour", "self.change", "Put the guided tour away, or call it back")
def post_tour(visit: Visit) -> Shown:
    """Away until it is called back, in this browser."""
    if visit.sent["away"] == "yes":
        return go("/", "The tour is put away; the foot of this page calls it back", cookies=(put_away(visit),))
    return go("/", cookies=(call_back(visit),))


def _look_at_weeks(visit: Visit) -> Weeks | None:
    """The latest weeks as the page of weeks shows them; None where nothing was decided, or they are not counted yet."""
    if not visit.may("decision.read"):
        return None
    lately: WeeksLately = visit.app.state["weeks"]
    worked = lately.look(visit.deed(), Asked(), visit.time_zone, visit.admitted.at, patience=_PATIENCE)
    return None if worked is None else worked.value


def _static(name: str, media_type: str) -> object:
    told = Told(permission=OPEN, summary=f"The file {name}", answers={200: Answer("It.", None, media_type)})

    @way("GET", f"/static/{name}", told)
    def get_static(_visit: Visit) -> Response[bytes]:
        return Response(static_file(name), media_type=media_type, headers={"Cache-Control": "max-age=86400"})

    return get_static


HANDLERS = (get_first, post_tour, _static("desk.css", "text/css; charset=utf-8"))
