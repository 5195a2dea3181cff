"""The one place that chooses between the fast perceptron and its plain twin."""

from models.fast.perceptron import FastPerceptron
from models.fast.plain_perceptron import PlainPerceptron

# PlainPerceptron gives the same numbers but for rounding, other draws of dropout, and its speed.
KIND: type[PlainPerceptron] = FastPerceptron


def make_perceptron(
    inputs: int, outputs: int, hidden_size: int, num_layers: int, dropout: float
) -> PlainPerceptron:
    """Return a new perceptron, for every algorithm that has one; both kinds load each other's."""
    return KIND(inputs, outputs, hidden_size, num_layers, dropout)
