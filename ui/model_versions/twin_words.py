"""Sentences on a comparison of twins."""

from core.measures.bootstrap import FEWEST_BATTERIES
from core.training.twin_report import METRIC, TargetTwins
from ui.shared.numbers import fixed_digits
from ui.shared.theme import Quantity, metric_quantity
from ui.shared.words import counted


def twin_quantity(target: str) -> Quantity:
    """Name, unit and factor of the error that twins are compared by."""
    return metric_quantity(METRIC, target)


def twin_sentence(found: TargetTwins) -> str:
    """Physics helped on 31 of 43 batteries, median -2.1 cycles [-4.0, -0.3], and what follows."""
    quantity, difference = twin_quantity(found.target), found.difference
    median = fixed_digits(difference.estimate * quantity.factor)
    counts = (
        f"**{found.target}: physics helped on {difference.first_better} of "
        f"{counted(difference.n_batteries, 'battery', 'batteries')}**, median {median} "
        f"{quantity.unit}"
    )
    interval = difference.interval
    if interval is None:
        return (
            f"{counts}. Fewer than {FEWEST_BATTERIES} batteries allow no interval, so this may be "
            "chance."
        )
    low, high = (fixed_digits(end * quantity.factor) for end in (interval.low, interval.high))
    stated = f"{counts} \\[{low}, {high}\\]."
    if not difference.differs:
        return f"{stated} The interval includes 0: these runs do not show that physics matters."
    if difference.estimate < 0:
        return f"{stated} The physics helps, beyond what batteries and seeds explain by chance."
    return f"{stated} The physics harms, beyond what batteries and seeds explain by chance."


def role_note(found: TargetTwins) -> str:
    """Which batteries, how many seeds, and how the interval came about."""
    label = twin_quantity(found.target).label
    batteries = (
        "test batteries"
        if found.role == "test"
        else "validation batteries, which also decided when to stop: there are no test batteries"
    )
    return (
        f"{label} of each battery, mean of {counted(len(found.seeds), 'seed')} on each side, "
        f"on the {batteries}. The 95 % interval resamples batteries and seeds; with few seeds "
        "it is itself uncertain."
    )
