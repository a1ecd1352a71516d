"""Whoever was not asked for a key yet cannot keep the server: heads are bounded in size and in time."""

from __future__ import annotations

import asyncio

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


async def test_a_head_that_never_ends_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    said = await ask(b"GET / HTTP/1.1\r\nhost: x\r\n", b"X", wait=0.3)
    assert said == b""
