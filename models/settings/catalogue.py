"""The list of algorithms. It does not import torch: `load_module` imports an algorithm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from models.settings.costs import (
    Cost,
    closed_form_cost,
    deephpm_cost,
    lstm_cost,
    mlp_cost,
    tree_cost,
    verhulst_cost,
)
from models.settings.hyperparameters import (
    BilstmSettings,
    DeepHpmSettings,
    Hyperparameters,
    LinearSettings,
    NetworkSettings,
    PhysicsSettings,
    TreesSettings,
)
from models.settings.specs import HyperparameterSpec, specs_of

Family = Literal["network", "estimator", "floor", "ensemble"]
Symbol = Literal[
    "circle",
    "square",
    "diamond",
    "star",
    "triangle-up",
    "pentagon",
    "hexagram",
    "cross-thin-open",
    "line-ew-open",
    "x-thin-open",
    # Not taken yet.
    "asterisk-open",
    "hash-open",
    "hourglass",
    "bowtie",
]
Dash = Literal["solid", "dash", "dot", "dashdot"]

# All floors have the same grey: other models are compared with them.
FLOOR_COLOUR = "#858C91"


@dataclass(frozen=True)
class AlgorithmInfo:
    """All facts about one algorithm.

    module : the module with its code; a "network" module has `build`, the others have `fit` and
        `restore` (models.inputs.predictor)
    colour, symbol, dash : how figures draw it; the colours differ for colour-blind readers, too,
        and symbols and dashes tell crossing lines apart
    version : raised by hand when its models predict other numbers than before
        (tests/models/model/test_versions.py)
    family : "floor" marks a simple rule that a useful model must beat
    usual : whether it is preselected for a training; floors always are, where they apply
    physics : whether it has physics losses, which `physics_weight` can switch off
    settings : the class of its settings; `defaults` replace some defaults of that class
    cost : gives the time that training takes (models.settings.costs)
    rounds : name of the setting with the largest number of epochs or rounds; None without any
    targets : the targets that it can predict
    forecasts_only : whether it cannot estimate the measured cycle itself
    log_rul : whether its network learns log(1 + RUL) instead of RUL
    """

    key: str
    label: str
    description: str
    module: str
    colour: str = FLOOR_COLOUR
    symbol: Symbol = "circle"
    dash: Dash = "solid"
    version: int = 1
    family: Family = "network"
    usual: bool = False
    physics: bool = False
    settings: type[Hyperparameters] = NetworkSettings
    defaults: Mapping[str, Any] = field(default_factory=dict)
    cost: Callable[[Any], Cost] = mlp_cost
    rounds: str | None = "epochs"
    targets: tuple[str, ...] = ("PCL", "RUL")
    forecasts_only: bool = False
    log_rul: bool = False

    @property
    def is_floor(self) -> bool:
        """Whether it is a floor; floors are drawn in grey."""
        return self.family == "floor"

    @property
    def specs(self) -> tuple[HyperparameterSpec, ...]:
        """Its settings, with its own defaults."""
        return tuple(
            replace(spec, default=self.defaults.get(spec.name, spec.default))
            for spec in specs_of(self.settings)
        )


ALGORITHMS: dict[str, AlgorithmInfo] = {
    info.key: info
    for info in (
        AlgorithmInfo(
            "BASELINE",
            "Baseline",
            "A small neural network on the current cycle's features and the cycle number.",
            "models.algorithms.baseline",
            colour="#2A78C8",
            symbol="circle",
            usual=True,
            log_rul=True,
        ),
        AlgorithmInfo(
            "BILSTM",
            "BiLSTM",
            "A bidirectional recurrent network on a window of the last cycles.",
            "models.algorithms.bilstm",
            colour="#D9601F",
            symbol="square",
            usual=True,
            settings=BilstmSettings,
            defaults={
                "epochs": 12,
                "learning_rate": 3e-3,
                "batch_size": 256,
                "window_length": 5,
                "hidden_size": 16,
                "num_layers": 1,
                "weight_decay": 0.5,
                "gradient_clip": 0.2,
                "patience": 6,
            },
            cost=lstm_cost,
            log_rul=True,
        ),
        AlgorithmInfo(
            "DEEPHPM",
            "DeepHPM",
            "A network that also learns a law of fade and is punished for breaking it (hidden "
            "physics).",
            "models.algorithms.deephpm",
            colour="#0F9D78",
            symbol="diamond",
            usual=True,
            physics=True,
            settings=DeepHpmSettings,
            defaults={"physics_weight": 0.1},
            cost=deephpm_cost,
            log_rul=True,
        ),
        AlgorithmInfo(
            "VERHULST",
            "Verhulst",
            "A network held to a logistic law of fade; it learns the rate and the limits of that "
            "law.",
            "models.algorithms.verhulst",
            colour="#D93FCF",
            symbol="star",
            physics=True,
            settings=PhysicsSettings,
            cost=verhulst_cost,
        ),
        AlgorithmInfo(
            "TREES",
            "Trees",
            "Gradient-boosted trees that correct the linear model, on the cycle and its past.",
            "models.algorithms.trees",
            colour="#8F559B",
            symbol="triangle-up",
            family="estimator",
            usual=True,
            settings=TreesSettings,
            cost=tree_cost,
            rounds="boosting_rounds",
        ),
        AlgorithmInfo(
            "LINEAR",
            "Linear",
            "Ridge regression on the current cycle and how it differs from the past.",
            "models.algorithms.linear",
            colour="#99545C",
            symbol="pentagon",
            family="estimator",
            settings=LinearSettings,
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "ENSEMBLE",
            "Ensemble",
            "A weighted mean of the training's other models; the weights are fitted on batteries "
            "new to them.",
            "models.model.ensemble",
            colour="#CC1800",
            symbol="hexagram",
            family="ensemble",
            settings=Hyperparameters,
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "MEAN",
            "Mean curve",
            "Floor: the mean of the training batteries at the same cycle.",
            "models.algorithms.mean",
            symbol="cross-thin-open",
            dash="dashdot",
            family="floor",
            settings=Hyperparameters,
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "LAST_VALUE",
            "Last value",
            "Floor of forecasts: the capacity stays at its last measured value.",
            "models.algorithms.last_value",
            symbol="line-ew-open",
            dash="dash",
            family="floor",
            settings=Hyperparameters,
            cost=closed_form_cost,
            rounds=None,
            targets=("PCL",),
            forecasts_only=True,
        ),
        AlgorithmInfo(
            "LAST_SLOPE",
            "Last slope",
            "Floor of forecasts: the straight line through the last 50 measured cycles, prolonged.",
            "models.algorithms.last_slope",
            symbol="x-thin-open",
            dash="dot",
            family="floor",
            settings=Hyperparameters,
            cost=closed_form_cost,
            rounds=None,
            targets=("PCL",),
            forecasts_only=True,
        ),
    )
}


def load_module(algorithm: str) -> ModuleType:
    """Return the algorithm's module (imports torch or scikit-learn)."""
    return import_module(ALGORITHMS[algorithm].module)
