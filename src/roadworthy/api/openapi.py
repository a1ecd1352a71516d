"""OpenAPI 3.1 of every way in, written from the table of routes and the types that handlers read and write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from roadworthy.door import JSON, OPEN, PROBLEM_JSON, Answer, Problem, RouteRow, Told

__all__ = ["make_openapi"]

_REF = "#/components/schemas/{name}"
_ANY_APPLICATION = {
    "type": "object",
    "description": "One application. What its inputs are, the contract of the release that is live says; none is.",
    "properties": {
        "application_id": {"type": ["string", "null"]},
        "applicant_id": {"type": ["string", "null"]},
        "applied_at": {"type": ["string", "null"], "format": "date-time"},
        "inputs": {"type": "object"},
    },
    "required": ["inputs"],
    "additionalProperties": False,
}
_WHY = {
    400: "The request cannot be read: no JSON, a query or a header that is none.",
    401: "No key came, or one that lets nobody in.",
    403: "The key's account may not do this.",
    404: "There is no such thing, or not among those that the key's account sees.",
    408: "The body did not arrive.",
    409: "The answer is no: it does not fit what is there.",
    410: "The applicant's data were erased.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "What was sent breaks a rule; `violations` names every one.",
    429: "Too many requests with one key.",
    500: "Something went wrong here; ask about the request's id.",
    501: "This deployment lacks a library for it.",
    503: "The store of records does not answer; where the outcome is unknown, the same key asks again.",
}
_HEADERS = {
    401: {"WWW-Authenticate": "How to send a key."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}


def make_openapi(
    rows: Iterable[RouteRow], *, version: str, application: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document. `application` is the JSON Schema of an application of the release that is live, where one is."""
    told = list(rows)
    schemas = _Schemas(told)
    paths: dict[str, dict[str, Any]] = {}
    for row in told:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, schemas)
    parts = {**schemas.components, "Application": dict(_ANY_APPLICATION if application is None else application)}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Roadworthy",
            "version": version,
            "summary": "Decisions a lender can run, explain, price and prove.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": parts,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


class _Schemas:
    """The schemas of every type that is read or written, each once, by name."""

    def __init__(self, rows: Sequence[RouteRow]) -> None:
        types: list[Any] = [Problem]
        for row in rows:
            types += [row.told.body] if _is_type(row.told.body) else []
            types += [answer.body for answer in row.told.answers.values() if _is_type(answer.body)]
        self._types = types
        found, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        self._found = list(found)

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema, or where it stands."""
        if kind == "application":
            return {"$ref": _REF.format(name="Application")}
        if isinstance(kind, dict):
            return kind
        return self._found[next(i for i, known in enumerate(self._types) if known is kind)]


def _is_type(kind: Any) -> bool:
    return kind is not None and not isinstance(kind, str | dict)


def _operation(row: RouteRow, schemas: _Schemas) -> dict[str, Any]:
    told = row.told
    permission = "Open to anybody." if row.permission == OPEN else f"Needs `{row.permission}`."
    operation: dict[str, Any] = {
        "operationId": _operation_id(row),
        "tags": [_tag(row.path)],
        "summary": told.summary,
        "description": " ".join(part for part in (told.description, permission) if part),
        "responses": _responses(row, schemas),
    }
    parameters = [*_path_parameters(row), *_query_parameters(told), *_header_parameters(told)]
    if parameters:
        operation["parameters"] = parameters
    if told.takes:
        operation["requestBody"] = _request_body(told, schemas)
    operation["security"] = [] if row.permission == OPEN else [{"key": []}]
    return operation


def _operation_id(row: RouteRow) -> str:
    steps = [step.strip("{}") for step in row.path.removeprefix("/v1").split("/") if step]
    return "_".join([row.method.lower(), *(re.sub(r"\W", "_", step) for step in steps)])


def _tag(path: str) -> str:
    return path.removeprefix("/v1").split("/")[1] if path.startswith("/v1/") else "machine"


def _path_parameters(row: RouteRow) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": 255}
    return [{"name": name, "in": "path", "required": True, "schema": text} for name in re.findall(r"{(\w+)}", row.path)]


def _query_parameters(told: Told) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "in": "query",
            "required": one.needed,
            "description": one.what,
            "schema": msgspec.json.schema(one.type),
        }
        for one in told.query
    ]


def _header_parameters(told: Told) -> list[dict[str, Any]]:
    if told.once == "no":
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Done once for this key; the same body under it again gets the same answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        }
    ]


def _request_body(told: Told, schemas: _Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if told.body is not None:
        content[JSON] = {"schema": schemas.of(told.body)}
    for media_type in told.files:
        content[media_type] = {"schema": _file_schema(media_type)}
    return {"required": told.body_needed, "content": content}


def _file_schema(media_type: str) -> dict[str, Any]:
    if media_type == "multipart/form-data":
        part = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {"type": "object", "properties": {"file": part}, "required": ["file"], "additionalProperties": False}
    return {"type": "string", "contentMediaType": media_type} if media_type.startswith("text/") else {}


def _responses(row: RouteRow, schemas: _Schemas) -> dict[str, Any]:
    responses = {str(status): _answer(answer, schemas) for status, answer in row.told.answers.items()}
    for status in sorted(_refusals(row)):
        if str(status) not in responses:
            headers = _HEADERS.get(status, {})
            why = Answer(_WHY[status], Problem, PROBLEM_JSON, headers)
            responses[str(status)] = _answer(why, schemas)
    return dict(sorted(responses.items()))


def _refusals(row: RouteRow) -> set[int]:
    told = row.told
    refusals = {400, 500, *told.refusals}
    if row.permission != OPEN:
        refusals |= {401, 403, 429, 503}
    if told.takes:
        refusals |= {408, 413, 415, 422}
    if "{" in row.path:
        refusals |= {404}
    return refusals


def _answer(answer: Answer, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": answer.what or HTTPStatus.OK.phrase,
        "headers": {
            "X-Request-Id": {"required": True, "schema": {"type": "string"}, "description": "What to ask about."},
            **{
                name: {"required": True, "schema": {"type": "string"}, "description": what}
                for name, what in answer.headers.items()
            },
        },
    }
    if answer.body is not None:
        described["content"] = {answer.media_type: {"schema": schemas.of(answer.body)}}
    return described
