"""Which release and which version of an algorithm made a model."""

from typing import Any

from models.settings.catalogue import ALGORITHMS
from models.settings.version import VERSION


def version_facts(algorithm: str) -> dict[str, Any]:
    """What a new model of an algorithm remembers."""
    return {"fadebench_version": VERSION, "algorithm_version": ALGORITHMS[algorithm].version}
