"""Parses hyperparameters typed on the command line."""

from collections.abc import Sequence
from typing import Any

from core.base.errors import InvalidInput
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import parse_value


def parse_settings(
    texts: Sequence[str], epochs: int | None = None, seed: int | None = None
) -> dict[str, Any]:
    """Return settings as `models.settings.resolving.resolve` takes them.

    Parameters
    ----------
    texts : `key=value` for all algorithms, or `ALGORITHM.key=value` for one

    Raises
    ------
    InvalidInput, HyperparameterError
        A text has no "=", or names a setting or value that is not possible.
    """
    settings: dict[str, Any] = {}
    overrides: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"Write --set key=value, such as --set dropout=0.1, not {text!r}.")
        algorithm, dot, name = key.strip().rpartition(".")
        if dot and algorithm.upper() not in ALGORITHMS:
            raise InvalidInput(
                f"There is no algorithm {algorithm!r}. Choose from {', '.join(ALGORITHMS)}."
            )
        chosen = overrides.setdefault(algorithm.upper(), {}) if dot else settings
        chosen[name] = parse_value(name, value)
    settings |= {k: v for k, v in (("epochs", epochs), ("seed", seed)) if v is not None}
    return settings | ({"overrides": overrides} if overrides else {})
