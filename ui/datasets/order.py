"""Sorts battery codes by the numbers in them: b1c2 before b1c11."""

import re

import pandas as pd

_DIGITS = 20


def naturally(batteries: pd.DataFrame) -> pd.DataFrame:
    """The same batteries sorted by code, with the numbers within codes compared as numbers."""
    order = batteries["battery_code"].map(natural_key).sort_values(kind="stable").index
    return batteries.loc[order].reset_index(drop=True)


def natural_key(code: str) -> str:
    """A text that sorts as the code does: its numbers are padded with zeros."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(_DIGITS), str(code).casefold())
