"""Findings on feature columns that give the answer away, and on repaired labels."""

from collections.abc import Sequence

from core.datasets.datasets import DatasetSummary, Feature
from core.leakage.columns import Fact
from core.leakage.finding import Finding, Question, Severity, joined


def column_finding(fact: Fact, features: Sequence[Feature], question: Question) -> Finding | None:
    names = tuple(feature.name for feature in features)
    one, listed = len(names) == 1, joined([repr(name) for name in names])
    subject = f"The feature {listed}" if one else f"The features {listed}"
    leave = f"Upload the file again without {'it' if one else 'them'}."
    if fact in ("capacity", "near_capacity") and not question.estimates:
        return None
    severity: Severity = "warn"
    if fact in ("life", "record"):
        severity = "block"
        what = "the RUL or the share of life" if fact == "life" else "how much of the record"
        text = (
            f"{subject} {'tells' if one else 'tell'} {what} that has passed or is left "
            f"(correlation 0.999 or more over the batteries together), which nobody knows while a "
            f"battery lives. {leave}"
        )
    elif fact == "capacity":
        severity = "block" if "PCL" in question.targets else "warn"
        text = (
            f"{subject} {'is' if one else 'are'} the capacity in another form (correlation 0.99999 "
            f"or more within the batteries), and an estimate must not see what it estimates. "
            f"{leave}"
        )
    elif fact == "near_capacity":
        text = (
            f"{subject} nearly {'equals' if one else 'equal'} the capacity (correlation 0.999 or "
            "more within the batteries). If it is measured with the capacity, an estimate only "
            f"reads it off. {leave}"
        )
    elif fact == "scaled":
        text = (
            f"{subject} {'was' if one else 'were'} normalised by each battery's whole life (every "
            "battery runs exactly from 0 or -1 to 1, or has mean 0 and deviation 1), so early "
            "cycles know the late ones. Upload the values as measured; FadeBench scales them by "
            "the training batteries."
        )
    else:
        text = (
            f"{subject} {'stands' if one else 'stand'} still over the last cycles of most "
            "batteries, as if filled up after their end, which shows how long they live. Remove "
            "these rows."
        )
    return Finding(f"column {fact}", severity, text, columns=names)


def label_findings(summary: DatasetSummary, question: Question) -> list[Finding]:
    """Findings on labels that the file's source repaired with later cycles."""
    notes = summary.schema.label_notes
    if not notes or (question.estimates and "PCL" not in question.targets):
        return []
    effect = (
        "Estimates of it are judged by the repaired values, not the measured ones."
        if question.estimates
        else "Forecasts of it start from values that already know later cycles, so they look a "
        "little better than they are."
    )
    return [Finding("repaired labels", "info", f"{' '.join(notes)} {effect}")]
