"""Marks numbers that rest on an overruled finding of the leakage check, and says why."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from ui.shared.words import plain

MARK = "\u2691"


def marked(name: str, overruled: object) -> str:
    """A name with the mark behind it if anything was overruled."""
    return f"{name} {MARK}" if overruled else name


def overruled_box(notes: Iterable[str]) -> None:
    """Draw each sentence above the numbers of one training, model or test."""
    for note in notes:
        st.warning(plain(note), icon=":material/gpp_maybe:")


def overruled_captions(notes: Mapping[str, Sequence[str]]) -> None:
    """Draw what the mark means, one line per marked name.

    notes : sentences by name
    """
    for name, sentences in notes.items():
        for sentence in sentences:
            st.caption(f"{MARK} {plain(name)}: {plain(sentence)}")
