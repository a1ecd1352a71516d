"""What a request passes before anything is done for it: its key, its permission, its rate, its size and its type."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from litestar.types import Receive, Scope

from roadworthy.access import Actor, KeyRing, demand
from roadworthy.door.problem import Problem, ProblemError, Violation
from roadworthy.door.route_table import FORM, FORM_DATA, JSON, OPEN, RouteRow
from roadworthy.errors import NotSignedIn

if TYPE_CHECKING:
    from roadworthy.door.metrics import Metrics

__all__ = ["Admitted", "KeyCheck", "RateLimit", "admitted_of", "check_headers", "check_type", "read_body"]

_PLACE = "roadworthy"
_BYTES = "application/octet-stream"
_GIVEN_ONCE = frozenset(
    (b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"idempotency-key")
)
_BODY_SECONDS = 30
"""How long a body may take to arrive, for each further piece of it."""
_SLOWEST = 16 << 10
"""Bytes a second that a body has on the whole, after that time: whoever sends it in crumbs keeps no connection."""


@dataclass(kw_only=True)
class Admitted:
    """A request that was let in, as handlers get it: `admitted_of(scope)`.

    `actor` is None only on a route that is open. `body` is whole. `kind` is the body's media type. `fault` is what
    nobody foresaw, for the log.
    """

    row: RouteRow
    actor: Actor | None
    at: datetime
    request_id: str
    body: bytes
    kind: str
    metrics: Metrics
    headers: dict[bytes, bytes] = field(repr=False)
    fault: BaseException | None = None

    @property
    def by(self) -> Actor:
        """Who it is; NotSignedIn where nobody is."""
        return demand(self.actor, self.row.permission)

    @property
    def once_key(self) -> str | None:
        """The Idempotency-Key; ProblemError 400 where it is one that cannot be kept."""
        given = self.headers.get(b"idempotency-key")
        if given is None:
            return None
        key = given.decode("latin-1").strip()
        if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
            raise ProblemError(
                Problem.of(
                    "header",
                    "A header cannot be used",
                    400,
                    violations=(
                        Violation("$.headers.idempotency-key", "text", "is not 1 to 255 printable ASCII characters"),
                    ),
                )
            )
        return key


def put_in(scope: Scope, admitted: Admitted) -> None:
    """Hand the admitted request on."""
    scope[_PLACE] = admitted  # type: ignore[literal-required]  # a place of our own in an open mapping


def admitted_of(scope: Scope) -> Admitted:
    """The request as it was let in."""
    found: Admitted = scope[_PLACE]  # type: ignore[literal-required]  # put there by `put_in`
    return found


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """ProblemError 400 where a header that decides something is given twice: what is before us may read the other.

    >>> check_headers([(b"accept", b"a"), (b"accept", b"b"), (b"host", b"x")])
    """
    named = Counter(name for name, _ in headers if name in _GIVEN_ONCE)
    twice = [name.decode() for name, count in named.items() if count > 1]
    if twice:
        violations = tuple(Violation(f"$.headers.{name}", "duplicate", "is given more than once") for name in twice)
        raise ProblemError(Problem.of("header", "A header cannot be used", 400, violations=violations))


class KeyCheck:
    """Who sends a request: looked up without the loop ever waiting for the store.

    What the ring knows by heart it says at once; everything else is asked in a thread.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def actor(self, headers: dict[bytes, bytes], now: datetime) -> Actor:
        """Whoever comes with the key in `Authorization: Bearer KEY`; NotSignedIn."""
        scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or len(secret) > 200 or not secret.isascii():
            raise NotSignedIn("no key came with the request", mend="send the header `Authorization: Bearer KEY`")
        known = self._keys.known(secret, now)
        return await asyncio.to_thread(self._keys.actor, secret, now) if known is None else known


class RateLimit:
    """So many requests a second of one credential: a bucket that fills at that rate and holds a second's worth.

    >>> from datetime import UTC, timedelta
    >>> limit, now = RateLimit(2), datetime(2026, 11, 1, tzinfo=UTC)
    >>> [limit.takes("key:1", now + timedelta(milliseconds=ms)) for ms in (0, 0, 0, 499, 500, 501)]
    [True, True, False, False, True, False]
    """

    def __init__(self, per_second: int, *, most: int = 50_000) -> None:
        self._rate = per_second
        self._most = most
        self._left: dict[str, tuple[float, datetime]] = {}

    def takes(self, credential: str, now: datetime) -> bool:
        """Whether one more request is taken; a limit of 0 is none."""
        if not self._rate:
            return True
        left, since = self._left.get(credential, (float(self._rate), now))
        left = min(float(self._rate), left + max(0.0, (now - since).total_seconds()) * self._rate)
        taken = left >= 1.0
        if len(self._left) >= self._most:
            self._left.clear()
        self._left[credential] = (left - taken, now)
        return taken

    def check(self, credential: str, now: datetime) -> None:
        """ProblemError 429 where it is one too many."""
        if not self.takes(credential, now):
            raise ProblemError(
                Problem.of(
                    "rate", "Too many requests", 429, f"one key makes {self._rate} requests a second at most",
                    mend="wait a second",
                ),
                {"Retry-After": "1"},
            )  # fmt: skip


def check_permission(row: RouteRow, actor: Actor | None) -> None:
    """Nothing where the route is open or the actor may use it; else NotSignedIn or NotAllowed."""
    if row.permission != OPEN:
        demand(actor, row.permission)


def is_file(row: RouteRow, headers: dict[bytes, bytes]) -> bool:
    """Whether the body may be as large as a file: it says that it is one of those that the route takes."""
    if not row.told.takes_files:
        return False
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    return kind in (*row.told.files, FORM_DATA) or (not kind and JSON not in row.told.takes)


def check_type(row: RouteRow, headers: dict[bytes, bytes]) -> str:
    """The media type of the body, for a route that takes one; ProblemError 415 where it is none of those it takes.

    Where nobody says, and where it is what `curl -d` says if nobody tells it otherwise, it is JSON for a route that
    takes JSON: what came is read as strictly as ever, and a key in a header is not what another site's form could send.
    """
    takes = row.told.takes
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if coding == "identity":
        if JSON in takes and kind in ("", FORM):
            return JSON
        if not kind and _BYTES in takes:
            return _BYTES
        if kind in takes:
            return kind
    said = f"a body of the type {kind[:100]!a}" if coding == "identity" else "a compressed body"
    raise ProblemError(
        Problem.of(
            "content-type", "The body is of another type", 415, f"{said} is not taken", available=tuple(sorted(takes))
        )
    )


class GoneAwayError(Exception):
    """Whoever asked hung up before the body was here: there is nobody to answer."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], most: int) -> bytes:
    """The whole body; ProblemError 413 for more than `most` bytes, as soon as that is known, 408 where it stalls."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared[:20]) > most:
        raise _too_large(most)
    pieces: list[bytes] = []
    size = 0
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        ends = min(clock(), began + size / _SLOWEST) + _BODY_SECONDS
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise ProblemError(Problem.of("timeout", "The body did not arrive", 408), {"Connection": "close"}) from None
        if message["type"] != "http.request":
            raise GoneAwayError
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise _too_large(most)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(most: int) -> ProblemError:
    # The rest of the body is not read, so the connection is of no more use.
    return ProblemError(
        Problem.of("too-large", "The body is too large", 413, f"a body here has {most} bytes at most"),
        {"Connection": "close"},
    )
