"""A model card as Markdown, for reading without FadeBench."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from core.base.words import counted, rounded
from core.datasets.overruled import overruled_notes
from core.measures.bootstrap import Interval
from core.measures.coverage import verdict_words
from core.model_versions.card import ModelCard
from models.settings.catalogue import ALGORITHMS

ROLE_WORDS = {"train": "training", "val": "validation", "test": "test"}
UNITS = {"PCL": ("%-points", 100.0), "RUL": ("cycles", 1.0)}

REUSE = """```python
from models.model.checkpoint import TrainedModel   # in a FadeBench checkout
model = TrainedModel.load("{file_name}")     # tensors and plain values; executes nothing
prediction = model.predict(series, horizon={horizon})  # series: models.inputs.series.BatterySeries
```"""


def card_markdown(card: ModelCard, checkpoint_name: str) -> str:
    """Return the whole card; `checkpoint_name` is the model's file in the same archive."""
    model = card.model
    parts = [
        f"# Model card: {_plain(model.title)}",
        f"{_plain(card.algorithm)}\n\n{_kind(card)} of {_targets(card)}. Made "
        f"{model.created_at:%Y-%m-%d %H:%M} UTC by FadeBench "
        f"{model.config.made_by}.",
        "## Data",
        _bullets(_data_lines(card)),
        "## Features",
        _bullets([f"{name} ({unit})" if unit else name for name, unit in card.features]),
        "## Errors",
        *(f"**{_plain(note)}**" for note in overruled_notes(model.overruled)),
        _numbers(card),
        *_sections(card),
        "## Known limits",
        _bullets(card.limits),
        "## Where it applies",
        _bullets(card.applicability),
        "## Settings",
        _bullets([f"{label}: {_value(value)}" for label, value in card.settings]),
        "## Using it again",
        REUSE.format(file_name=checkpoint_name, horizon=1 if model.max_horizon else 0),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def number_text(target: str, value: float) -> str:
    """A stored error with its unit: 0.432 %-points, 118 cycles."""
    unit, factor = UNITS[target]
    return f"{rounded(value * factor, 3)} {unit}"


def interval_text(target: str, interval: Interval | None) -> str:
    """An interval in the unit of its target, or why there is none."""
    if interval is None:
        return "not stated"
    unit, factor = UNITS[target]
    return f"{rounded(interval.low * factor, 3)} to {rounded(interval.high * factor, 3)} {unit}"


def _kind(card: ModelCard) -> str:
    longest = card.model.max_horizon
    return f"Forecast up to {counted(longest, 'cycle')} ahead" if longest else "Estimate"


def _targets(card: ModelCard) -> str:
    return "PCL and RUL" if card.model.target == "BOTH" else card.model.target


def _data_lines(card: ModelCard) -> list[str]:
    config = card.model.config
    lines = [
        f"Dataset: {card.dataset.name}, "
        f"{counted(card.dataset.n_batteries, 'battery')}, "
        f"{counted(card.dataset.n_cycles, 'cycle')}",
        f"Fingerprint of the data: {config.dataset_fingerprint or 'not kept'}",
        "Split by battery, never by row",
    ]
    return lines + [
        f"{role.capitalize()} ({len(codes)}): {', '.join(codes)}"
        for role, codes in ((ROLE_WORDS[key], codes) for key, codes in card.roles.items())
        if codes
    ]


def _numbers(card: ModelCard) -> str:
    if not card.numbers:
        return "None of its validation and test batteries has labels."
    rows = [
        (
            f"{number.metric.upper()} of {number.target}",
            ROLE_WORDS[number.role],
            number_text(number.target, number.value),
            interval_text(number.target, number.interval),
            str(number.n_batteries),
            f"{number.n_cycles:,}",
        )
        for number in card.numbers
    ]
    head = ("error", "batteries of", "value", "95 % interval", "batteries", "cycles")
    note = "Over all cycles together. Intervals come from resampling the batteries, not the cycles."
    return f"{_table(head, rows)}\n\n{note}"


def _sections(card: ModelCard) -> list[str]:
    """Floors, coverage and worst batteries, where they are known."""
    parts = []
    if card.floors:
        rows = [
            (
                ALGORITHMS[item.floor].label,
                item.target,
                ROLE_WORDS[item.role],
                number_text(item.target, item.floor_rmse),
                number_text(item.target, item.model_rmse),
                "yes" if item.is_beaten else "NO",
            )
            for item in card.floors
        ]
        head = ("floor", "target", "batteries of", "its RMSE", "RMSE of the model", "beaten")
        parts += ["## Against the floors", _table(head, rows)]
    if card.coverage:
        parts += ["## Intervals", _bullets([coverage_line(t, v) for t, v in card.coverage.items()])]
    if card.worst:
        lines = [
            _plain(
                f"{item.target}: battery {item.code} ({ROLE_WORDS[item.role]}), RMSE "
                f"{number_text(item.target, item.rmse)}: "
            )
            + f"`{battery_address(card, item.code)}`"
            for item in card.worst
        ]
        parts += ["## Worst batteries", "\n".join(f"- {line}" for line in lines)]
    return parts


def coverage_line(target: str, found: dict[str, Any]) -> str:
    """Nominal and observed coverage, the range by chance alone, and the mean width."""
    batteries = counted(found["n_batteries"], "test battery")
    return (
        f"{target}: {found['nominal']:.0%} intervals contained {found['observed']:.0%} "
        f"of the cycles (mean over {batteries}; 95 % interval "
        f"{found['observed_low']:.0%} to {found['observed_high']:.0%}, "
        f"{found['expected_low']:.0%} to {found['expected_high']:.0%} by chance alone): "
        f"{verdict_words(found['verdict'])}; mean width {number_text(target, found['mean_width'])}"
    )


def battery_address(card: ModelCard, code: str) -> str:
    """Address of the page that shows the battery's curve."""
    test_id = next((item.test_id for item in card.worst if item.code == code), None)
    if test_id is not None:
        return f"/results?test={test_id}&battery={quote(code)}"
    return f"/explore?dataset={card.model.dataset_id}&battery={quote(code)}"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_plain(line)}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return rounded(value) if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Escape what Markdown would read as markup: names come from users."""
    return "".join(f"\\{c}" if c in "|<>*_[]" else " " if c in "\r\n" else c for c in text)
