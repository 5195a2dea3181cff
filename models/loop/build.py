"""The function `build`, which the module of every network has."""

from typing import Any, Protocol

from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Network
from models.settings.catalogue import load_module


class Build(Protocol):
    """Builds the network of an algorithm; `hp` belongs to the algorithm's own class of settings."""

    def __call__(self, hp: Any, task: Task, scaler: Scaler) -> Network: ...


def load_build(algorithm: str) -> Build:
    """Return the function that builds the algorithm's network (imports its module)."""
    build: Build = load_module(algorithm).build
    return build
