"""Markdown-safe texts and counts with nouns, for all pages."""


def plain(text: str) -> str:
    """Escape a text, so that Markdown shows it as it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]:$~<>#|" else c for c in text)


def counted(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun: 1 battery, 124 batteries."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
