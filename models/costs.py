"""How long training takes: seconds per row, measured by `benchmarks/train_loops.py`."""

from typing import Any

# One core of a 2-core x86 machine, float32, torch 2.13: multiply-adds a second in the forward
# and backward passes of a step, and what a step costs whatever its size.
MLP_MULTIPLY_ADDS_PER_SECOND = 2.8e10
LSTM_MULTIPLY_ADDS_PER_SECOND = 2.3e10
SECONDS_PER_STEP = 0.7e-3
SECONDS_PER_ROW = 1.0e-7
TREE_SECONDS_PER_ROW = 6.0e-7
CLOSED_FORM_SECONDS_PER_ROW = 5.0e-5
TYPICAL_INPUTS = 10
PARALLEL_EFFICIENCY = 0.7
VALIDATION_SHARE = 0.3


def mlp_seconds(hp: Any) -> float:
    """Return training seconds per row of a perceptron."""
    return SECONDS_PER_ROW + 3 * _mlp_multiply_adds(hp) / MLP_MULTIPLY_ADDS_PER_SECOND


def lstm_seconds(hp: Any) -> float:
    """Return training seconds per row of a bidirectional LSTM over a window."""
    width, inputs, per_step = hp.hidden_size, TYPICAL_INPUTS, 0
    for _ in range(hp.num_layers):
        per_step += 2 * 4 * width * (inputs + width)
        inputs = 2 * width
    return SECONDS_PER_ROW + 3 * per_step * hp.window_length / LSTM_MULTIPLY_ADDS_PER_SECOND


def physics_seconds(hp: Any) -> float:
    """Return training seconds per row of a surrogate and a hidden-physics perceptron."""
    if hp.physics_weight == 0:
        return mlp_seconds(hp)
    # Value, first and second derivative of the surrogate; value and derivative of the physics.
    passes = 4 + (4 if "u_s" in hp.physics_inputs else 0)
    return SECONDS_PER_ROW + passes * 3 * _mlp_multiply_adds(hp) / MLP_MULTIPLY_ADDS_PER_SECOND


def tree_seconds(hp: Any) -> float:
    """Return training seconds per row and boosting round, both targets."""
    return TREE_SECONDS_PER_ROW


def closed_form_seconds(hp: Any) -> float:
    """Return training seconds per row of what needs one pass."""
    return CLOSED_FORM_SECONDS_PER_ROW


def estimate_seconds(
    seconds_per_row: float, rounds: int, hp: Any, n_rows: int, threads: int
) -> float:
    """Return seconds for all rounds; `threads` help less than their number says."""
    speed_up = 1 + PARALLEL_EFFICIENCY * (max(threads, 1) - 1)
    steps = -(-n_rows // hp.batch_size)
    rows = n_rows * seconds_per_row * (1 + VALIDATION_SHARE)
    return float(rounds * (rows / speed_up + steps * SECONDS_PER_STEP))


def _mlp_multiply_adds(hp: Any) -> int:
    return int(hp.hidden_size * (TYPICAL_INPUTS + hp.hidden_size * (hp.num_layers - 1) + 2))
