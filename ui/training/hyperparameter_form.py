"""Draws all settings of a training; an empty one means its default."""

from collections.abc import Sequence
from math import floor, log10
from typing import Any

import streamlit as st

from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import HYPERPARAMETERS, algorithms_with, specs_by_name
from models.settings.specs import HyperparameterSpec

# The first questions of the page ask for these.
ASKED_ELSEWHERE = ("max_horizon", "use_capacity_history")
COLUMNS = 3


def hyperparameter_form(algorithms: Sequence[str]) -> dict[str, Any]:
    """Draw the settings of the chosen algorithms; returns only those that were changed.

    The result is what `models.settings.resolving.resolve` takes: shared settings by name, and under
    "overrides" the ones that hold for a single algorithm.
    """
    specs = [spec for spec in HYPERPARAMETERS if spec.name not in ASKED_ELSEWHERE]
    algorithms = [name for name in algorithms if not ALGORITHMS[name].is_floor]
    if not algorithms:
        st.caption("The chosen algorithms have no settings. Networks, trees and linear models do.")
        return {}
    st.caption(
        "Grey values are the defaults. A value for one algorithm replaces the one for all "
        "algorithms."
    )
    shared = [spec for spec in specs if _is_shared(spec, algorithms)]
    tabs = st.tabs(
        ["All algorithms"] * bool(shared) + [ALGORITHMS[name].label for name in algorithms]
    )
    values = {}
    if shared:
        with tabs[0]:
            values = _ask(shared, {s.name: _shared_default(s, algorithms) for s in shared}, "")
    overrides = {}
    own = [spec for spec in specs if spec not in shared]
    for algorithm, tab in zip(algorithms, tabs[-len(algorithms) :], strict=True):
        of_algorithm = specs_by_name(algorithm)
        fitting = [of_algorithm[spec.name] for spec in (*own, *shared) if spec.name in of_algorithm]
        defaults = {s.name: _shown(s, values.get(s.name, s.default)) for s in fitting}
        with tab:
            if found := _ask(fitting, defaults, algorithm):
                overrides[algorithm] = found
    return values | ({"overrides": overrides} if overrides else {})


def _is_shared(spec: HyperparameterSpec, algorithms: Sequence[str]) -> bool:
    """Whether several algorithms use it, of which one at least is chosen."""
    users = algorithms_with(spec.name)
    return len(users) > 1 and bool(set(users) & set(algorithms))


def _ask(
    specs: Sequence[HyperparameterSpec], defaults: dict[str, str], algorithm: str
) -> dict[str, Any]:
    """The values that were entered, by name."""
    entered = {}
    for start in range(0, len(specs), COLUMNS):
        columns = st.columns(COLUMNS)
        for column, spec in zip(columns, specs[start : start + COLUMNS], strict=False):
            with column:
                value = _widget(spec, defaults[spec.name], algorithm)
            if value is not None and value != []:
                entered[spec.name] = value
    return entered


def _widget(spec: HyperparameterSpec, default: str, algorithm: str) -> Any:
    label = f"{spec.title}, {ALGORITHMS[algorithm].label}" if algorithm else spec.title
    words = spec.help if algorithm else f"{spec.help} For {_users(spec)}."
    key = f"setting_{algorithm}_{spec.name}" if algorithm else f"setting_{spec.name}"
    if spec.kind == "choice":
        return st.selectbox(
            label,
            spec.choices,
            index=None,
            key=key,
            placeholder=default,
            help=words,
            format_func=spec.shown,
        )
    if spec.kind == "multichoice":
        return st.multiselect(
            label,
            spec.choices,
            format_func=spec.shown,
            key=key,
            placeholder=default,
            help=words,
        )
    if spec.minimum is None or spec.maximum is None:
        raise TypeError(f"There is no input for a setting of the kind {spec.kind}.")
    number = int if spec.kind == "int" else float
    return st.number_input(
        label,
        min_value=number(spec.minimum),
        max_value=number(spec.maximum),
        value=None,
        step=_step(spec),
        format="%d" if spec.kind == "int" else "%g",
        key=key,
        placeholder=default,
        help=f"{words} From {spec.minimum:g} to {spec.maximum:g}.",
    )


def _step(spec: HyperparameterSpec) -> Any:
    """Step of a number box: 1 in the first digit of the default."""
    if spec.kind == "int" or not isinstance(spec.default, float):
        return 1
    return 10.0 ** floor(log10(spec.default)) if spec.default else 0.1


def _users(spec: HyperparameterSpec) -> str:
    """The algorithms that have a setting, in words."""
    users = [ALGORITHMS[key] for key in algorithms_with(spec.name)]
    return "all" if len(users) == len(ALGORITHMS) else ", ".join(info.label for info in users)


def _shared_default(spec: HyperparameterSpec, algorithms: Sequence[str]) -> str:
    """The default, with the algorithms that have one of their own."""
    general = _shown(spec, spec.default)
    specs = {name: specs_by_name(name).get(spec.name) for name in algorithms}
    own = [
        f"{ALGORITHMS[name].label} {_shown(found, found.default)}"
        for name, found in specs.items()
        if found is not None and found.default != spec.default
    ]
    return f"{general} ({', '.join(own)})" if own else general


def _shown(spec: HyperparameterSpec, value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(spec.shown(value))
