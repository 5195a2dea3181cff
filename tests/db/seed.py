"""The facts of the database design, read from its CREATE TABLE statements."""

import re
from dataclasses import dataclass
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("seed_schema.sql")


@dataclass(frozen=True)
class SeedColumn:
    """One column as the design writes it; `default` is None where there is none."""

    type: str
    nullable: bool
    default: str | None


@dataclass(frozen=True)
class SeedTable:
    """One table of the design; keys and indexes map a name to their columns, in order."""

    columns: dict[str, SeedColumn]
    primary_key: tuple[str, ...]
    unique_keys: dict[str, tuple[str, ...]]
    indexes: dict[str, tuple[str, ...]]
    foreign_keys: dict[str, tuple[str, str, str]]
    checks: dict[str, str]


def read_seed(text: str) -> dict[str, SeedTable]:
    """Every table of `text` by name."""
    text = re.sub(r"\s+COMMENT\s*=?\s*'[^']*'", "", text)
    blocks = re.findall(r"CREATE TABLE `?(\w+)`? \((.*?)\n\) ENGINE=InnoDB", text, re.DOTALL)
    return {name: _read_table(body) for name, body in blocks}


def statements(text: str) -> list[str]:
    """The CREATE TABLE statements of the snapshot, one by one."""
    return [part.strip() for part in text.split(";") if "CREATE TABLE" in part]


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return " ".join(text.split())


def _read_table(body: str) -> SeedTable:
    checks = dict(re.findall(r"CONSTRAINT (\w+) CHECK \((.*)\)", body, re.DOTALL))
    body = re.sub(r",?\s*CONSTRAINT \w+ CHECK \(.*\)", "", body, flags=re.DOTALL)
    lines = [line.strip().rstrip(",") for line in body.strip().splitlines()]
    keys = re.compile(r"(PRIMARY KEY|UNIQUE KEY|KEY|CONSTRAINT)\b")
    key_lines = [line for line in lines if keys.match(line)]
    return SeedTable(
        columns=dict(_read_column(line) for line in lines if not keys.match(line)),
        primary_key=_key_columns(next(line for line in key_lines if line.startswith("PRIMARY"))),
        unique_keys={_name(line): _key_columns(line) for line in key_lines if line[0] == "U"},
        indexes={_name(line): _key_columns(line) for line in key_lines if line[0] == "K"},
        foreign_keys=dict(_read_reference(line) for line in key_lines if line[0] == "C"),
        checks={name: one_line(condition) for name, condition in checks.items()},
    )


def _read_column(line: str) -> tuple[str, SeedColumn]:
    found = re.fullmatch(
        r"(\w+) (\w+(?:\([^)]*\))?)( NOT NULL| NULL)?(?: DEFAULT (\S+))?( AUTO_INCREMENT)?", line
    )
    if not found:
        raise ValueError(f"cannot read the column {line!r}")
    default = None if found[4] in (None, "NULL") else found[4].strip("'")
    return found[1], SeedColumn(found[2], found[3] != " NOT NULL", default)


def _name(line: str) -> str:
    return re.sub(r"^(UNIQUE )?KEY ", "", line).split()[0]


def _key_columns(line: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in line[line.index("(") + 1 : -1].split(","))


def _read_reference(line: str) -> tuple[str, tuple[str, str, str]]:
    found = re.fullmatch(
        r"CONSTRAINT (\w+) FOREIGN KEY \((\w+)\) REFERENCES `?(\w+)`?\((\w+)\)", line
    )
    if not found:
        raise ValueError(f"cannot read the reference {line!r}")
    return found[1], (found[2], found[3], found[4])
