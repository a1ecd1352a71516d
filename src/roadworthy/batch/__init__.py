"""Files of applications in and files of decisions out."""

from __future__ import annotations

from roadworthy.batch.mapping import (
    PAST,
    SourceMapping,
    absent_inputs,
    map_columns,
    open_source,
    read_sources,
    sources_yaml,
)
from roadworthy.batch.record import record_file
from roadworthy.batch.score import Scored, score
from roadworthy.batch.set_aside import describe_set_aside
from roadworthy.batch.sinks import Sink, open_sink
from roadworthy.batch.sources import Source, open_table

__all__ = [
    "PAST",
    "Scored",
    "Sink",
    "Source",
    "SourceMapping",
    "absent_inputs",
    "describe_set_aside",
    "map_columns",
    "open_sink",
    "open_source",
    "open_table",
    "read_sources",
    "record_file",
    "score",
    "sources_yaml",
]
