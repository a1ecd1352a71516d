"""What goes live and who says so: releases, the stop switch, the tables. See docs/explanation/releases.md."""

from __future__ import annotations

from roadworthy.lifecycle.approving import approve_release, submit_release
from roadworthy.lifecycle.packages import PackageView, keep_package, list_packages, show_package
from roadworthy.lifecycle.promoting import promote_release, roll_back
from roadworthy.lifecycle.releases import create_release
from roadworthy.lifecycle.replay import Explanation, Replay, explain_decision, replay_decision
from roadworthy.lifecycle.route import WasLive, resume_deciding, stop_deciding, who_was_live
from roadworthy.lifecycle.steps import Step
from roadworthy.lifecycle.views import ReleaseView, list_releases, show_release

__all__ = [
    "Explanation",
    "PackageView",
    "ReleaseView",
    "Replay",
    "Step",
    "WasLive",
    "approve_release",
    "create_release",
    "explain_decision",
    "keep_package",
    "list_packages",
    "list_releases",
    "promote_release",
    "replay_decision",
    "resume_deciding",
    "roll_back",
    "show_package",
    "show_release",
    "stop_deciding",
    "submit_release",
    "who_was_live",
]
