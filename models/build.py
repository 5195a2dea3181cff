"""How a network comes to be: the function `build` that every network's module has."""

from typing import Protocol

from models.config import Hyperparameters
from models.network import Network
from models.registry import load_module
from models.scaling import Scaler
from models.series import Task


class Build(Protocol):
    """Builds the network of an algorithm."""

    def __call__(self, hp: Hyperparameters, task: Task, scaler: Scaler) -> Network: ...


def load_build(algorithm: str) -> Build:
    """Return the function that builds the algorithm's network (imports its module)."""
    build: Build = load_module(algorithm).build
    return build
