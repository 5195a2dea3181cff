"""Reads cells as numbers: marks of decimals and thousands, units and percent signs."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

# What spreadsheets and statistics programs write where a value is missing.
MISSING = frozenset(
    ("", "-", "na", "n/a", "nan", "null", "none", "#n/a", "#div/0!", "#value!", "#ref!", "#num!")
)
# Units that may stand behind the number in a cell.
CELL_UNITS: dict[str, str] = {
    "%": "percent",
    "ah": "Ah",
    "mah": "mAh",
    "wh": "Wh",
    "mwh": "mWh",
    "v": "V",
    "mv": "mV",
    "a": "A",
    "ma": "mA",
    "°c": "degC",
    "degc": "degC",
    "k": "K",
    "s": "s",
    "sec": "s",
    "min": "min",
    "h": "h",
    "ohm": "ohm",
    "ω": "ohm",
    "mohm": "mohm",
    "mω": "mohm",
    "mah/g": "mAh/g",
    "ah/kg": "Ah/kg",
    "cycles": "cycles",
}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?")
_WITH_UNIT = re.compile(r"([+-]?[\d.,]*\d[.,]?(?:[eE][+-]?\d+)?)\s*([^\d\s].*)")

# What a cell shows of its column's marks: "group" can be 1,100 = 1100 or = 1.1.
Mark = Literal["none", "decimal comma", "decimal point", "group comma", "group point"]


@dataclass(frozen=True)
class Cell:
    """A cell read as a number; of a "group" cell `value` is that without thousands."""

    value: float
    mark: Mark = "none"
    unit: str = ""


def is_missing(value: object) -> bool:
    """Whether a cell is empty or holds a usual word for "no value"."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in MISSING)


def read_cell(text: str) -> Cell | None:
    """A cell of text as a number; None where it is none. Blank cells are NaN.

    "1,0998" has a decimal comma and "1,100.5" a thousands mark, whatever the rest of the column
    says; "1,100" alone may be either, and only its column can tell.
    """
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    text = text.strip()
    if text.casefold() in MISSING:
        return Cell(math.nan)
    number = _marked_number(text)
    if number is not None:
        return number
    parted = _WITH_UNIT.fullmatch(text)
    unit = CELL_UNITS.get(" ".join(parted[2].split()).casefold()) if parted else None
    if parted is None or unit is None:
        return None
    number = _marked_number(parted[1])
    return None if number is None else Cell(number.value, number.mark, unit)


def is_group(text: str) -> bool:
    """Whether a text is like 1.100 or 1,100: three digits behind one mark, no zero in front."""
    return _ONE_GROUP.fullmatch(text) is not None


def _marked_number(text: str) -> Cell | None:
    group = _ONE_GROUP.fullmatch(text)
    if group:
        mark: Mark = "group comma" if group[1] == "," else "group point"
        return Cell(float(text.replace(",", ".")), mark)
    if "_" not in text:
        try:
            return Cell(float(text), "decimal point" if "." in text else "none")
        except ValueError:
            pass
    if _DECIMAL_COMMA.fullmatch(text):
        return Cell(float(text.replace(",", ".")), "decimal comma")
    if _COMMA_GROUPS.fullmatch(text):
        return Cell(float(text.replace(",", "")), "decimal point")
    if _POINT_GROUPS.fullmatch(text):
        return Cell(float(text.replace(".", "").replace(",", ".")), "decimal comma")
    return None
