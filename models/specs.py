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
        owners = tuple(a.key for a in ALGORITHMS.values() if self.name in a.own_hyperparameters)
        return owners or tuple(ALGORITHMS)

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
        "First step size of the optimiser; it falls along a cosine. Lower it if the loss explodes.",
        1e-6,
        1.0,
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
