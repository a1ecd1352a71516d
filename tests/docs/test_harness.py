"""What runs the pages finds a page that lies: a block that fails, prints something else, or is never closed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = """\
# A page

<!-- file: there/note.txt -->
```text
seven
```

```bash
cat there/note.txt
echo eight > eight.txt
```

In between stands a sentence.

<!-- output -->
```text
sev...
```

```python
from pathlib import Path
number = Path("eight.txt").read_text()
```

```python
>>> number
'eight\\n'
```
"""


def read_page(folder: Path, text: str) -> tuple[int, int, str]:
    """How many blocks of a README.md of this text pass and fail, and what is said of them."""
    shutil.copyfile(ROOT / "conftest.py", folder / "conftest.py")
    (folder / "README.md").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "README.md"]
    bare = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the pages need no plugin, and plugins take seconds
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=bare).stdout
    counts = {outcome: int(count) for count, outcome in re.findall(r"(\d+) (passed|failed)", printed)}
    return counts.get("passed", 0), counts.get("failed", 0), printed


def test_a_sound_page_passes_and_its_blocks_share_folder_and_namespace(tmp_path: Path) -> None:
    passed, failed, printed = read_page(tmp_path, SOUND)
    assert (passed, failed) == (4, 0), printed
    assert not (tmp_path / "eight.txt").exists()


@pytest.mark.parametrize(
    ("sound", "wrong", "said"),
    [
        ("sev...", "nine", "the page says:\nnine"),
        ("cat there/note.txt", "cat there/other.txt", "No such file"),
        ("cat there/note.txt", "false | cat", "exit 1"),
        ("cat there/note.txt", 'cat there/note.txt "$UNSET"', "UNSET: unbound variable"),
        ("'eight\\n'", "'nine\\n'", "Expected:"),
        ('"eight.txt"', '"nine.txt"', "FileNotFoundError"),
    ],
)
def test_a_page_that_lies_fails(tmp_path: Path, sound: str, wrong: str, said: str) -> None:
    assert sound in SOUND
    _, failed, printed = read_page(tmp_path, SOUND.replace(sound, wrong))
    assert failed, printed
    assert said in printed
