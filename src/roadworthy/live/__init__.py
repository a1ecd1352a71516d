"""What is live: the current route, and the one function that decides and records under it."""

from __future__ import annotations

from roadworthy.live.again import (
    Again,
    Lost,
    NotAgain,
    decide_again,
    decide_all_again,
    decide_changed,
    is_as_hashed,
    open_particulars,
)
from roadworthy.live.build import describe_build
from roadworthy.live.current import CurrentRoute, Taken, warm_up
from roadworthy.live.deciding import Decided, Envelope, KeyTaken, Made, NotDecided, decide_and_record
from roadworthy.live.describing import STOPPED, plain_cells
from roadworthy.live.loading import Loaded, Part, load_release, read_bytes
from roadworthy.live.manifest import CREATED, Manifest, read_manifest, release_subject, table_subject
from roadworthy.live.reply import Reply, render_reply
from roadworthy.live.tables import ROWS, read_table_version, read_versions, rows_to_bytes, table_key

__all__ = [
    "CREATED",
    "ROWS",
    "STOPPED",
    "Again",
    "CurrentRoute",
    "Decided",
    "Envelope",
    "KeyTaken",
    "Loaded",
    "Lost",
    "Made",
    "Manifest",
    "NotAgain",
    "NotDecided",
    "Part",
    "Reply",
    "Taken",
    "decide_again",
    "decide_all_again",
    "decide_and_record",
    "decide_changed",
    "describe_build",
    "is_as_hashed",
    "load_release",
    "open_particulars",
    "plain_cells",
    "read_bytes",
    "read_manifest",
    "read_table_version",
    "read_versions",
    "release_subject",
    "render_reply",
    "rows_to_bytes",
    "table_key",
    "table_subject",
    "warm_up",
]
