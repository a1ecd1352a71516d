"""`roadworthy serve`: the product behind HTTP."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from roadworthy.cli.acting import Directory, open_product_store
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError
from roadworthy.settings import Settings, place_kernels, read_settings

NAME = "serve"
_WAITING = 2048
"""How many connections may wait to be taken."""


def command(
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    directory: Directory = Path(),
    json: Json = False,
) -> int:
    """Serve the product over HTTP until it is told to stop (SIGTERM, or Ctrl-C): what is under way is answered first.

    Whoever comes while it starts waits. A release that goes live later is taken up without a restart.

    Example: roadworthy serve --port 8400

    Parameters
    ----------
    host
        The address to listen on; 127.0.0.1 unless the settings say otherwise, which answers this machine only.
    port
        The port to listen on; 8400 unless the settings say otherwise.
    workers
        How many processes serve; more than one needs a store on PostgreSQL.
    directory
        The product's directory.
    json
        Say that it serves as one JSON document.

    """
    settings = read_settings(directory, host=host, port=port, workers=workers)
    if settings.store.startswith("sqlite:///"):
        place_kernels(Path(settings.store.removeprefix("sqlite:///")).parent / "kernels")
    with _listen(settings) as listening:
        open_product_store(settings).close()
        from roadworthy.app import serve

        def tell(sentence: str) -> None:
            address = listening.getsockname()[:2]
            if json:
                show_json({"host": address[0], "port": address[1], "workers": settings.workers, "says": sentence})
            else:
                say(sentence)

        serve(settings, listening, say=tell)
    return 0


def _listen(settings: Settings) -> socket.socket:
    """A socket that listens, before anything slow is loaded. UsageError where the address cannot be had."""
    place = (settings.host, settings.port)
    try:
        family = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(place, family=family, backlog=_WAITING)
    except OSError as error:
        taken = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise UsageError(
            f"cannot listen: {taken}",
            where=f"{settings.host}:{settings.port}",
            mend="--port ANOTHER, or --host ANOTHER",
        ) from None
