"""The hyperparameters on offer: kinds, bounds, defaults, units and one line of help each."""

from dataclasses import dataclass
from typing import Literal

from models.registry import ALGORITHMS

Kind = Literal["int", "float", "choice", "multichoice", "bool"]
Value = int | float | str | bool | tuple[str, ...]


@dataclass(frozen=True)
class HyperparameterSpec:
    """One setting; `minimum` and `maximum` are inclusive and only set for numbers."""

    name: str
    label: str
    kind: Kind
    default: Value
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Keys of the algorithms that use this setting."""
        return tuple(a.key for a in ALGORITHMS.values() if self.name in a.hyperparameters)

    def default_for(self, algorithm: str) -> Value:
        """Return the default value of this setting for one algorithm."""
        value: Value = ALGORITHMS[algorithm].defaults.get(self.name, self.default)
        return value


HYPERPARAMETERS: tuple[HyperparameterSpec, ...] = (
    HyperparameterSpec(
        "epochs", "Epochs", "int", 40, "Passes over the training rows at most.", 1, 10_000
    ),
    HyperparameterSpec(
        "learning_rate",
        "Learning rate",
        "float",
        5e-3,
        "First step size of the optimiser. Lower it if the loss explodes.",
        1e-6,
        1.0,
    ),
    HyperparameterSpec(
        "schedule",
        "Learning rate schedule",
        "choice",
        "COSINE",
        "COSINE falls smoothly to a hundredth; STEP halves it five times; CONSTANT keeps it.",
        choices=("COSINE", "STEP", "CONSTANT"),
    ),
    HyperparameterSpec(
        "batch_size", "Batch size", "int", 512, "Rows per optimiser step.", 1, 65_536, unit="rows"
    ),
    HyperparameterSpec(
        "window_length",
        "Window length",
        "int",
        20,
        "How many of the last recorded cycles the network sees.",
        2,
        500,
        unit="cycles",
    ),
    HyperparameterSpec(
        "hidden_size", "Hidden size", "int", 64, "Units in each hidden layer.", 2, 2_048
    ),
    HyperparameterSpec("num_layers", "Layers", "int", 2, "Hidden layers.", 1, 8),
    HyperparameterSpec(
        "dropout",
        "Dropout",
        "float",
        0.0,
        "Share of hidden units switched off at random while training.",
        0.0,
        0.9,
    ),
    HyperparameterSpec(
        "weight_decay",
        "Weight decay",
        "float",
        1e-4,
        "Pulls weights towards zero; raise it if validation loss rises early.",
        0.0,
        1.0,
    ),
    HyperparameterSpec(
        "gradient_clip",
        "Gradient clip",
        "float",
        1.0,
        "Largest gradient norm of a step; 0 switches clipping off.",
        0.0,
        1_000.0,
    ),
    HyperparameterSpec(
        "patience",
        "Early stopping",
        "int",
        15,
        "Stop after this many epochs without a better validation loss; 0 never stops early.",
        0,
        10_000,
        unit="epochs",
    ),
    HyperparameterSpec(
        "loss_mode",
        "Loss balance",
        "choice",
        "SUM",
        "SUM adds data and physics losses; ADPBAL learns how to weigh them.",
        choices=("SUM", "ADPBAL"),
    ),
    HyperparameterSpec(
        "physics_inputs",
        "Inputs of the hidden physics",
        "multichoice",
        ("s", "t", "u"),
        "What the rate of change may depend on: state s, time t, value u, slope u_s.",
        choices=("s", "t", "u", "u_s"),
    ),
    HyperparameterSpec(
        "physics_weight",
        "Physics weight",
        "float",
        1.0,
        "Weight of the physics losses beside the data loss; 0 trains on data alone.",
        0.0,
        1_000.0,
    ),
    HyperparameterSpec(
        "boosting_rounds", "Boosting rounds", "int", 400, "Trees per target at most.", 1, 10_000
    ),
    HyperparameterSpec(
        "tree_learning_rate",
        "Learning rate of the trees",
        "float",
        0.08,
        "How much each tree corrects the ones before; smaller needs more rounds.",
        1e-4,
        1.0,
    ),
    HyperparameterSpec(
        "max_leaf_nodes", "Leaves of a tree", "int", 16, "Largest number of leaves.", 2, 1_024
    ),
    HyperparameterSpec(
        "min_samples_leaf",
        "Rows of a leaf",
        "int",
        50,
        "A leaf with fewer training rows is not made.",
        1,
        100_000,
        unit="rows",
    ),
    HyperparameterSpec(
        "tree_l2", "Shrinkage of leaves", "float", 1.0, "Pulls leaves towards 0.", 0.0, 1e6
    ),
    HyperparameterSpec(
        "tree_patience",
        "Early stopping of the trees",
        "int",
        40,
        "Stop after this many rounds without a better validation loss; 0 never stops early.",
        0,
        10_000,
        unit="rounds",
    ),
    HyperparameterSpec(
        "ridge_alpha",
        "Ridge penalty",
        "float",
        0.02,
        "Pulls the weights of the linear model towards 0; raise it for few batteries.",
        0.0,
        1e9,
    ),
    HyperparameterSpec(
        "seed",
        "Seed",
        "int",
        0,
        "The same seed, data and settings give the same model.",
        0,
        2**31 - 1,
    ),
    HyperparameterSpec(
        "device",
        "Device",
        "choice",
        "auto",
        "auto uses a GPU where there is one.",
        choices=("auto", "cpu", "cuda"),
    ),
    HyperparameterSpec(
        "max_horizon",
        "Largest horizon",
        "int",
        0,
        "0 estimates the measured cycle; above 0 forecasts up to this many cycles ahead.",
        0,
        1_000,
        unit="cycles",
    ),
    HyperparameterSpec(
        "use_capacity_history",
        "Use measured capacity",
        "bool",
        False,
        "Forecasts only: the capacity measured so far is an input too.",
    ),
)
SPECS_BY_NAME: dict[str, HyperparameterSpec] = {spec.name: spec for spec in HYPERPARAMETERS}
