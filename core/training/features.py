"""Which features of its dataset a training uses."""

from collections.abc import Sequence

from core.base.errors import InvalidInput
from core.datasets.datasets import Feature

# What a training takes of a dataset that has more, unless it is told which.
USUAL_FEATURES = 8


def usual_features(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Those of a dataset that a training takes unless it is told which: the first eight."""
    return tuple(features[:USUAL_FEATURES])


def chosen_features(
    names: Sequence[str] | None, features: Sequence[Feature]
) -> tuple[Feature, ...]:
    """The named ones of a dataset's features, in the order of the dataset.

    names : compared without case; None takes the usual ones

    Raises
    ------
    InvalidInput
        None is named, or one that the dataset lacks.
    """
    if names is None:
        return usual_features(features)
    known = {feature.name.casefold(): feature for feature in features}
    wanted = {name.casefold() for name in names}
    missing = [name for name in names if name.casefold() not in known]
    if missing:
        raise InvalidInput(
            f"The dataset has no feature {missing[0]!r}. It has "
            f"{', '.join(feature.name for feature in features)}."
        )
    if not wanted:
        raise InvalidInput("Choose at least one feature: models need an input.")
    return tuple(feature for name, feature in known.items() if name in wanted)


def stored_names(
    names: Sequence[str] | None, features: Sequence[Feature]
) -> tuple[str, ...] | None:
    """What a training keeps of the choice: None where it is the usual one, else the names."""
    chosen = chosen_features(names, features)
    return None if chosen == usual_features(features) else tuple(f.name for f in chosen)
