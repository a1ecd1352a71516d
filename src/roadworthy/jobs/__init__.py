"""Long work that outlives its process: jobs, and the runners that work on them. See docs/reference/jobs.md."""

from __future__ import annotations

from roadworthy.jobs.asking import MOST_FAILURES, cancel_job, list_jobs, read_job, submit_job
from roadworthy.jobs.interrupted import Cancelled, Interrupted, LostLease, Stopping
from roadworthy.jobs.job import STATES, Job, Progress
from roadworthy.jobs.runner import Runner, Stuck
from roadworthy.jobs.running import Handler, Running

__all__ = [
    "MOST_FAILURES",
    "STATES",
    "Cancelled",
    "Handler",
    "Interrupted",
    "Job",
    "LostLease",
    "Progress",
    "Runner",
    "Running",
    "Stopping",
    "Stuck",
    "cancel_job",
    "list_jobs",
    "read_job",
    "submit_job",
]
