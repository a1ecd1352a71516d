"""What goes live and who says so: releases, the stop switch, the tables. See docs/explanation/releases.md."""

from __future__ import annotations

from roadworthy.lifecycle.approving import approve_release, submit_release
from roadworthy.lifecycle.builds import tell_build
from roadworthy.lifecycle.differences import Difference, list_differences
from roadworthy.lifecycle.packages import PackageView, keep_package, list_packages, show_package
from roadworthy.lifecycle.pinned import describe_table, list_tables
from roadworthy.lifecycle.policy_words import describe_bands, describe_rule, describe_terms
from roadworthy.lifecycle.preview import Preview, preview_release
from roadworthy.lifecycle.promoting import find_rollback, promote_release, roll_back
from roadworthy.lifecycle.release_warnings import list_warnings, warn_release, weigh_release
from roadworthy.lifecycle.releases import create_release
from roadworthy.lifecycle.replay import Explanation, Replay, explain_decision, replay_decision
from roadworthy.lifecycle.replay_file import replays_to_arrow
from roadworthy.lifecycle.replaying import Asked, Replays, replay_decisions
from roadworthy.lifecycle.restating import restate_release
from roadworthy.lifecycle.route import Switch, WasLive, list_switches, resume_deciding, stop_deciding, who_was_live
from roadworthy.lifecycle.steps import Step
from roadworthy.lifecycle.table_diff import Change, Diff
from roadworthy.lifecycle.table_file import AsideRow
from roadworthy.lifecycle.table_views import TableVersionView, list_table_versions
from roadworthy.lifecycle.tables import approve_table, undo_table
from roadworthy.lifecycle.uploads import Upload, read_upload, upload_table
from roadworthy.lifecycle.views import ReleaseView, list_releases, show_release

__all__ = [
    "AsideRow",
    "Asked",
    "Change",
    "Diff",
    "Difference",
    "Explanation",
    "PackageView",
    "Preview",
    "ReleaseView",
    "Replay",
    "Replays",
    "Step",
    "Switch",
    "TableVersionView",
    "Upload",
    "WasLive",
    "approve_release",
    "approve_table",
    "create_release",
    "describe_bands",
    "describe_rule",
    "describe_table",
    "describe_terms",
    "explain_decision",
    "find_rollback",
    "keep_package",
    "list_differences",
    "list_packages",
    "list_releases",
    "list_switches",
    "list_table_versions",
    "list_tables",
    "list_warnings",
    "preview_release",
    "promote_release",
    "read_upload",
    "replay_decision",
    "replay_decisions",
    "replays_to_arrow",
    "restate_release",
    "resume_deciding",
    "roll_back",
    "show_package",
    "show_release",
    "stop_deciding",
    "submit_release",
    "tell_build",
    "undo_table",
    "upload_table",
    "warn_release",
    "weigh_release",
    "who_was_live",
]
