"""What a column is by its name: role, unit, and what it is not.

A name decides only where it is exactly a known one after normalising; a similar name gives a
hint and decides nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

from core.ingest.recognition.known_names import (
    CHARGE_CAPACITY,
    ENERGY,
    LABEL_PARTS,
    LABEL_WORDS,
    ROLE_NAMES,
    TIMES,
    Role,
)

_UNIT_WORDS: dict[str, str] = {
    "ah": "Ah",
    "ahr": "Ah",
    "a.h": "Ah",
    "a·h": "Ah",
    "amperehour": "Ah",
    "mah": "mAh",
    "mahr": "mAh",
    "ma.h": "mAh",
    "ma·h": "mAh",
    "mah/g": "mAh/g",
    "mahg": "mAh/g",
    "ma.h/g": "mAh/g",
    "wh": "Wh",
    "w.h": "Wh",
    "mwh": "mWh",
    "v": "V",
    "mv": "mV",
    "volt": "V",
    "a": "A",
    "ma": "mA",
    "ampere": "A",
    "s": "s",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "min": "min",
    "minute": "min",
    "h": "h",
    "hour": "h",
    "c": "degC",
    "°c": "degC",
    "degc": "degC",
    "celsius": "degC",
    "k": "K",
    "ohm": "ohm",
    "ω": "ohm",
    "mohm": "mohm",
    "mω": "mohm",
    "percent": "percent",
    "pct": "percent",
    "%": "percent",
    "cycles": "cycles",
    "watt": "W",
}
# As the last word of a name these are a unit only after such a word: not in dqdv_min.
_UNIT_ONLY_AFTER: dict[str, str] = {
    "min": "time",
    "h": "time",
    "c": "temperature",
    "k": "temperature",
    "a": "current",
}


def unit_of_text(text: str) -> str:
    """The unit that a text means ("mA.h" gives "mAh"); the text itself where it is unknown."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return _UNIT_WORDS.get(folded, text.strip())


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column: "Capacity (mAh)" and "capacity_mah" give "mAh"; "" = none."""
    column = unicodedata.normalize("NFKC", column).strip()
    bracketed = re.fullmatch(r"(.+?)\s*[(\[]\s*([^()\[\]]{1,12})\s*[)\]]", column)
    if bracketed and not re.search(r"[A-Za-z]?\d+$", bracketed[2].strip()):
        return bracketed[1], unit_of_text(bracketed[2])
    parted = re.fullmatch(r"(.+?)\s*/\s*(.+)", column)
    if parted and parted[2].strip().casefold() in _UNIT_WORDS:
        return parted[1], unit_of_text(parted[2])
    words = re.split(r"[\s_]+", column.casefold())
    last = words[-1]
    if len(words) < 2 or last not in _UNIT_WORDS:
        return column, ""
    needed = _UNIT_ONLY_AFTER.get(last)
    if needed is not None and not any(_measures(needed, word) for word in words[:-1]):
        return column, ""
    return column[: -len(last)].rstrip(" _"), _UNIT_WORDS[last]


def _measures(quantity: str, word: str) -> bool:
    """Whether a word of a name means a quantity: "temp" or "tavg" mean temperature."""
    return quantity.startswith(word) or (quantity[0] == "t" and word in ("tavg", "tmax", "tmin"))


def normalised(column: str) -> str:
    """The letters and digits of a name without its unit, in lower case: "Q discharge/mA.h"."""
    return _letters(split_unit(column)[0])


def role_of(column: str) -> Role | None:
    """The role that a name has exactly, after normalising."""
    key = normalised(column)
    for role, names in ROLE_NAMES.items():
        if key in names:
            return role
    # "capacityAh" has its unit without a mark between.
    glued = re.fullmatch(r"(.+?)(m?ah)", key)
    if glued and (glued[1] in ROLE_NAMES["capacity"] or glued[1] in ROLE_NAMES["nominal"]):
        return "capacity" if glued[1] in ROLE_NAMES["capacity"] else "nominal"
    return None


def unit_in_name(column: str) -> str:
    """The unit in a name, "" where it has none."""
    unit = split_unit(column)[1]
    if unit:
        return unit
    glued = re.fullmatch(r"(.+?)(m?ah)", normalised(column))
    return unit_of_text(glued[2]) if glued and role_of(column) in ("capacity", "nominal") else ""


def columns_by_role(columns: Sequence[str]) -> dict[Role, list[str]]:
    """The columns of each role, the preferred first."""
    found: dict[Role, list[str]] = {}
    for column in columns:
        role = role_of(column)
        if role is not None:
            found.setdefault(role, []).append(column)
    for role, names in found.items():
        known = ROLE_NAMES[role]
        names.sort(key=lambda name: known.index(key) if (key := normalised(name)) in known else 99)
    return found


def is_in(column: str, names: frozenset[str]) -> bool:
    """Whether the name is one of these, after normalising."""
    return normalised(column) in names


def speaks_of_label(column: str) -> bool:
    """Whether a name holds a word like capacity, cycle, SOH or life: no feature by default.

    The charge of a part of charging (cc_charge_capacity) measures that part, not the battery.
    """
    name = unicodedata.normalize("NFKC", column)
    words = [w.casefold() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Za-z][a-zäöü]*|\d+", name)]
    if words[:3] in (["cc", "charge", "capacity"], ["cv", "charge", "capacity"]):
        return False
    if any(word in LABEL_WORDS for word in words):
        return True
    return any(part in name.casefold() for part in LABEL_PARTS)


def hint_of(column: str) -> Role | None:
    """The role whose name is similar: for a hint, never a decision."""
    key = normalised(column)
    known = key in CHARGE_CAPACITY or key in ENERGY or key in TIMES
    if len(key) < 5 or known or role_of(column) is not None or re.search(r"\(\d+\)$", column):
        return None
    for role in ("capacity", "cycle", "soh", "rul"):
        names = [name for name in ROLE_NAMES[role] if len(name) >= 5]
        if get_close_matches(key, names, n=1, cutoff=0.87):
            return role
    return None


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
