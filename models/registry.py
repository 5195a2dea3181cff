"""The algorithms on offer. Free of torch: an algorithm's module is imported when it is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.costs import lstm_seconds, mlp_seconds, physics_seconds

if TYPE_CHECKING:
    from models.network import Build


@dataclass(frozen=True)
class AlgorithmInfo:
    """What the screens and the training loop need to know about one algorithm.

    `own_hyperparameters` are the ones that only some algorithms use; `defaults` replace the
    general default values; `seconds` gives one core's training seconds per row and epoch.
    """

    key: str
    label: str
    description: str
    module: str
    own_hyperparameters: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    seconds: Callable[[Any], float] = mlp_seconds


_PHYSICS = ("loss_mode", "physics_inputs", "physics_weight")

ALGORITHMS: dict[str, AlgorithmInfo] = {
    info.key: info
    for info in (
        AlgorithmInfo(
            "BASELINE",
            "Baseline",
            "A small neural network on the current cycle's features and the cycle number.",
            "models.baseline",
        ),
        AlgorithmInfo(
            "BILSTM",
            "BiLSTM",
            "A bidirectional recurrent network on a window of the last cycles.",
            "models.bilstm",
            ("window_length",),
            {
                "epochs": 15,
                "learning_rate": 1e-2,
                "hidden_size": 32,
                "num_layers": 1,
                "patience": 6,
            },
            lstm_seconds,
        ),
        AlgorithmInfo(
            "DEEPHPM",
            "DeepHPM",
            "A network that also learns the law of fade and must obey it (hidden physics).",
            "models.deephpm",
            _PHYSICS,
            {},
            physics_seconds,
        ),
    )
}


def load_build(algorithm: str) -> "Build":
    """Return the function that builds the algorithm's network (imports torch)."""
    build: Build = import_module(ALGORITHMS[algorithm].module).build
    return build
