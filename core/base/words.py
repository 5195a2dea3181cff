"""Counts and numbers in sentences that people read."""


def counted(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun: 1 battery, 124 batteries, 1,240 cycles."""
    regular = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
    return f"{count:,} {singular if count == 1 else plural or regular}"


def rounded(value: float, digits: int = 4) -> str:
    """A number with so many significant digits; a large one in full: 0.0123, 118, 1,412."""
    in_full = abs(value) >= 10 ** (digits - 1)
    return f"{value:,.0f}" if in_full else f"{value:.{digits}g}"
