"""One application: its decision."""

from __future__ import annotations

from roadworthy.api.route_table import Answer, RouteRow, Told
from roadworthy.live import Reply

__all__ = ["DECISION_ROUTE"]

_TOLD = Told(
    permission="decision.make",
    summary="Decide one application",
    body="application",
    answers={
        201: Answer("Decided, and recorded before this answer.", Reply),
        200: Answer(
            "Decided before under the same key: the same bytes.", Reply, headers={"Idempotent-Replayed": "Always true."}
        ),
    },
    once="optional",
    refusals=(409,),
    description=(
        "Without a key a decision is made each time. Nobody but the release says what the PD, the score and the answer "
        "are: a field that the contract does not name is refused."
    ),
)
DECISION_ROUTE = RouteRow("POST", "/v1/decisions", _TOLD.permission, _TOLD)
"""The one route that does not go through the framework; `deciding` answers it."""
