"""`roadworthy demo`: the main job on a simulated portfolio, from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec import to_builtins

from roadworthy.cli.speaking import Json, say, show_json

NAME = "demo"


def command(
    *,
    out: Path = Path("demo"),
    applications: int = 60_000,
    seed: int = 2026,
    serve: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Simulate a portfolio, make a product of it, go live with two people, decide for years, and meet the outcomes.

    Everything is synthetic and says so, and the store is a trial: it can never become live.

    Example: roadworthy demo --out demo

    Parameters
    ----------
    out
        The directory to write; an earlier demo there is set aside.
    applications
        How many applications to simulate, over ten years.
    seed
        Another seed, another portfolio.
    serve
        Serve the product at the end, until Ctrl-C.
    json
        Print one JSON document, without what lets people in.

    """
    from roadworthy.pipeline import run_demo

    result = run_demo(out, applications, seed, (lambda _: None) if json else say)
    if json:
        show_json({name: value for name, value in to_builtins(result).items() if name not in ("key", "links")})
        return 0
    say("")
    say(f"{'step':<14}{'seconds':>9}{'peak MiB':>10}")
    for step in result.steps:
        say(f"{step.name:<14}{step.seconds:>9.1f}{step.peak_mib:>10.0f}")
    say(f"{'all':<14}{sum(step.seconds for step in result.steps):>9.1f}{max(s.peak_mib for s in result.steps):>10.0f}")
    say("")
    say(f"One decision with its reasons:\n{result.decision}")
    say(f"\nOpen {result.page}: was it right, and what is it worth?")
    say(f"\nWere the PDs right? {result.matured}")
    say(f"\nLook around: cd {result.directory} && roadworthy release list && roadworthy outcomes gains")
    if serve:
        from roadworthy.cli.serve import command as serve_it
        from roadworthy.settings import read_settings

        address = read_settings(result.directory)
        say("\nSign in, once with each link:")
        for name, link in result.links.items():
            say(f"  {name:<6}{result.people[name]}")
            say(f"        http://{address.host}:{address.port}/sign-in?link={link}")
        say(f"The links last three days; later: roadworthy user link NAME -C {result.directory}")
        say(f"The web shop's key, to send as `Authorization: Bearer KEY`: {result.key}\n")
        return serve_it(directory=result.directory)
    say(f"Serve it: cd {result.directory} && roadworthy serve")
    return 0
