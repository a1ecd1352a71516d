"""A file as a browser's form, or `curl -F file=@FILE`, sends it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartParser, parse_options_header  # type: ignore[import-untyped]  # no stubs

from roadworthy.door.problem import Problem, ProblemError, Violation
from roadworthy.door.route_table import FORM_DATA

__all__ = ["FORM_DATA", "Sent", "read_fields", "read_form"]


_MOST_FIELDS = 2_000


@dataclass(frozen=True)
class Sent:
    """A file that was sent, and the name it had where it came from."""

    data: bytes
    name: str


def read_form(body: bytes, content_type: str) -> Sent:
    r"""The one part `file` of a form; ProblemError 400 where it is no form, or has other parts.

    >>> body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nage\r\n--x--\r\n'
    >>> read_form(body, "multipart/form-data; boundary=x")
    Sent(data=b'age', name='a.csv')
    """
    parts = [(name, sent) for name, sent, _ in _read_parts(body, content_type)]
    if [name for name, _ in parts] != ["file"]:
        raise _refuse("$.file", "missing", "the form has one part, and its name is file")
    return parts[0][1]


def read_fields(body: bytes, content_type: str) -> tuple[list[tuple[str, str]], dict[str, Sent]]:
    r"""The fields of a page's form, in their order, and its files by name; ProblemError 400 where it is no form.

    >>> read_fields(b"name=ana&role=analyst&role=validator", "application/x-www-form-urlencoded")
    ([('name', 'ana'), ('role', 'analyst'), ('role', 'validator')], {})
    """
    if not content_type.startswith(FORM_DATA):
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"), {}
        except (ValueError, UnicodeError):
            raise _refuse("$", "form", "is no form") from None
    fields, files = [], {}
    for name, sent, is_file in _read_parts(body, content_type):
        if is_file:
            files[name] = sent
        else:
            fields.append((name, sent.data.decode("utf-8", "replace")))
    return fields, files


def _read_parts(body: bytes, content_type: str) -> list[tuple[str, Sent, bool]]:
    """Every part: its name, what it holds, and whether it is a file."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    whole = len(body) + 1  # it is in memory already, and measured
    try:
        parser = MultipartParser(BytesIO(body), boundary, strict=True, spool_limit=whole, memory_limit=whole)
        return [(part.name, Sent(part.raw, _plain_name(part.filename)), part.filename is not None) for part in parser]
    except (MultipartError, ValueError, UnicodeError):
        raise _refuse("$", "form", "is no form: it has no boundary, or its parts are not whole") from None


def _plain_name(name: str | None) -> str:
    r"""A name without folders and without what cannot be printed, its end where it is too long for a file's.

    >>> _plain_name("C:\\loans\\..\\a.csv"), len(_plain_name("\u00e9" * 300 + ".csv").encode())
    ('a.csv', 120)
    """
    plain = (name or "").replace("\\", "/").rpartition("/")[2].encode(errors="ignore")[-120:].decode(errors="ignore")
    return "".join(sign for sign in plain if sign.isprintable()).lstrip(".") or "upload"


def _refuse(path: str, rule: str, message: str) -> ProblemError:
    return ProblemError(
        Problem.of("form", "The form cannot be read", 400, violations=(Violation(path, rule, message),))
    )
