"""How long training takes: seconds per row and step, measured on one core.

Fitted to trainings of 4,000 rows, one thread, at a dozen widths, depths, windows and batch sizes
(2-core x86 machine, float32, torch 2.13). Trained again on a busy machine, they took 0.6 to
1.6 times as long as promised.
"""

from typing import Any, NamedTuple

# What a unit costs per row for its tanh, dropout and slopes, and a multiply-add of forward,
# weights' and inputs' products.
SECONDS_PER_UNIT = 3.1e-9
SECONDS_PER_MULTIPLY_ADD = 1.0e-11
SECONDS_PER_LSTM_UNIT = 7.8e-8
MLP_SECONDS_PER_STEP = 0.7e-3
PHYSICS_SECONDS_PER_STEP = 2.0e-3
LSTM_SECONDS_PER_STEP = 1.9e-3
# Both targets, eight features and what is derived of them.
TREE_SECONDS_PER_ROW = 8.0e-7
CLOSED_FORM_SECONDS_PER_ROW = 1.0e-5
TYPICAL_INPUTS = 10
PARALLEL_EFFICIENCY = 0.7
VALIDATION_SHARE = 0.3


class Cost(NamedTuple):
    """One core's training seconds per row and epoch, and per step whatever its size."""

    seconds_per_row: float
    seconds_per_step: float = 0.0


def mlp_cost(hp: Any) -> Cost:
    """Return the cost of a perceptron."""
    return Cost(_mlp_seconds_per_row(hp), MLP_SECONDS_PER_STEP)


def lstm_cost(hp: Any) -> Cost:
    """Return the cost of a bidirectional LSTM over a window."""
    width, inputs, multiply_adds = hp.hidden_size, TYPICAL_INPUTS, 0
    for _ in range(hp.num_layers):
        multiply_adds += 2 * 4 * width * (inputs + width)
        inputs = 2 * width
    units = SECONDS_PER_LSTM_UNIT * width * hp.num_layers
    products = 3 * SECONDS_PER_MULTIPLY_ADD * multiply_adds
    return Cost(hp.window_length * (units + products), LSTM_SECONDS_PER_STEP)


def verhulst_cost(hp: Any) -> Cost:
    """Return the cost of a surrogate's value, first and second derivative."""
    return _physics_cost(hp, passes=3)


def deephpm_cost(hp: Any) -> Cost:
    """Return the cost of a surrogate and of the hidden physics' value and derivative.

    With u_s among its inputs the surrogate is differentiated twice, step by step.
    """
    return _physics_cost(hp, passes=5 + (4 if "u_s" in hp.physics_inputs else 0))


def tree_cost(hp: Any) -> Cost:
    """Return the cost of a boosting round."""
    return Cost(TREE_SECONDS_PER_ROW)


def closed_form_cost(hp: Any) -> Cost:
    """Return the cost of what needs one pass."""
    return Cost(CLOSED_FORM_SECONDS_PER_ROW)


def seconds_of_training(cost: Cost, rounds: int, hp: Any, n_rows: int, threads: int) -> float:
    """Return seconds for all rounds; `threads` help less than their number says."""
    speed_up = 1 + PARALLEL_EFFICIENCY * (max(threads, 1) - 1)
    rows = n_rows * cost.seconds_per_row * (1 + VALIDATION_SHARE) / speed_up
    # What is not learned in steps has no batch size.
    steps = -(-n_rows // hp.batch_size) if cost.seconds_per_step else 0
    return float(rounds * (rows + steps * cost.seconds_per_step))


def _physics_cost(hp: Any, passes: int) -> Cost:
    if hp.physics_weight == 0:
        return mlp_cost(hp)
    return Cost(passes * _mlp_seconds_per_row(hp), PHYSICS_SECONDS_PER_STEP)


def _mlp_seconds_per_row(hp: Any) -> float:
    width, layers = hp.hidden_size, hp.num_layers
    multiply_adds = width * (TYPICAL_INPUTS + width * (layers - 1) + 2)
    products = 3 * SECONDS_PER_MULTIPLY_ADD * multiply_adds
    return float(SECONDS_PER_UNIT * width * layers + products)
