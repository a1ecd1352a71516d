"""Files of applications in and files of decisions out."""

from __future__ import annotations

from roadworthy.batch.exporting import EXPORT, ask_to_export
from roadworthy.batch.file_warnings import warn_applications
from roadworthy.batch.forgetting import cancel_work, forget_files, forget_work
from roadworthy.batch.handlers import job_handlers
from roadworthy.batch.kept_files import DECISIONS, SET_ASIDE, KeptFile, read_kept_file
from roadworthy.batch.looking_through import WorkFiles, look_through_work
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
from roadworthy.batch.scoring import SCORE, FileSeen, ask_to_score, look_at_file, warn_same_file
from roadworthy.batch.set_aside import describe_set_aside
from roadworthy.batch.sinks import Sink, open_sink
from roadworthy.batch.sources import Source, open_apart, open_table

__all__ = [
    "DECISIONS",
    "EXPORT",
    "PAST",
    "SCORE",
    "SET_ASIDE",
    "FileSeen",
    "KeptFile",
    "Scored",
    "Sink",
    "Source",
    "SourceMapping",
    "WorkFiles",
    "absent_inputs",
    "ask_to_export",
    "ask_to_score",
    "cancel_work",
    "describe_set_aside",
    "forget_files",
    "forget_work",
    "job_handlers",
    "look_at_file",
    "look_through_work",
    "map_columns",
    "open_apart",
    "open_sink",
    "open_source",
    "open_table",
    "read_kept_file",
    "read_sources",
    "record_file",
    "score",
    "sources_yaml",
    "warn_applications",
    "warn_same_file",
]
