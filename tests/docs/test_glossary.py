"""The glossary names every table, and only tables, columns and files that exist."""

import re

from db.tables import Base
from tests.paths import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TABLES = Base.metadata.tables


def test_every_table_is_in_the_glossary() -> None:
    for table in TABLES:
        assert f"`{table}`" in GLOSSARY, table


def test_columns_of_the_glossary_exist() -> None:
    named = re.findall(r"`([a-z_]+)\.([a-z_]+)`", GLOSSARY)
    columns = [(table, column) for table, column in named if column != "py"]
    assert columns
    for table, column in columns:
        assert column in TABLES[table].columns, f"{table}.{column}"


def test_files_of_the_glossary_exist() -> None:
    paths = re.findall(r"`((?:core|models|db)/[a-z_/]*(?:\.py)?)`", GLOSSARY)
    assert len(paths) > 20
    for path in paths:
        assert (ROOT / path).exists(), path


def test_no_word_has_two_entries() -> None:
    first, second, _field = re.split(r"^## .*$", GLOSSARY, flags=re.MULTILINE)[1:]
    words = re.findall(r"^\| ([^|]+?) \|", first + second, re.MULTILINE)
    kept = [word for word in words if word not in ("word", "---")]
    assert len(kept) == len(set(kept))
