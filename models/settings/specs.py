"""Declaration of a setting: a field of a settings class holds type, default, label and help."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

Kind = Literal["int", "float", "choice", "multichoice", "bool"]
Value = int | float | str | bool | tuple[str, ...]

# The first model format that a setting can be declared for.
FIRST_FORMAT = 3


@dataclass(frozen=True)
class HyperparameterSpec:
    """One setting, as used by forms, the command line and model files.

    minimum, maximum : inclusive, for numbers only
    choices, choice_labels : the stored values, and the texts shown for them
    added_in : the model format that added the setting
    value_before : the value that models of older formats load with
    """

    name: str
    label: str
    kind: Kind
    default: Value
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    choice_labels: Mapping[str, str] | None = None
    unit: str = ""
    added_in: int = FIRST_FORMAT
    value_before: Value | None = None

    @property
    def title(self) -> str:
        """The label with its unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def shown(self, value: Any) -> Any:
        """Return the text shown for a stored value: the labels of choices, else the value."""
        words = self.choice_labels or {}
        if isinstance(value, list | tuple):
            return ", ".join(words.get(item, str(item)) for item in value)
        return words.get(value, value) if isinstance(value, str) else value


def setting(
    default: Value,
    label: str,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    choice_labels: Mapping[str, str] | None = None,
    added_in: int = FIRST_FORMAT,
    value_before: Value | None = None,
) -> Any:
    """Return a dataclass field that declares a setting; see `HyperparameterSpec`."""
    words = {
        "label": label,
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "unit": unit,
        "choice_labels": choice_labels,
        "added_in": added_in,
        "value_before": default if value_before is None else value_before,
    }
    return field(default=default, metadata=words)


def specs_of(settings_class: type[Any]) -> tuple[HyperparameterSpec, ...]:
    """Return the settings that a class declares, in the order of its fields.

    Raises
    ------
    TypeError: a field is not made by `setting`, or has a type that no setting can have.
    """
    declaring: Any = settings_class  # mypy does not see that a class is hashable
    return _specs_of(declaring)


@cache
def _specs_of(settings_class: Any) -> tuple[HyperparameterSpec, ...]:
    hints = get_type_hints(settings_class)
    found = []
    for declared in fields(settings_class):
        if "label" not in declared.metadata:
            raise TypeError(f"{settings_class.__name__}.{declared.name} is not made by setting().")
        default: Any = declared.default
        kind, choices = _kind_of(declared.name, hints[declared.name])
        found.append(
            HyperparameterSpec(
                name=declared.name,
                kind=kind,
                choices=choices,
                default=default,
                **declared.metadata,
            )
        )
    return tuple(found)


def _kind_of(name: str, hint: Any) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind and the choices of a field from its type."""
    plain: dict[Any, Kind] = {int: "int", float: "float", bool: "bool"}
    if hint in plain:
        return plain[hint], ()
    if get_origin(hint) is Literal:
        return "choice", get_args(hint)
    if get_origin(hint) is tuple:
        return "multichoice", get_args(get_args(hint)[0])
    raise TypeError(f"{name} has the type {hint}, which no setting can have.")
