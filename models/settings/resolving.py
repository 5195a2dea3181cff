"""Checks and completes the settings of a training run, without importing torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.settings.catalogue import ALGORITHMS
from models.settings.costs import seconds_of_training
from models.settings.errors import HyperparameterError
from models.settings.hyperparameters import Hyperparameters
from models.settings.specs import HyperparameterSpec, Value, specs_of

# Model files of this format and older ones hold the settings of every algorithm.
LAST_FORMAT_WITH_ALL_SETTINGS = 3


def _all_specs() -> tuple[HyperparameterSpec, ...]:
    """Return every setting once, with its general default; those of all algorithms come last."""
    common = {spec.name: spec for spec in specs_of(Hyperparameters)}
    found = {
        spec.name: spec
        for info in ALGORITHMS.values()
        for spec in specs_of(info.settings)
        if spec.name not in common
    }
    return (*found.values(), *common.values())


HYPERPARAMETERS = _all_specs()
SPECS_BY_NAME: dict[str, HyperparameterSpec] = {spec.name: spec for spec in HYPERPARAMETERS}


def algorithms_with(name: str) -> tuple[str, ...]:
    """Return the keys of the algorithms that have a setting."""
    return tuple(
        key
        for key, info in ALGORITHMS.items()
        if any(spec.name == name for spec in specs_of(info.settings))
    )


def specs_by_name(algorithm: str) -> dict[str, HyperparameterSpec]:
    """Return the settings of one algorithm, with its own defaults."""
    return {spec.name: spec for spec in ALGORITHMS[algorithm].specs}


def own_settings(algorithm: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the stored settings that belong to an algorithm.

    Models of older formats hold the settings of every algorithm. A setting that this version does
    not know is kept, so that readers see it.
    """
    own = specs_by_name(algorithm) if algorithm in ALGORITHMS else SPECS_BY_NAME
    return {
        name: value for name, value in stored.items() if name in own or name not in SPECS_BY_NAME
    }


def resolve(algorithm: str, values: Mapping[str, Any]) -> Hyperparameters:
    """Complete and check the settings of one algorithm.

    Parameters
    ----------
    algorithm: a key of `ALGORITHMS`.
    values: shared settings by name, and optionally `"overrides": {algorithm: {name: value}}`,
        which replace the shared ones for that algorithm. A missing setting takes its default; a
        shared setting that this algorithm does not have is left out.

    Raises
    ------
    HyperparameterError: a setting is not possible; the message names it and its bounds.
    """
    _require_algorithm(algorithm)
    shared = {name: value for name, value in values.items() if name != "overrides"}
    overrides = _checked_overrides(values.get("overrides") or {})
    _require_known(shared)
    for name, value in shared.items():
        _coerce(SPECS_BY_NAME[name], value)
    own = specs_by_name(algorithm)
    merged = {name: spec.default for name, spec in own.items()} | shared
    chosen = {name: value for name, value in merged.items() if name in own}
    return _checked(algorithm, chosen | overrides.get(algorithm, {}))


def restore_settings(
    algorithm: str, stored: Mapping[str, Any], *, format_version: int, made_by: str
) -> Hyperparameters:
    """Rebuild settings from the output of `Hyperparameters.to_json`.

    A setting added in a later format takes the value that models of this format were made with.

    Raises
    ------
    HyperparameterError: a setting is missing, has an impossible value, or is not known to this
        version of FadeBench.
    """
    own = specs_by_name(algorithm)
    values = dict(stored)
    if format_version <= LAST_FORMAT_WITH_ALL_SETTINGS:
        foreign = set(SPECS_BY_NAME) - set(own)
        values = {name: value for name, value in values.items() if name not in foreign}
    if unknown := sorted(set(values) - set(own)):
        raise HyperparameterError(
            f"The model was made by FadeBench {made_by} with the setting {unknown[0]!r}, which "
            "this version does not know. Update FadeBench, or train the model again."
        )
    for name, spec in own.items():
        if name not in values and spec.added_in > format_version:
            values[name] = spec.value_before
    if missing := sorted(set(own) - set(values)):
        raise HyperparameterError(f"The settings lack {', '.join(missing)}.")
    return _checked(algorithm, values)


def parse_value(name: str, text: str) -> Value:
    """Turn text such as `0.001`, `true` or `s,t` into the setting's own type, checked."""
    _require_known({name: text})
    spec, text = SPECS_BY_NAME[name], text.strip()
    converted: Any = text
    try:
        if spec.kind in ("int", "float"):
            converted = float(text)
        elif spec.kind == "bool":
            converted = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        elif spec.kind == "multichoice":
            converted = tuple(part.strip() for part in text.split(",") if part.strip())
    except (ValueError, KeyError):
        raise HyperparameterError(f"{name} must be {_expected(spec)}, not {text!r}.") from None
    return _coerce(spec, converted)


