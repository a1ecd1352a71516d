"""A request as Litestar's handlers see it, and the replies they give."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

import jsonschema_rs
import msgspec
from litestar import Request, Response

from roadworthy.access import Deed
from roadworthy.api.json_body import decode_json
from roadworthy.door import (
    FORM_DATA,
    JSON,
    Admitted,
    Problem,
    ProblemError,
    Query,
    Sent,
    Services,
    Violation,
    admitted_of,
    read_form,
)

__all__ = ["Call", "read_struct", "reply", "schema_of"]

T = TypeVar("T")
_MOST_SAID = 100


class Call(Request[Any, Any, Any]):
    """One request that was let in."""

    @property
    def services(self) -> Services:
        """What the door works with."""
        services: Services = self.app.state["services"]
        return services

    @property
    def admitted(self) -> Admitted:
        """Who it is, and what they sent."""
        return admitted_of(self.scope)

    def named(self, name: str) -> str:
        """A step of the path."""
        return str(self.path_params[name])

    def place(self, *more: str) -> str:
        """The path of this request with further steps, as a Location."""
        return quote("/".join([self.scope["path"], *more]))

    def deed(self) -> Deed:
        """The deed of whoever asks, at the moment they came in."""
        return self.services.deed(self.admitted.by, self.admitted.at)

    def read(self, kind: type[T]) -> T:
        """The JSON body as `kind`; where none was sent and none is needed, `kind` as it is by default.

        ProblemError 400 where it is no JSON that can be taken, 422 with every violation where it is not of that kind.
        """
        body = self.admitted.body
        if not body and not self.admitted.row.told.body_needed:
            return kind()
        return read_struct(decode_json(body), kind)

    def read_file(self) -> Sent:
        """The file that was sent: as the body itself, or as the one part `file` of a form."""
        if self.admitted.kind == FORM_DATA:
            return read_form(self.admitted.body, self.admitted.headers.get(b"content-type", b"").decode("latin-1"))
        return Sent(self.admitted.body, "upload")

    def asked(self) -> dict[str, Any]:
        """The parameters of the query, by name, as the route declares them; ProblemError 400 with every violation."""
        return _read_query(self.scope["query_string"], self.admitted.row.told.query)


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """An answer in JSON; dates as RFC 3339, structs and dataclasses as objects."""
    return Response(msgspec.json.encode(body), status_code=status, media_type=JSON, headers=dict(headers or {}))


def read_struct(value: Any, kind: type[T]) -> T:
    """A decoded value as `kind`; ProblemError 422 with every violation by path."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        # msgspec stops at the first; its own words stand where the schema, which names them all, finds none.
        violations = tuple(_find_violations(value, kind)) or (_first_violation(error),)
    raise ProblemError(Problem.of("body", "The body is not of the form it should be", 422, violations=violations))


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type, whole."""
    return msgspec.json.schema(kind)


@cache
def _validator(kind: Any) -> Any:
    return jsonschema_rs.Draft202012Validator(schema_of(kind), validate_formats=True)


def _find_violations(value: Any, kind: Any) -> list[Violation]:
    found: list[Violation] = []
    for error in _validator(kind).iter_errors(value):
        path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in error.instance_path)
        found += _say(error.kind, str(error.schema_path[-1]) if error.schema_path else "type", path)
        if len(found) > _MOST_SAID:
            break
    return found[:_MOST_SAID]


def _say(kind: Any, rule: str, path: str) -> list[Violation]:
    """What is wrong, without the value that is: a validator quotes it."""
    match rule:
        case "required":
            return [Violation(f"{path}.{kind.property}", "missing", "is missing")]
        case "additionalProperties":
            return [Violation(f"{path}.{name[:60]}", "unknown", "is no field here") for name in kind.unexpected]
        case "type":
            return [Violation(path, "type", f"is not of the type {', '.join(kind.types)}")]
        case "enum":
            return [Violation(path, "allowed", f"is none of {', '.join(str(option) for option in kind.options)}")]
    return [Violation(path, rule, f"breaks the rule {rule}")]


def _first_violation(error: msgspec.ValidationError) -> Violation:
    said, _, place = str(error).partition(" - at `")
    return Violation(place.rstrip("`") or "$", "form", said[:1].lower() + said[1:])


def _read_query(query: bytes, declared: tuple[Query, ...]) -> dict[str, Any]:
    by_name = {one.name: one for one in declared}
    values: dict[str, Any] = {}
    violations = []
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None):
        path = f"$.query.{name[:40]}" if name.isidentifier() else "$.query"
        one = by_name.get(name)
        if one is None:
            violations.append(Violation(path, "unknown", "is no parameter here"))
        elif "\0" in text:
            violations.append(Violation(path, "text", "has a character that is no text"))
        elif name in values:
            violations.append(Violation(path, "duplicate", "is given more than once"))
        else:
            try:
                values[name] = msgspec.convert(text, one.type, strict=False)
            except (msgspec.ValidationError, ValueError) as error:
                values[name] = None
                violations.append(Violation(path, "form", str(error)[:1].lower() + str(error)[1:]))
    violations += [
        Violation(f"$.query.{one.name}", "missing", "is missing")
        for one in declared
        if one.needed and one.name not in values
    ]
    if violations:
        raise ProblemError(
            Problem.of("query", "The query cannot be used", 400, violations=tuple(violations),
                       available=tuple(by_name))
        )  # fmt: skip
    return values
