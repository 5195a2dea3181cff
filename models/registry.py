"""The algorithms on offer. Free of torch: an algorithm's module is imported when it is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from models.costs import (
    Cost,
    closed_form_cost,
    deephpm_cost,
    lstm_cost,
    mlp_cost,
    tree_cost,
    verhulst_cost,
)

Family = Literal["network", "estimator", "floor", "ensemble"]


@dataclass(frozen=True)
class AlgorithmInfo:
    """What the screens and the training need to know about one algorithm.

    family : a "network" module has `build`; the others have `fit` and `restore`
        (models.predictor). A "floor" is what any model must beat.
    hyperparameters : names of the settings that it uses
    defaults : replace the general default values
    cost : what training takes (models.costs)
    rounds : the setting that says how many epochs there are; None where there is one
    targets : what it can predict
    forecasts_only : it says nothing about the measured cycle itself
    log_rul : its network learns log(1 + RUL); a law with constants of its own needs RUL itself
    """

    key: str
    label: str
    description: str
    module: str
    family: Family = "network"
    hyperparameters: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    cost: Callable[[Any], Cost] = mlp_cost
    rounds: str | None = "epochs"
    targets: tuple[str, ...] = ("PCL", "RUL")
    forecasts_only: bool = False
    log_rul: bool = False

    @property
    def is_floor(self) -> bool:
        """Whether it is only there to be beaten; drawn in grey."""
        return self.family == "floor"


_HORIZON = ("max_horizon", "use_capacity_history")
_NETWORK = (
    "epochs",
    "learning_rate",
    "schedule",
    "batch_size",
    "hidden_size",
    "num_layers",
    "dropout",
    "weight_decay",
    "gradient_clip",
    "patience",
    "seed",
    "device",
    *_HORIZON,
)

ALGORITHMS: dict[str, AlgorithmInfo] = {
    info.key: info
    for info in (
        AlgorithmInfo(
            "BASELINE",
            "Baseline",
            "A small neural network on the current cycle's features and the cycle number.",
            "models.baseline",
            hyperparameters=_NETWORK,
            log_rul=True,
        ),
        AlgorithmInfo(
            "BILSTM",
            "BiLSTM",
            "A bidirectional recurrent network on a window of the last cycles.",
            "models.bilstm",
            hyperparameters=("window_length", *_NETWORK),
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
            "A network that also learns the law of fade and must obey it (hidden physics).",
            "models.deephpm",
            hyperparameters=("loss_mode", "physics_inputs", "physics_weight", *_NETWORK),
            defaults={"physics_weight": 0.1},
            cost=deephpm_cost,
            log_rul=True,
        ),
        AlgorithmInfo(
            "VERHULST",
            "Verhulst",
            "A network that must obey a logistic law of fade whose rate and limits it learns.",
            "models.verhulst",
            hyperparameters=("loss_mode", "physics_weight", *_NETWORK),
            cost=verhulst_cost,
        ),
        AlgorithmInfo(
            "TREES",
            "Trees",
            "Gradient-boosted trees that correct the linear model, on the cycle and its past.",
            "models.trees",
            family="estimator",
            hyperparameters=(
                "boosting_rounds",
                "tree_learning_rate",
                "max_leaf_nodes",
                "min_samples_leaf",
                "tree_l2",
                "tree_patience",
                "ridge_alpha",
                "seed",
                *_HORIZON,
            ),
            cost=tree_cost,
            rounds="boosting_rounds",
        ),
        AlgorithmInfo(
            "LINEAR",
            "Linear",
            "Ridge regression on the current cycle and how it differs from the past.",
            "models.linear",
            family="estimator",
            hyperparameters=("ridge_alpha", *_HORIZON),
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "ENSEMBLE",
            "Ensemble",
            "A weighted mean of the job's other models, weighed on batteries new to them.",
            "models.ensemble",
            family="ensemble",
            hyperparameters=_HORIZON,
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "MEAN",
            "Mean curve",
            "Floor: what the training batteries showed on average at the same cycle.",
            "models.mean",
            family="floor",
            hyperparameters=("max_horizon",),
            cost=closed_form_cost,
            rounds=None,
        ),
        AlgorithmInfo(
            "LAST_VALUE",
            "Last value",
            "Floor of forecasts: the capacity stays as it was last measured.",
            "models.last_value",
            family="floor",
            hyperparameters=("max_horizon",),
            cost=closed_form_cost,
            rounds=None,
            targets=("PCL",),
            forecasts_only=True,
        ),
        AlgorithmInfo(
            "LAST_SLOPE",
            "Last slope",
            "Floor of forecasts: the straight line through the last 50 measured cycles goes on.",
            "models.last_slope",
            family="floor",
            hyperparameters=("max_horizon",),
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
