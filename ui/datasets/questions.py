"""Questions that a file leaves open: each with a box that is empty until it is answered."""

from collections.abc import Sequence

import streamlit as st

from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.questions import OPTION_WORDS, Question, answered
from ui.shared.words import counted, plain

WIDTH_PX = 420


def ask_questions(
    questions: Sequence[Question], start: ColumnMapping, key: str
) -> tuple[ColumnMapping, dict[str, str]]:
    """Draw the questions; returns the mapping with the answers, and the answers by key."""
    if not questions:
        return start, {}
    mapping, answers = start, {}
    with st.container(border=True):
        st.markdown(f"**{counted(len(questions), 'question')} before the file is read**")
        for place, question in enumerate(questions):
            st.markdown(plain(question.sentence))
            choice = st.selectbox(
                "Answer",
                question.options,
                index=None,
                format_func=lambda option: OPTION_WORDS.get(option, option),
                placeholder="Choose",
                key=f"{key}_question_{place}_{question.key}",
                width=WIDTH_PX,
            )
            if choice is not None:
                answers[question.key] = choice
                mapping = answered(mapping, question.key, choice)
    return mapping, answers


def unanswered(questions: Sequence[Question], answers: dict[str, str]) -> tuple[Question, ...]:
    """Questions without an answer."""
    return tuple(question for question in questions if question.key not in answers)
