"""Counts with their nouns, and numbers without exponents."""

import pytest

from core.base.words import counted, rounded


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "battery", "0 batteries"),
        (1, "battery", "1 battery"),
        (124, "test battery", "124 test batteries"),
        (1, "cycle", "1 cycle"),
        (1240, "cycle", "1,240 cycles"),
    ],
)
def test_a_count_agrees_with_its_noun(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_verbs_agree_where_both_forms_are_given() -> None:
    assert counted(1, "battery has", "batteries have") == "1 battery has"
    assert counted(2, "battery has", "batteries have") == "2 batteries have"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1412.3, 3, "1,412"),
        (-99281.0, 4, "-99,281"),
        (118.04, 3, "118"),
        (99.96, 3, "100"),
        (0.012345, 3, "0.0123"),
        (0.0, 4, "0"),
    ],
)
def test_large_numbers_have_no_exponent(value: float, digits: int, text: str) -> None:
    assert rounded(value, digits) == text
