"""Deny by default: every way in, for every role and for nobody, asked of the outermost application."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar, Response, get, websocket_listener

from roadworthy.access import PERMISSIONS, ROLES
from roadworthy.api import list_routes
from roadworthy.door import OPEN, TOLD, RouteRow, Told, read_rows
from roadworthy.errors import UsageError
from roadworthy.records import create_store
from tests.api.house import Client, House
from tests.stores import MADE

EXPECTED = {
    "GET /docs": OPEN,
    "GET /healthz": OPEN,
    "GET /metrics": "metrics.read",
    "GET /openapi.json": OPEN,
    "GET /readyz": OPEN,
    "POST /v1/batches": "batch.score",
    "POST /v1/decisions": "decision.make",
    "POST /v1/decisions/search": "decision.read",
    "GET /v1/decisions/{id}": "decision.read",
    "POST /v1/decisions/{id}/correct": "decision.correct",
    "POST /v1/decisions/{id}/explanation": "decision.read",
    "POST /v1/decisions/{id}/final-answer": "final_answer.give",
    "POST /v1/decisions/{id}/human-review": "review.ask",
    "POST /v1/decisions/{id}/human-review/answer": "review.answer",
    "POST /v1/decisions/{id}/override": "override.make",
    "POST /v1/decisions/{id}/override/proposal": "override.make",
    "POST /v1/decisions/{id}/replay": "decision.replay",
    "POST /v1/exports": "decision.export",
    "GET /v1/jobs": "job.read",
    "GET /v1/jobs/{id}": "job.read",
    "POST /v1/jobs/{id}/cancel": "job.read",
    "GET /v1/jobs/{id}/result": "job.read",
    "POST /v1/outcomes": "outcome.add",
    "GET /v1/outcomes/set-aside": "set_aside.read",
    "GET /v1/overrides": "override.approve",
    "POST /v1/overrides/{id}/confirm": "override.approve",
    "POST /v1/overrides/{id}/reject": "override.approve",
    "GET /v1/packages": "release.read",
    "POST /v1/packages": "package.push",
    "GET /v1/packages/{digest}": "release.read",
    "GET /v1/performance": "performance.read",
    "GET /v1/releases": "release.read",
    "POST /v1/releases": "release.create",
    "POST /v1/releases/rollback": "release.rollback",
    "GET /v1/releases/who-was-live": "release.read",
    "GET /v1/releases/{id}": "release.read",
    "POST /v1/releases/{id}/approve": "release.approve",
    "POST /v1/releases/{id}/promote": "release.promote",
    "POST /v1/releases/{id}/reject": "release.approve",
    "POST /v1/releases/{id}/submit": "release.submit",
    "POST /v1/resume": "route.resume",
    "POST /v1/stop": "route.stop",
    "GET /v1/tables/{name}": "table.read",
    "PUT /v1/tables/{name}": "table.upload",
    "POST /v1/tables/{name}/undo": "table.undo",
    "GET /v1/tables/{name}/versions/{version}": "table.read",
    "POST /v1/tables/{name}/versions/{version}/approve": "table.approve",
    "POST /v1/tables/{name}/versions/{version}/reject": "table.approve",
}


@pytest.fixture(scope="module")
def quiet_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A lender with everybody and nothing live: who may is settled before what is done."""
    url = f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire_everybody()
        with house.client() as client:
            yield client


def test_every_way_in_is_listed_with_who_may(quiet_client: Client) -> None:
    found = {f"{row.method} {row.path}": row.permission for row in quiet_client.house.door.routes}
    assert found == EXPECTED
    assert list_routes() == quiet_client.house.door.routes


@pytest.mark.parametrize("who", [*ROLES, None], ids=str)
@pytest.mark.parametrize("route", EXPECTED)
def test_who_may_is_let_in_and_nobody_else(route: str, who: str | None, quiet_client: Client) -> None:
    method, path = route.split()
    answer = quiet_client.ask(method, re.sub(r"{\w+}", "no-such-thing", path), who).status_code
    permission = EXPECTED[route]
    if permission == OPEN:
        assert answer == 200
    elif who is None:
        assert answer == 401
    elif who in PERMISSIONS[permission].roles:
        assert answer not in (401, 403, 405, 500)
    else:
        assert answer == 403


@pytest.mark.parametrize("route", EXPECTED)
def test_no_other_method_does_anything(route: str, quiet_client: Client) -> None:
    path = route.split()[1]
    there = {known.split()[0] for known in EXPECTED if known.split()[1] == path}
    for method in {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - there:
        answer = quiet_client.ask(method, re.sub(r"{\w+}", "no-such-thing", path), "admin")
        assert answer.status_code == 405, method
        assert set(answer.headers["Allow"].split(", ")) == there


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/decisions/", "//v1/decisions", "/V1/decisions", "/v1/decisions/a/b/c", "/v1/jobs/%00", "/schema"],
)
def test_what_is_not_listed_is_not_there(path: str, quiet_client: Client) -> None:
    assert quiet_client.ask("GET", path, "admin").status_code == 404


def test_a_handler_that_does_not_tell_who_may_keeps_the_program_from_starting() -> None:
    @get("/secrets")
    async def tell_all() -> Response[str]:
        return Response("all")

    with pytest.raises(UsageError, match="GET /secrets does not tell who may use it"):
        read_rows(Litestar([tell_all], openapi_config=None))


def test_a_websocket_keeps_the_program_from_starting() -> None:
    @websocket_listener("/talk")
    async def talk(data: str) -> str:
        return data

    with pytest.raises(UsageError, match="no route of requests and answers"):
        read_rows(Litestar([talk], openapi_config=None))


def test_a_permission_that_is_not_in_the_table_keeps_the_program_from_starting() -> None:
    told = Told(permission="decision.mkae", summary="", answers={})

    @get("/typo", opt={TOLD: told})
    async def typo() -> Response[str]:
        return Response("all")

    with pytest.raises(UsageError, match=r"'decision\.mkae', which is no permission"):
        read_rows(Litestar([typo], openapi_config=None))
    with pytest.raises(UsageError):
        RouteRow("GET", "/typo", "", told)
