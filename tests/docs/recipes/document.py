"""The recipes of CONTRIBUTING.md, and following one in a copy of the repository."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a copy does without.
LEFT_OUT = (".git", ".venv", "data", "__pycache__", ".*_cache", "screenshots", "test-results")


@dataclass(frozen=True)
class Block:
    """One block of code: a whole file, changes of one ("diff"), or commands ("sh").

    before : the text of the document above it, up to the last block
    """

    kind: str
    path: str
    body: str
    before: str


def recipes() -> dict[str, list[Block]]:
    """The blocks of each recipe, by its title."""
    found = {}
    for section in re.split(r"^### ", TEXT.split("## Recipes")[1], flags=re.MULTILINE)[1:]:
        title, text = section.split("\n", 1)
        blocks, end = [], 0
        for match in BLOCK.finditer(text):
            kind, path, body = match.groups(default="")
            blocks.append(Block(kind, path, body, text[end : match.start()]))
            end = match.end()
        found[title] = blocks
    return found


def follow(blocks: list[Block], copy: Path) -> None:
    """Do what a recipe says, in a copy of the repository."""
    numbers = sorted(path.name[:4] for path in (copy / "db/migrations/versions").glob("0*.py"))
    for block in blocks:
        path, body = (_numbered(text, numbers[-1]) for text in (block.path, block.body))
        if block.kind == "sh":
            for line in body.splitlines():
                run_in(copy, *shlex.split(line)[1:])
        elif block.kind == "diff":
            _change(copy / path, body)
        else:
            assert not (copy / path).exists(), f"{path} is there already"
            (copy / path).write_text(body, encoding="utf-8")


def run_in(copy: Path, *arguments: str) -> str:
    """Run `python ...` in the copy, with a data folder of its own; what it prints."""
    # Without what coverage or a test around this one may have set.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=kept | {"FADEBENCH_DATA_DIR": str(copy / "data"), "FADEBENCH_DATABASE_URL": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _numbered(text: str, last: str) -> str:
    return text.replace("<last>", last).replace("<next>", f"{int(last) + 1:04d}")


def _change(path: Path, body: str) -> None:
    """Replace the lines without "+" by those without "-"; they occur once in the file."""
    lines = body.splitlines()
    old = "\n".join(line[1:] for line in lines if not line.startswith("+")) + "\n"
    new = "\n".join(line[1:] for line in lines if not line.startswith("-")) + "\n"
    text = path.read_text(encoding="utf-8")
    assert f"\n{text}".count(f"\n{old}") == 1, f"{path.name} does not hold these lines once:\n{old}"
    path.write_text(f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:], encoding="utf-8")
