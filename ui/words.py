"""Words of the user's, made harmless where Markdown is read."""


def plain(text: str) -> str:
    """A text whose characters mean nothing to Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]:$~<>#|" else c for c in text)
