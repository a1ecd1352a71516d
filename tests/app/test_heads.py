"""Whoever was not asked for a key yet cannot keep the server: heads are bounded in size and in time."""

from __future__ import annotations

import asyncio
import json

import pytest
import uvicorn

from roadworthy.door import BoundedProtocol, protocol

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answer(scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # as ASGI has it
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def ask(*pieces: bytes, wait: float = 0.0) -> bytes:
    """What a server with our protocol says to these bytes, until it hangs up or says nothing for a while."""
    config = uvicorn.Config(answer, port=0, http=BoundedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(wait)
        said = b""
        try:
            async with asyncio.timeout(2):
                while piece := await reader.read(65536):
                    said += piece
        except (TimeoutError, ConnectionResetError):
            pass
        writer.close()
    finally:
        await server.shutdown()
    return said


async def test_requests_of_common_size_are_answered_one_after_the_other_and_with_large_bodies() -> None:
    small = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    large = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + b"a" * 300_000
    assert (await ask(small, large, small)).count(b"200 OK") == 3


# Just beyond the bound: with more on its way the system may reset the connection before the answer is read.
@pytest.mark.parametrize("head", [b"X: " + b"a" * 65_600, b"".join(b"X-%04d: a\r\n" % i for i in range(6_600))])
async def test_a_head_beyond_the_bound_is_refused_and_the_connection_ends(head: bytes) -> None:
    said = await ask(b"GET / HTTP/1.1\r\nhost: x\r\n", head, wait=0.05)
    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"200 OK" not in said


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 9\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0x5\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity, chunked, x\r\n\r\n0\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\nx: a\r\n b: c\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\r\nhost: x\r\nx\0: a\r\n\r\nHIDDEN",
        b"POST / HTTP/1.1\nhost: x\ncontent-length: 1\ncontent-length: 2\n\nHIDDEN",
        b"POST /\x01 HTTP/1.1\r\nhost: x\r\n\r\nHIDDEN",
        b"POST / HTTP/9.9\r\nhost: x\r\n\r\nHIDDEN",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda request: repr(request[20:80]),
)
async def test_what_two_servers_would_read_differently_is_read_by_none(request_: bytes) -> None:
    """Request smuggling: two lengths, a length with chunks, chunks that are none. What is hidden behind is not done."""
    hidden = b"GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"
    said = await ask(request_.replace(b"HIDDEN", hidden))
    head, _, body = said.partition(b"\r\n\r\n")
    assert said.count(b"HTTP/1.1 ") == 1, "one answer, and the connection ends"
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    assert json.loads(body)["type"] == "/problems/request"


async def test_a_length_that_lies_hides_no_request() -> None:
    """Too short, and what follows is no request; too long, and we wait for the rest, which the door bounds."""
    short = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n" + b'{"inputs": {}}'
    said = await ask(short)
    assert (said.startswith(b"HTTP/1.1 400 "), said.count(b"HTTP/1.1")) == (True, 1)
    assert await ask(short.replace(b": 3", b": 300")) == b""


async def test_a_head_that_never_ends_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    said = await ask(b"GET / HTTP/1.1\r\nhost: x\r\n", b"X", wait=0.3)
    assert said == b""
