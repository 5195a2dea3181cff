"""Whoever follows a recipe of CONTRIBUTING.md to the letter gets what it promises.

All are followed, one after the other, in one copy of the repository; then `after_*.py` are run
there, which look for what was added on the pages, on the command line and in exports.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.recipes.document import LEFT_OUT, TEXT, follow, recipes, run_in
from tests.paths import ROOT

RECIPES = recipes()
# The file of `after_*.py` and the tests of today that must hold after each recipe.
PROOFS = {
    "Add an algorithm": (
        "tests/docs/recipes/after_algorithm.py",
        "tests/models/algorithms/test_median.py",
        "tests/models/model/test_golden_checkpoints.py::"
        "test_every_algorithm_has_one_of_each_question_in_the_newest_format",
        "tests/models/model/test_versions.py::test_every_algorithm_has_predictions",
        "tests/db/test_migrations.py::test_the_tables_take_the_algorithms_of_the_catalogue",
    ),
    "Add a file format": ("tests/docs/recipes/after_format.py",),
    "Add a page": ("tests/docs/recipes/after_page.py", "tests/pages/test_overview.py"),
    "Add a kind of background work": (
        "tests/docs/recipes/after_work.py",
        "tests/core/test_wiring.py::test_every_kind_of_task_is_wired_to_work_that_can_be_loaded",
    ),
    "Add a setting": (
        "tests/docs/recipes/after_setting.py",
        "tests/models/settings",
        "tests/models/model/test_golden_checkpoints.py",
    ),
    "Add a table": (
        "tests/docs/recipes/after_table.py",
        "tests/docs/test_glossary.py",
        "tests/db/test_migrations.py::test_autogenerate_has_nothing_to_add[sqlite]",
        "tests/db/test_migrations.py::test_migrated_tables_are_the_declared_ones[sqlite]",
    ),
}


@pytest.fixture(scope="session")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which every recipe was followed."""
    copy = tmp_path_factory.mktemp("recipes") / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    # The setting first: the format of model files that it brings is then the algorithm's, too.
    for title in sorted(RECIPES, key=lambda title: title != "Add a setting"):
        follow(RECIPES[title], copy)
    return copy


def test_every_recipe_has_its_proof() -> None:
    assert set(RECIPES) == set(PROOFS)
    assert {
        f"tests/docs/recipes/{path.name}" for path in Path(__file__).parent.glob("after_*.py")
    } == {proofs[0] for proofs in PROOFS.values()}


@pytest.mark.parametrize("title", RECIPES)
def test_readers_see_which_file_a_block_is(title: str) -> None:
    for block in RECIPES[title]:
        if block.kind != "sh":
            above = block.before or ""
            place = RECIPES[title].index(block)
            earlier = [b.path for b in RECIPES[title][:place]]
            assert f"`{block.path}`" in above or earlier[-1:] == [block.path], block.path


def test_every_make_target_of_the_page_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"make ([a-z-]+)", TEXT)
    assert "test-fast" in targets
    for target in targets:
        if target != "what":
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_what_recipes_add_passes_the_checks(followed: Path) -> None:
    run_in(followed, "-m", "ruff", "check", "--no-cache", ".")
    run_in(followed, "-m", "ruff", "format", "--no-cache", "--check", ".")
    run_in(followed, "-c", "from importlinter.cli import lint_imports_command as c; c()")


@pytest.mark.parametrize("title", RECIPES)
def test_what_a_recipe_adds_works(followed: Path, title: str) -> None:
    run_in(followed, "-m", "pytest", *PROOFS[title])
