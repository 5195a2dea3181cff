"""Names that users give to things."""

from core.base.errors import InvalidInput

MAX_LENGTH = 120


def checked_name(name: str, noun: str) -> str:
    """`name` without surrounding space.

    Raises
    ------
    InvalidInput
        It is empty, too long, or holds control characters.
    """
    cleaned = " ".join(name.split())
    if not cleaned:
        raise InvalidInput(f"Give the {noun} a name.")
    if len(cleaned) > MAX_LENGTH:
        raise InvalidInput(f"The name of the {noun} is longer than {MAX_LENGTH} characters.")
    if not cleaned.isprintable():
        raise InvalidInput(f"The name of the {noun} contains characters that cannot be shown.")
    return cleaned
