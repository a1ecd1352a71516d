"""The demo: a synthetic bank that learned from seven years, decided for three, and waits for its people."""

from __future__ import annotations

from roadworthy.pipeline.demo.whole import DemoResult, DemoStep, run_demo

__all__ = ["DemoResult", "DemoStep", "run_demo"]
