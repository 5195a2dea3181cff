"""Draws all settings of a training from `models.config`; an empty one means its default."""

from collections.abc import Sequence
from math import floor, log10
from typing import Any

import streamlit as st

from models.choice_labels import choice_label
from models.config import ALGORITHMS, HYPERPARAMETERS, HyperparameterSpec

# The first questions of the page ask for these.
ASKED_ELSEWHERE = ("max_horizon", "use_capacity_history")
COLUMNS = 3


def hyperparameter_form(algorithms: Sequence[str]) -> dict[str, Any]:
    """Draw the settings of the chosen algorithms; returns only those that were changed.

    The result is what `models.config.resolve` takes: shared settings by name, and under
    "overrides" the ones that hold for a single algorithm.
    """
    specs = [spec for spec in HYPERPARAMETERS if spec.name not in ASKED_ELSEWHERE]
    algorithms = [name for name in algorithms if any(name in spec.algorithms for spec in specs)]
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
        fitting = [spec for spec in (*own, *shared) if algorithm in spec.algorithms]
        defaults = {
            spec.name: _shown(values.get(spec.name, spec.default_for(algorithm)))
            for spec in fitting
        }
        with tab:
            if found := _ask(fitting, defaults, algorithm):
                overrides[algorithm] = found
    return values | ({"overrides": overrides} if overrides else {})


def _is_shared(spec: HyperparameterSpec, algorithms: Sequence[str]) -> bool:
    """Whether several algorithms use it, of which one at least is chosen."""
    return len(spec.algorithms) > 1 and bool(set(spec.algorithms) & set(algorithms))


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
    unit = f" ({spec.unit})" if spec.unit else ""
    owner = f", {ALGORITHMS[algorithm].label}" if algorithm else ""
    label = f"{spec.label}{unit}{owner}"
    users = "" if algorithm else f" For {', '.join(ALGORITHMS[k].label for k in spec.algorithms)}."
    words = f"{spec.help}{users}"
    key = f"setting_{algorithm}_{spec.name}" if algorithm else f"setting_{spec.name}"
    if spec.kind == "choice":
        return st.selectbox(
            label,
            spec.choices,
            index=None,
            format_func=choice_label,
            key=key,
            placeholder=default,
            help=words,
        )
    if spec.kind == "multichoice":
        return st.multiselect(
            label,
            spec.choices,
            format_func=choice_label,
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


def _shared_default(spec: HyperparameterSpec, algorithms: Sequence[str]) -> str:
    """The default, with the algorithms that have one of their own."""
    general = _shown(spec.default)
    own = [
        f"{ALGORITHMS[name].label} {_shown(spec.default_for(name))}"
        for name in algorithms
        if name in spec.algorithms and spec.default_for(name) != spec.default
    ]
    return f"{general} ({', '.join(own)})" if own else general


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(choice_label, value))
    return f"{value:g}" if isinstance(value, float) else choice_label(str(value))
