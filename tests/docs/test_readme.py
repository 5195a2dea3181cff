"""The README is true: every setting, make target, picture and link, and the license."""

import re
import tomllib

from core.base.settings import Settings
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_readme() -> None:
    for name in Settings.model_fields:
        assert f"`FADEBENCH_{name.upper()}`" in README


def test_readme_names_no_setting_that_does_not_exist() -> None:
    known = {f"FADEBENCH_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"FADEBENCH_[A-Z_]+", README)) <= known


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z0-9-]+)", README):
        if target not in {"and", "nothing"}:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_every_linked_file_of_the_readme_is_there() -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#:]+)\)", README)
    assert "docs/domain.md" in links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_license_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")
    assert "MIT, see [LICENSE](LICENSE)." in README
