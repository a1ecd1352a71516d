"""One line of JSON a request, on stderr: which route, what status, how long. No body, no query, no id, no name."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, BinaryIO, Protocol

import msgspec
import structlog

from roadworthy.settings import LogLevel

__all__ = ["Log", "make_log", "where_it_happened"]


class Log(Protocol):
    """What the door writes its lines to."""

    def info(self, event: str, **facts: Any) -> Any:
        """What happens every day."""

    def warning(self, event: str, **facts: Any) -> Any:
        """What somebody might look into."""

    def error(self, event: str, **facts: Any) -> Any:
        """What somebody must look into."""


def make_log(level: LogLevel, file: BinaryIO | None = None) -> Log:
    """A log of lines of JSON in UTC; `file` is stderr where none is given.

    >>> from io import BytesIO
    >>> lines = BytesIO()
    >>> _ = make_log("info", lines).info("answered", status=201)
    >>> msgspec.json.decode(lines.getvalue())["status"]
    201
    """
    log: Log = structlog.wrap_logger(
        structlog.BytesLogger(sys.stderr.buffer if file is None else file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=lambda line, **_: msgspec.json.encode(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    return log


def where_it_happened(error: BaseException) -> list[str]:
    """The places an error came through, innermost last. Its message is left out: it may quote what came in."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
