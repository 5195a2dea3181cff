"""docs/architecture.md names what exists, and its picture is drawn from the contracts."""

import ast
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from db.tables import Base
from docs.draw_arrows import PICTURE, draw, read_panels
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
QUOTED = re.findall(r"`([^`\n]+)`", PAGE.replace(TREE, ""))
ROOMS = ("core", "models", "ui")


def _lines_of(top: str) -> dict[str, str]:
    """The indented lines below a top folder of the tree: folder or module, and its sentence."""
    (part,) = re.findall(rf"^{top}/.*\n((?:  .*\n)+)", TREE, re.MULTILINE)
    return dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in part.splitlines())


def _names_in(path: Path) -> set[str]:
    """Functions, classes and constants at the top of a module."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize("top", ROOMS)
def test_the_tree_is_that_of_the_folders(top: str) -> None:
    folders = {f"{path.parent.name}/" for path in (ROOT / top).glob("*/__init__.py")}
    modules = {path.name for path in (ROOT / top).glob("[!_]*.py")}
    assert set(_lines_of(top)) == folders | modules


@pytest.mark.parametrize("top", ROOMS)
def test_each_room_is_told_in_its_own_words(top: str) -> None:
    for room, sentence in _lines_of(top).items():
        if room.endswith("/"):
            source = (ROOT / top / room / "__init__.py").read_text(encoding="utf-8")
            assert sentence == (ast.get_docstring(ast.parse(source)) or "").splitlines()[0], room


def test_the_top_of_the_tree_exists() -> None:
    tops = re.findall(r"^([a-z_.]+/?)(?=\s)|(?<=  )([a-z]+/)", TREE, re.MULTILINE)
    named = {name for pair in tops for name in pair if name}
    assert {"app.py", "shell/", "pages/", "db/", "tests/", "benchmarks/", "docs/"} <= named
    for name in re.findall(r"^[a-z_.]+/?", TREE, re.MULTILINE):
        assert (ROOT / name).exists(), name


def test_every_path_of_the_page_exists() -> None:
    paths = [text.partition("::")[0] for text in QUOTED if re.match(r"[a-z_]+[/.]", text)]
    assert len(paths) > 80
    for path in paths:
        tail = path == "filters.py" or path == "list.py"
        assert tail or (ROOT / path).exists(), path


def test_every_name_of_the_page_is_defined_there() -> None:
    named = [text.split("::") for text in QUOTED if "::" in text]
    assert len(named) > 50
    for path, name in named:
        assert name in _names_in(ROOT / path), f"{path} has no {name}"


def test_every_table_of_the_page_exists() -> None:
    tables = [text for text in QUOTED if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)]
    assert len(tables) >= 5
    assert set(tables) <= set(Base.metadata.tables)


def test_the_picture_is_what_the_contracts_give() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(read_panels()), (
        "Run `python docs/draw_arrows.py`."
    )


def test_the_picture_shows_every_room_of_the_contracts() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    wanted = [
        room
        for contract in contracts
        if contract["type"] == "layers"
        for layer in contract["layers"]
        for room in re.split(r"[ :|]+", layer)
    ]
    drawn = [element.text for element in ET.parse(PICTURE).getroot().iter()]
    for room in set(wanted):
        assert drawn.count(room) == wanted.count(room), room
