"""From past applications to a product's directory, and through its stages."""

from __future__ import annotations

from roadworthy.pipeline.check import CheckResult, check_product
from roadworthy.pipeline.demo import DemoResult, run_demo
from roadworthy.pipeline.findings import Finding
from roadworthy.pipeline.init import InitResult, init_product
from roadworthy.pipeline.recalibrate_file import recalibrate_file
from roadworthy.pipeline.run import STAGES, Progress, RunResult, run_stages
from roadworthy.pipeline.sample import sample_applications
from roadworthy.pipeline.seal_file import seal_file
from roadworthy.pipeline.workspace import Workspace, open_workspace

__all__ = [
    "STAGES",
    "CheckResult",
    "DemoResult",
    "Finding",
    "InitResult",
    "Progress",
    "RunResult",
    "Workspace",
    "check_product",
    "init_product",
    "open_workspace",
    "recalibrate_file",
    "run_demo",
    "run_stages",
    "sample_applications",
    "seal_file",
]