def estimate_seconds(algorithm: str, hp: Hyperparameters, n_rows: int, threads: int) -> float:
    """Return the rough duration of training on `n_rows` rows if every epoch is run."""
    cost = ALGORITHMS[algorithm].cost(hp)
    return seconds_of_training(cost, total_rounds(algorithm, hp), hp, n_rows, threads)


def total_rounds(algorithm: str, hp: Hyperparameters) -> int:
    """Return the largest number of epochs or boosting rounds; 1 for algorithms without rounds."""
    _require_algorithm(algorithm)
    setting = ALGORITHMS[algorithm].rounds
    return int(getattr(hp, setting)) if setting else 1


def check_question(algorithm: str, targets: Sequence[str], hp: Hyperparameters) -> None:
    """Raise HyperparameterError if an algorithm cannot predict the targets, or at the horizon."""
    info = ALGORITHMS[algorithm]
    if info.forecasts_only and hp.max_horizon == 0:
        raise HyperparameterError(
            f"{info.label} is a floor of forecasts only. Set the farthest cycle ahead above 0, or "
            "leave it out."
        )
    missing = [target for target in targets if target not in info.targets]
    if missing:
        raise HyperparameterError(
            f"{info.label} predicts {' and '.join(info.targets)} only, not {missing[0]}. Choose "
            "another target, or leave it out."
        )


def _checked(algorithm: str, values: Mapping[str, Any]) -> Hyperparameters:
    """Check every value, and values that depend on each other."""
    own = specs_by_name(algorithm)
    coerced: dict[str, Any] = {name: _coerce(own[name], value) for name, value in values.items()}
    if coerced["use_capacity_history"] and coerced["max_horizon"] == 0:
        raise HyperparameterError(
            "use_capacity_history needs max_horizon above 0: an estimate must not see the "
            "capacity it estimates. Set max_horizon above 0, or switch use_capacity_history off."
        )
    return ALGORITHMS[algorithm].settings(**coerced)


def _checked_overrides(overrides: Any) -> dict[str, dict[str, Any]]:
    """Check that overrides name algorithms and settings of these algorithms."""
    if not isinstance(overrides, Mapping):
        raise HyperparameterError("overrides must map an algorithm to its settings.")
    checked: dict[str, dict[str, Any]] = {}
    for algorithm, settings in overrides.items():
        _require_algorithm(algorithm)
        if not isinstance(settings, Mapping):
            raise HyperparameterError(f"overrides of {algorithm} must map names to values.")
        _require_known(settings)
        for name in settings:
            if name not in specs_by_name(algorithm):
                raise HyperparameterError(f"{name} is not a setting of {algorithm}.")
        checked[algorithm] = dict(settings)
    return checked


def _require_algorithm(algorithm: Any) -> None:
    if algorithm not in ALGORITHMS:
        raise HyperparameterError(
            f"Unknown algorithm {algorithm!r}; choose one of {', '.join(ALGORITHMS)}."
        )


def _require_known(values: Mapping[Any, Any]) -> None:
    for name in values:
        if name not in SPECS_BY_NAME:
            raise HyperparameterError(
                f"Unknown setting {name!r}; known are {', '.join(SPECS_BY_NAME)}."
            )


def _coerce(spec: HyperparameterSpec, value: Any) -> Value:
    """Return `value` in the setting's own type; raises HyperparameterError if it does not fit."""
    refusal = HyperparameterError(f"{spec.name} must be {_expected(spec)}, not {value!r}.")
    if spec.kind == "bool":
        if not isinstance(value, bool):
            raise refusal
        return value
    if spec.kind == "choice":
        if value not in spec.choices:
            raise refusal
        return str(value)
    if spec.kind == "multichoice":
        return _coerce_several(spec, value, refusal)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal
    if spec.kind == "int" and value != value // 1:
        raise refusal
    if spec.minimum is None or spec.maximum is None or not spec.minimum <= value <= spec.maximum:
        raise refusal
    return int(value) if spec.kind == "int" else float(value)


def _coerce_several(
    spec: HyperparameterSpec, value: Any, refusal: HyperparameterError
) -> tuple[str, ...]:
    """Return the chosen names in the order of the setting's choices, each once."""
    if not isinstance(value, list | tuple) or not value:
        raise refusal
    if any(item not in spec.choices for item in value):
        raise refusal
    return tuple(choice for choice in spec.choices if choice in value)


def _expected(spec: HyperparameterSpec) -> str:
    if spec.kind == "bool":
        return "true or false"
    if spec.kind == "choice":
        return f"one of {', '.join(spec.choices)}"
    if spec.kind == "multichoice":
        return f"a list of at least one of {', '.join(spec.choices)}"
    noun = "a whole number" if spec.kind == "int" else "a number"
    return f"{noun} from {spec.minimum:g} to {spec.maximum:g}"
