"""Which algorithms a training can choose from, in groups, and which are a good start."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.series import targets_of
from models.settings.catalogue import ALGORITHMS, AlgorithmInfo


@dataclass(frozen=True)
class Offer:
    """One algorithm.

    usual : whether a first training takes it
    refusal : why it cannot be chosen for this question; None if it can
    """

    key: str
    label: str
    description: str
    usual: bool
    refusal: str | None


@dataclass(frozen=True)
class OfferGroup:
    """Algorithms of one kind, with a line about them."""

    label: str
    help: str
    offers: tuple[Offer, ...]


_GROUPS = {
    "network": ("Networks", "Learn curves of any shape, in many passes over the cycles."),
    "estimator": ("Trees and linear", "Fast and hard to beat on tabular features."),
    "ensemble": ("Combination", "A weighted mean of the models above."),
    "floor": ("Floors", "Simple references: a model that does not beat them is of no use."),
}


def offer_algorithms(target: str, max_horizon: int) -> list[OfferGroup]:
    """All algorithms in groups, for one target (PCL, RUL, BOTH) and horizon (0: estimate)."""
    return [
        OfferGroup(
            label,
            words,
            tuple(
                _offer(info, target, max_horizon)
                for info in ALGORITHMS.values()
                if info.family == family
            ),
        )
        for family, (label, words) in _GROUPS.items()
    ]


def usual_algorithms(target: str, max_horizon: int) -> list[str]:
    """Keys of what a first training takes."""
    groups = offer_algorithms(target, max_horizon)
    return [offer.key for group in groups for offer in group.offers if offer.usual]


def refusals(offers: Sequence[Offer]) -> str:
    """One sentence on what cannot be chosen now; empty if everything can."""
    reasons: dict[str, list[str]] = {}
    for offer in offers:
        if offer.refusal:
            reasons.setdefault(offer.refusal, []).append(offer.label)
    return " ".join(f"{' and '.join(labels)}: {reason}" for reason, labels in reasons.items())


def _offer(info: AlgorithmInfo, target: str, max_horizon: int) -> Offer:
    refusal = _refusal(info, target, max_horizon)
    usual = refusal is None and (info.is_floor or info.usual)
    return Offer(info.key, info.label, info.description, usual, refusal)


def _refusal(info: AlgorithmInfo, target: str, max_horizon: int) -> str | None:
    fits_target = set(targets_of(target)) <= set(info.targets)
    fits_kind = max_horizon > 0 or not info.forecasts_only
    if fits_target and fits_kind:
        return None
    kind = "forecasts" if info.forecasts_only else "models"
    return f"for {kind} of {' and '.join(info.targets)} alone."
