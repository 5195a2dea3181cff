"""Estimates of the time that training takes: seconds per row and step on one core.

The constants were fitted to trainings of 4,000 rows, one thread, at a dozen widths, depths, windows
and batch sizes (2-core x86 machine, float32, torch 2.13). The same trainings, repeated on a busy
machine, took 0.6 to 1.6 times the estimate.
"""

from typing import Any, NamedTuple

# Seconds per row: of a unit for its tanh, dropout and slopes; of a multiply-add in the products of
# the forward pass and of the gradients of weights and inputs.
SECONDS_PER_UNIT = 3.1e-9
SECONDS_PER_MULTIPLY_ADD = 1.0e-11
SECONDS_PER_LSTM_UNIT = 7.8e-8
MLP_SECONDS_PER_STEP = 0.7e-3
PHYSICS_SECONDS_PER_STEP = 2.0e-3
LSTM_SECONDS_PER_STEP = 1.9e-3
# Outputs: both targets. Inputs: eight features and what is derived from them.
TREE_SECONDS_PER_ROW = 8.0e-7
CLOSED_FORM_SECONDS_PER_ROW = 1.0e-5
TYPICAL_INPUTS = 10
PARALLEL_EFFICIENCY = 0.7
VALIDATION_SHARE = 0.3


class Cost(NamedTuple):
    """Seconds of one core for each row and epoch, and for each step whatever its size."""

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
    """Return the cost of a model that is solved in one pass."""
    return Cost(CLOSED_FORM_SECONDS_PER_ROW)


def seconds_of_training(cost: Cost, rounds: int, hp: Any, n_rows: int, threads: int) -> float:
    """Return the seconds for all rounds; two threads are less than twice as fast as one."""
    speed_up = 1 + PARALLEL_EFFICIENCY * (max(threads, 1) - 1)
    rows = n_rows * cost.seconds_per_row * (1 + VALIDATION_SHARE) / speed_up
    # Algorithms that are not trained in steps have no batch size.
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
