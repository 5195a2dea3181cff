"""Texts about datasets: a line of facts, the origin of labels, the split."""

from collections.abc import Mapping
from typing import Any

from core.datasets.datasets import DatasetSummary
from ui.shared.theme import ROLE_LABELS
from ui.shared.words import counted, plain

NO_ROLE = "No role"


def kind_of(summary: DatasetSummary) -> str:
    """Kind of dataset: the user's own, built-in or simulated."""
    kind = "Built-in" if summary.is_builtin else "Yours"
    return f"{kind}, simulated" if summary.is_simulated else kind


def facts_line(summary: DatasetSummary) -> str:
    """Batteries, cycles, features and split in one line."""
    return " · ".join(
        (
            counted(summary.n_batteries, "battery", "batteries"),
            counted(summary.n_cycles, "cycle"),
            counted(len(summary.features), "feature"),
            split_line(summary.split),
        )
    )


def split_line(split: Mapping[str, int]) -> str:
    """Batteries per role: `41 train / 43 validation / 40 test`."""
    named = [f"{split.get(role, 0)} {label.lower()}" for role, label in ROLE_LABELS.items()]
    return " / ".join(named) if any(split.values()) else "no split"


def role_label(role: Any) -> str:
    """A stored role as readers see it."""
    return ROLE_LABELS.get(role, NO_ROLE) if isinstance(role, str) else NO_ROLE


def role_of_label(label: Any) -> str | None:
    """The stored role of what readers see; None for no role."""
    return next((role for role, text in ROLE_LABELS.items() if text == label), None)


def label_lines(summary: DatasetSummary) -> list[str]:
    """Where PCL, RUL and capacity come from, a line each, as Markdown."""
    words = {"file": "from the file", "computed": "computed", "none": "none"}
    lines = []
    for label in ("PCL", "RUL", "capacity"):
        entry = summary.schema.labels.get(label)
        if entry is None:
            continue
        told = entry.origin == "computed" or label == "RUL"
        rule = f": {plain(entry.rule)}" if told and entry.rule else ""
        name = label if label.isupper() else label.capitalize()
        lines.append(f"**{name}** {words[entry.origin]}{rule}")
    return [*lines, *_rul_end(summary)]


def _rul_end(summary: DatasetSummary) -> list[str]:
    """Where the file's RUL ends, as a line; none where the RUL is computed."""
    if summary.schema.origin_of("RUL") != "file":
        return []
    stated = summary.schema.rul_eol_threshold
    told = "is not known" if stated is None else f"is {stated:.1%} of nominal capacity, as stated"
    return [f"**End of life of the file's RUL** {told}"]
