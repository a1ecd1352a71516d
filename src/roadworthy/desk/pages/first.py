"""The first page: what waits, what is live, and where to go."""

from __future__ import annotations

from litestar import Response

from roadworthy.desk.page import PLACES, Shown, page, show, static_file
from roadworthy.desk.visit import Visit
from roadworthy.door import OPEN, Answer, Told, way
from roadworthy.records import Wanted, count_applications

__all__ = ["HANDLERS"]


@page("/", "self.change", "The first page")
def get_first(visit: Visit) -> Shown:
    """What waits for whoever looks, and where they may go."""
    waiting = None
    if visit.may("decision.read"):
        branches = None if visit.by.branches.every else tuple(sorted(visit.by.branches.names))
        with visit.services.store.reading() as connection:
            waiting = count_applications(connection, Wanted(statuses=("open", "review"), branches=branches))
    places = [place for place in PLACES if visit.may(place.permission)]
    return show(visit, "first.html", waiting=waiting, places=places)


def _static(name: str, media_type: str) -> object:
    told = Told(permission=OPEN, summary=f"The file {name}", answers={200: Answer("It.", None, media_type)})

    @way("GET", f"/static/{name}", told)
    def get_static(_visit: Visit) -> Response[bytes]:
        return Response(static_file(name), media_type=media_type, headers={"Cache-Control": "max-age=86400"})

    return get_static


HANDLERS = (get_first, _static("desk.css", "text/css; charset=utf-8"))
