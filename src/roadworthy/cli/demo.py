"""`roadworthy demo`: the main job on a simulated portfolio, from nothing."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.speaking import Json, say, show_json

NAME = "demo"


def command(*, out: Path = Path("demo"), applications: int = 60_000, seed: int = 2026, json: Json = False) -> int:
    """Simulate a portfolio, make a product of it, train, seal, decide, and write the page of meaning and money.

    Everything is synthetic and says so.

    Example: roadworthy demo --out demo

    Parameters
    ----------
    out
        The directory to write; an earlier demo there is set aside.
    applications
        How many applications to simulate, over ten years.
    seed
        Another seed, another portfolio.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import run_demo

    result = run_demo(out, applications, seed, (lambda _: None) if json else say)
    if json:
        show_json(result)
        return 0
    say("")
    say(f"{'step':<14}{'seconds':>9}{'peak MiB':>10}")
    for step in result.steps:
        say(f"{step.name:<14}{step.seconds:>9.1f}{step.peak_mib:>10.0f}")
    say(f"{'all':<14}{sum(step.seconds for step in result.steps):>9.1f}{max(s.peak_mib for s in result.steps):>10.0f}")
    say("")
    say(f"One decision with its reasons:\n{result.decision}")
    say(f"\nOpen {result.page}: was it right, and what is it worth?")
    say(f"Look around: cd {result.directory} && roadworthy check")
    return 0
