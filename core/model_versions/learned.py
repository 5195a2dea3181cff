"""What a model learned in readable form: parameters of a law of fade, weights of an ensemble."""

from dataclasses import dataclass

from core.base.words import rounded
from core.model_versions.config import ModelConfig, StoredTerm

LAW_MEANINGS = {
    "r": "rate of the logistic law",
    "K": "upper limit",
    "C": "lower limit",
}


@dataclass(frozen=True)
class LawTerm:
    """One parameter of a learned law, in displayed units (PCL in %)."""

    target: str
    name: str
    meaning: str
    value: float
    unit: str


@dataclass(frozen=True)
class Share:
    """How much a member counts in an ensemble, from 0 to 1."""

    target: str
    member: str
    weight: float


def law_terms(config: ModelConfig) -> list[LawTerm]:
    """The law in a model's config; empty for models without one."""
    return [_term(row) for row in config.law]


def ensemble_shares(config: ModelConfig) -> list[Share]:
    """The weights in an ensemble's config, the largest of each target first."""
    return [
        Share(target, member, float(weight))
        for target, weights in config.ensemble.items()
        for member, weight in sorted(weights.items(), key=lambda item: -item[1])
    ]


def learned_values(config: ModelConfig) -> dict[str, str]:
    """Learned parameters and weights as settings by name, for tables and comparisons."""
    law = {f"{t.name} of {t.target} ({t.unit})": rounded(t.value) for t in law_terms(config)}
    shares = {
        f"Weight of {s.member}, {s.target}": f"{s.weight:.3f}" for s in ensemble_shares(config)
    }
    return law | shares


def learned_lines(config: ModelConfig) -> list[str]:
    """Learned parameters and weights as lines of a log, one line per target."""
    parts: dict[str, list[str]] = {}
    for term in law_terms(config):
        parts.setdefault(f"Learned law of {term.target}: ", []).append(
            f"{term.name} = {rounded(term.value)} {term.unit}"
        )
    for share in ensemble_shares(config):
        parts.setdefault(f"Weights for {share.target}: ", []).append(
            f"{share.member} {share.weight:.2f}"
        )
    return [f"{start}{', '.join(values)}." for start, values in parts.items()]


def _term(row: StoredTerm) -> LawTerm:
    in_percent = row.unit == "fraction"
    return LawTerm(
        target=row.target,
        name=row.name,
        meaning=LAW_MEANINGS.get(row.name, ""),
        value=row.value * (100.0 if in_percent else 1.0),
        unit="%" if in_percent else row.unit,
    )
