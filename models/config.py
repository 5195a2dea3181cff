"""Settings of a training run: checked, complete, immutable. Free of torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from models.costs import estimate_seconds as _estimate
from models.errors import HyperparameterError
from models.registry import ALGORITHMS, AlgorithmInfo
from models.specs import HYPERPARAMETERS, SPECS_BY_NAME, HyperparameterSpec, Value

__all__ = [
    "ALGORITHMS",
    "HYPERPARAMETERS",
    "AlgorithmInfo",
    "HyperparameterError",
    "HyperparameterSpec",
    "Hyperparameters",
    "check_question",
    "estimate_seconds",
    "parse_value",
    "resolve",
    "total_rounds",
]


@dataclass(frozen=True)
class Hyperparameters:
    """Every setting of one run; `models.specs` gives meaning, bounds and units of each."""

    epochs: int
    learning_rate: float
    batch_size: int
    window_length: int
    hidden_size: int
    num_layers: int
    dropout: float
    weight_decay: float
    gradient_clip: float
    patience: int
    loss_mode: str
    physics_inputs: tuple[str, ...]
    physics_weight: float
    seed: int
    device: str
    max_horizon: int
    use_capacity_history: bool
    schedule: str
    boosting_rounds: int
    tree_learning_rate: float
    max_leaf_nodes: int
    min_samples_leaf: int
    tree_l2: float
    tree_patience: int
    ridge_alpha: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values, fit for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Hyperparameters":
        """Rebuild from `to_json` output; every field is checked and must be there."""
        missing = sorted({f.name for f in fields(cls)} - set(values))
        if missing:
            raise HyperparameterError(f"The settings lack {', '.join(missing)}.")
        return _checked(dict(values))


def resolve(algorithm: str, values: Mapping[str, Any]) -> Hyperparameters:
    """Complete and check the settings of one algorithm.

    Parameters
    ----------
    algorithm: a key of `ALGORITHMS`.
    values: shared settings by name, and optionally `"overrides": {algorithm: {name: value}}`,
        which win over the shared ones for that algorithm. What is absent takes its default.

    Raises
    ------
    HyperparameterError: naming the setting and its bounds.
    """
    _require_algorithm(algorithm)
    shared = {name: value for name, value in values.items() if name != "overrides"}
    overrides = _checked_overrides(values.get("overrides") or {})
    _require_known(shared)
    merged = {spec.name: spec.default_for(algorithm) for spec in HYPERPARAMETERS}
    return _checked(merged | shared | overrides.get(algorithm, {}))


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
    return _estimate(cost, total_rounds(algorithm, hp), hp, n_rows, threads)


def total_rounds(algorithm: str, hp: Hyperparameters) -> int:
    """Return how many epochs (boosting rounds; 1 for what is solved at once) there are at most."""
    _require_algorithm(algorithm)
    setting = ALGORITHMS[algorithm].rounds
    return int(getattr(hp, setting)) if setting else 1


def check_question(algorithm: str, targets: Sequence[str], hp: Hyperparameters) -> None:
    """Raise HyperparameterError where an algorithm cannot answer what a job asks."""
    info = ALGORITHMS[algorithm]
    if info.forecasts_only and hp.max_horizon == 0:
        raise HyperparameterError(
            f"{info.label} is a floor of forecasts only. Set the largest horizon above 0, or leave "
            "it out."
        )
    missing = [target for target in targets if target not in info.targets]
    if missing:
        raise HyperparameterError(
            f"{info.label} predicts {' and '.join(info.targets)} only, not {missing[0]}. Choose "
            "another target, or leave it out."
        )


def _checked(values: dict[str, Any]) -> Hyperparameters:
    """Check every value and what must hold between them."""
    _require_known(values)
    coerced = {name: _coerce(SPECS_BY_NAME[name], value) for name, value in values.items()}
    if coerced["use_capacity_history"] and coerced["max_horizon"] == 0:
        raise HyperparameterError(
            "use_capacity_history needs max_horizon above 0: an estimate never sees the capacity "
            "it estimates. Set max_horizon or switch use_capacity_history off."
        )
    return Hyperparameters(**coerced)  # type: ignore[arg-type]


def _checked_overrides(overrides: Any) -> dict[str, dict[str, Any]]:
    """Check that overrides name algorithms and settings that these use."""
    if not isinstance(overrides, Mapping):
        raise HyperparameterError("overrides must map an algorithm to its settings.")
    checked: dict[str, dict[str, Any]] = {}
    for algorithm, settings in overrides.items():
        _require_algorithm(algorithm)
        if not isinstance(settings, Mapping):
            raise HyperparameterError(f"overrides of {algorithm} must map names to values.")
        _require_known(settings)
        for name in settings:
            if algorithm not in SPECS_BY_NAME[name].algorithms:
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
    """Return `value` in the setting's own type, or say what was expected."""
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
