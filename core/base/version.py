"""Which release and which version of an algorithm made a model."""

from collections.abc import Mapping
from typing import Any

from models.settings.catalogue import ALGORITHMS
from models.settings.version import VERSION


def version_facts(algorithm: str) -> dict[str, Any]:
    """What a new model of an algorithm remembers."""
    return {"fadebench_version": VERSION, "algorithm_version": ALGORITHMS[algorithm].version}


def algorithm_version(config: Mapping[str, Any]) -> int:
    """Version of the algorithm that made a model; what did not say is of the first."""
    return int(config.get("algorithm_version", 1))


def made_by(config: Mapping[str, Any]) -> str:
    """Release of FadeBench that made a model; the first ones added a hash of their code."""
    return str(config.get("fadebench_version") or config.get("code_version") or "0.1.0")
