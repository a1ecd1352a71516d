"""Files of applications in and files of decisions out."""

from __future__ import annotations

from roadworthy.batch.sinks import Sink, open_sink
from roadworthy.batch.sources import Source, open_table

__all__ = ["Sink", "Source", "open_sink", "open_table"]
