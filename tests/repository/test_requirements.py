"""The lists of packages are whole, pinned, and fit each other and what is installed."""

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.paths import ROOT

PRODUCT = ("core", "db", "models", "pages", "shell", "ui")
# SQLAlchemy imports drivers by the name in a URL; PyMySQL needs cryptography to sign in, and
# openpyxl reads XML safely where it finds defusedxml.
NEVER_IMPORTED = {"pymysql", "psycopg", "cryptography", "defusedxml"}
BY_PYTORCH = re.compile(r"cuda-|nvidia-|triton")


def read_requirements(name: str) -> list[Requirement]:
    """Requirements of a file in its order, without those of files that it refers to."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]


def pinned_version(requirement: Requirement) -> Version:
    """The only version that the requirement allows; fails where there are more."""
    (specifier,) = requirement.specifier
    assert specifier.operator == "==" and "*" not in specifier.version, str(requirement)
    return Version(specifier.version)


def canonical(requirement: Requirement) -> str:
    return str(canonicalize_name(requirement.name))


def applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def reachable(asked: list[Requirement]) -> dict[str, Version]:
    """Versions of the installed packages that these need on this machine, they included."""
    found: dict[str, Version] = {}
    waiting = [(canonical(one), extra) for one in asked for extra in ("", *sorted(one.extras))]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        # Builds of the same version differ in the part after the plus: 2.13.0+cpu.
        found[name] = Version(Version(package.version).public)
        for needed in map(Requirement, package.requires or []):
            if applies(needed, extra):
                new = {(canonical(needed), more) for more in ("", *needed.extras)} - seen
                seen |= new
                waiting += new
    return found


RUNS = read_requirements("requirements.txt")
DEVELOPS = read_requirements("requirements-dev.txt")
CONSTRAINTS = read_requirements("constraints.txt")
LOCKED_HERE = {canonical(one): pinned_version(one) for one in CONSTRAINTS if applies(one)}


def imported_by_the_product() -> set[str]:
    """Top-level names that the product imports, the standard library and itself left out."""
    files = [ROOT / "app.py", *(path for top in PRODUCT for path in (ROOT / top).rglob("*.py"))]
    names: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - set(PRODUCT)


def test_the_product_lists_what_it_imports_and_nothing_else() -> None:
    providers = packages_distributions()
    imported = {canonicalize_name(providers[name][0]) for name in imported_by_the_product()}
    assert {canonical(one) for one in RUNS} == imported | NEVER_IMPORTED


def test_the_development_list_begins_with_the_product() -> None:
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "-r requirements.txt"
    assert {canonical(one) for one in RUNS}.isdisjoint(canonical(one) for one in DEVELOPS)


@pytest.mark.parametrize("requirement", [*RUNS, *DEVELOPS], ids=canonical)
def test_every_requirement_is_locked_at_its_version(requirement: Requirement) -> None:
    assert LOCKED_HERE.get(canonical(requirement)) == pinned_version(requirement), (
        "constraints.txt no longer fits the requirements; run `make lock`"
    )


def test_what_the_requirements_bring_is_locked_as_installed() -> None:
    installed = reachable([*RUNS, *DEVELOPS])
    brought = {name: version for name, version in installed.items() if not BY_PYTORCH.match(name)}
    assert len(brought) > len(RUNS)
    locked = {name: LOCKED_HERE.get(name) for name in brought}
    assert brought == locked, "run `make lock`, or `make test` to install what is locked"


def test_nothing_is_locked_that_nothing_needs() -> None:
    needed = set(reachable([*RUNS, *DEVELOPS])) | {canonical(one) for one in DEVELOPS}
    assert set(LOCKED_HERE) <= needed, "run `make lock`"


def test_the_lock_names_no_place_and_no_build_of_one_machine() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for word in ("/", "\\", "://", "--", " @ ", "# via"):
        assert word not in text, word
    for requirement in CONSTRAINTS:
        assert pinned_version(requirement).local is None, str(requirement)
        assert not BY_PYTORCH.match(canonical(requirement)), str(requirement)


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "README.md"])
def test_every_installation_of_requirements_is_constrained(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("$(INSTALL)", _install_command())
    lines = re.findall(r"^.*(?:-r|--requirement) requirements.*$", text, re.MULTILINE)
    assert lines
    for line in lines:
        assert re.search(r"(-c|--constraint) constraints\.txt", line), line


def _install_command() -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^INSTALL := (.+)$", makefile, re.MULTILINE)
    return str(command)
