"""Every choice of every setting has words for readers; anything else stays as it is."""

from models.choice_labels import CHOICE_LABELS, choice_label
from models.config import HYPERPARAMETERS


def test_every_choice_has_words_and_no_words_are_idle() -> None:
    choices = {choice for spec in HYPERPARAMETERS for choice in spec.choices}
    assert choices == set(CHOICE_LABELS)
    assert len(set(CHOICE_LABELS.values())) == len(CHOICE_LABELS)


def test_other_texts_stay() -> None:
    assert choice_label("BILSTM") == "BILSTM"
