"""The two ways from data to a live decision, as they are promised, word for word, in a shell of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

TRIAL = """\
roadworthy init loans.csv --target default --out loans && cd loans
roadworthy run
roadworthy trial on
roadworthy release create && roadworthy release promote 1
KEY=$(roadworthy key add webshop --role service)
roadworthy serve &
roadworthy sample | curl -d @- -H "Authorization: Bearer $KEY" http://127.0.0.1:8400/v1/decisions
"""
REAL = """\
roadworthy user add ana --role analyst
roadworthy user add ben --role approver
ANA=$(roadworthy key add ana)
BEN=$(roadworthy key add ben)
KEY=$(roadworthy key add webshop --role service)
ROADWORTHY_KEY=$ANA roadworthy release create
ROADWORTHY_KEY=$ANA roadworthy release submit 1
ROADWORTHY_KEY=$BEN roadworthy release approve 1
ROADWORTHY_KEY=$BEN roadworthy release promote 1
roadworthy serve &
roadworthy sample | curl -d @- -H "Authorization: Bearer $KEY" http://127.0.0.1:8400/v1/decisions
"""
ENDED = """
SERVING=$!
echo
kill -TERM $SERVING
wait $SERVING
"""
CURL = """\
#!{python}
import sys, urllib.request
words = sys.argv[1:]
name, _, value = words[words.index("-H") + 1].partition(": ")
asked = urllib.request.Request(words[-1], data=sys.stdin.buffer.read(), headers={{name: value}})
print(urllib.request.urlopen(asked).read().decode())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def walk(script: str, folder: Path, **settings: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the script as a user would, and take from what it printed the reply to the application."""
    port = str(free_port())
    tools = folder.parent / "tools"
    tools.mkdir()
    if shutil.which("curl") is None:
        (tools / "curl").write_text(CURL.format(python=sys.executable))
        (tools / "curl").chmod(0o755)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(tools)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROADWORTHY_")}
    environment = (
        kept | settings | {"PATH": path, "XDG_CONFIG_HOME": str(folder.parent / "config"), "ROADWORTHY_PORT": port}
    )
    whole = script.replace("8400", port) + ENDED
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", whole],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=900)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the shell and the server it started
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    assert done.returncode == 0, f"{out}\n{err}"
    reply: dict[str, Any] = json.loads(next(line for line in out.splitlines() if line.startswith('{"decision_id"')))
    return done, reply


def test_one_person_tries_everything(loans: Path, tmp_path: Path) -> None:
    """The trial of the interface, from a file of past applications to a decision; the server drains and ends well."""
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.copyfile(loans, folder / "loans.csv")
    done, reply = walk(TRIAL, folder)
    assert reply["trial"] is True
    assert reply["answer"] in ("approve", "refer", "decline")
    assert reply["release"]["id"] == "1"
    assert "the purpose is not stated in full" in done.stdout


def test_two_people_bring_it_live(product_folder: Path, store_url: str) -> None:
    """Each with a credential of their own, on either store; the second person is another one."""
    done, reply = walk(REAL, product_folder, ROADWORTHY_STORE=store_url)
    assert reply["trial"] is False
    assert reply["release"]["id"] == "1"
    assert "release 1 waits for approval" in done.stdout
    assert "release 1 is approved" in done.stdout
    assert done.stdout.count("rwk_") == 0, "a key is printed where it is asked for, and nowhere else"
    assert done.stderr.count("rwk_") == 0
