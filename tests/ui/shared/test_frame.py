"""What all pages share."""

import pytest

from ui.shared.frame import duration


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0 s"), (42.4, "42 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_a_duration_is_said_as_people_do_and_never_broken(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected.replace(" ", "\N{NO-BREAK SPACE}")
