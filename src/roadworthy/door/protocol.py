"""HTTP as uvicorn speaks it, with a bound on what comes before a request is one: how large its head, how slow."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["LARGEST_HEAD", "BoundedProtocol"]

LARGEST_HEAD: Final = 64 << 10
"""How large the request line and the headers may be together, in bytes."""
HEAD_SECONDS: Final = 30.0
"""How long they may take to arrive."""
_NO_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
    b"content-length: 124\r\nconnection: close\r\n\r\n"
    b'{"type":"/problems/request","title":"The request cannot be read","status":400,'
    b'"detail":"it is no HTTP, or says two lengths"}'
)
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
    b"content-length: 98\r\nconnection: close\r\n\r\n"
    b'{"type":"/problems/too-large","title":"The headers are too large","status":431,"detail":"64 KiB"} '
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Nobody was asked for a key yet, so whoever sends without end is hung up on."""

    _head: int = 0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A connection, which has so long to send a head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """More of a head, or of a body."""
        self._head += len(data)
        super().data_received(data)
        if self._waiting is not None and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words; ours are a problem
        """Answer what is no HTTP: two lengths, a length with chunks, a header on two lines; then hang up."""
        self.transport.write(_NO_HTTP)
        self.transport.close()

    def on_message_begin(self) -> None:
        """The next request on this connection."""
        super().on_message_begin()
        if self._waiting is None:
            self._head = 0
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._hear_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """They hung up, or we did."""
        self._hear_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _hear_head(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
