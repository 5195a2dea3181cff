"""Findings on batteries that occur twice: under two names, in part, or continued."""

from collections.abc import Callable, Mapping, Sequence

from core.datasets.battery_sketches import SketchedBattery
from core.leakage.finding import Finding, Severity, counted, joined
from core.leakage.relatives import Duplicate, Relative

ROLE_WORDS = {"train": "training", "val": "validation", "test": "test"}
KNOWN_WORDS = {"train": "fitted on", "val": "selected by"}


def role_findings(ties: Sequence[Relative], roles: Mapping[str, str]) -> list[Finding]:
    """Findings on ties between batteries of one dataset; their roles decide the severity."""
    findings = []
    for kind, write in _ROLE_WRITERS.items():
        apart = [
            tie
            for tie in ties
            if tie.kind == kind and roles[tie.battery.code] != roles[tie.other.code]
        ]
        if apart:
            findings.append(write(apart, roles))
    twice = [
        tie
        for tie in ties
        if tie.kind == "same" and roles[tie.battery.code] == roles[tie.other.code]
    ]
    if twice:
        text = (
            f"The same battery is in one role twice, under two names: {_pairs(twice)}. It counts "
            "twice. Leave one of the two out."
        )
        findings.append(Finding("counted twice", "info", text, _codes(twice)))
    return findings


def _same_apart(ties: Sequence[Relative], roles: Mapping[str, str]) -> Finding:
    text = (
        f"The same battery is on both sides of the split under two names: {_pairs(ties, roles)}. "
        "The model would be judged by cycles that it has seen. Give both the same role, or leave "
        "one of them out."
    )
    return Finding("same battery", "block", text, _codes(ties), rests_on_recognition=True)


def _overlap_apart(ties: Sequence[Relative], roles: Mapping[str, str]) -> Finding:
    text = (
        f"Some cycles are on both sides of the split: {_pairs(ties, roles, 'and')} share up to "
        f"{max(tie.share for tie in ties):.0%} of the shorter record. Give both the same role."
    )
    return Finding("shared cycles", "warn", text, _codes(ties))


def _continued_apart(ties: Sequence[Relative], roles: Mapping[str, str]) -> Finding:
    text = (
        f"One battery seems to continue as another one across the split: "
        f"{_pairs(ties, roles, 'then')}. "
        "The second starts at the capacity where the first ends. If they are one cell, give both "
        "the same role."
    )
    return Finding("continuation", "warn", text, _codes(ties))


def _alike_apart(ties: Sequence[Relative], roles: Mapping[str, str]) -> Finding:
    text = (
        f"Cells that fade alike are on both sides of the split: {_pairs(ties, roles, 'and')}. "
        f"{_basis(ties[0].basis)} So they are taken for different cells. If they are one, give "
        "both the same role."
    )
    return Finding("alike", "info", text, _codes(ties))


_ROLE_WRITERS: dict[str, Callable[[Sequence[Relative], Mapping[str, str]], Finding]] = {
    "same": _same_apart,
    "overlap": _overlap_apart,
    "continues": _continued_apart,
    "alike": _alike_apart,
}


def seen_findings(seen: Mapping[int, tuple[str, Relative]], model_dataset: str) -> list[Finding]:
    """Findings on tested batteries that the model knows under another code."""
    findings = []
    for role, words in KNOWN_WORDS.items():
        ties = [tie for known, tie in seen.values() if known == role and tie.kind == "same"]
        if ties:
            text = (
                f"The model was {words} {counted(len(ties))} of this test, under other names in "
                f"{model_dataset!r}: {_pairs(ties)}. They are marked and kept out of the "
                "headline numbers; leave them out to test on unseen batteries only."
            )
            codes = tuple(tie.other.code for tie in ties)
            findings.append(Finding("seen before", "warn", text, codes, rests_on_recognition=True))
    partly = [tie for _, tie in seen.values() if tie.kind not in ("same", "alike")]
    if partly:
        text = (
            f"{counted(len(partly)).capitalize()} of this test share cycles with, or continue, "
            f"what the model knew in {model_dataset!r}: {_pairs(partly, sign='with')}. They "
            "count as unseen; leave them out for a clean test."
        )
        codes = tuple(tie.other.code for tie in partly)
        findings.append(Finding("partly seen", "warn", text, codes))
    alike = [tie for _, tie in seen.values() if tie.kind == "alike"]
    if alike:
        text = (
            f"{counted(len(alike)).capitalize()} of this test "
            f"{'fades' if len(alike) == 1 else 'fade'} like what the model knew in "
            f"{model_dataset!r}: {_pairs(alike, sign='and')}. {_basis(alike[0].basis)} They count "
            "as unseen; leave them out if they are the same cells."
        )
        codes = tuple(tie.other.code for tie in alike)
        findings.append(Finding("alike", "info", text, codes))
    return findings


def duplicate_findings(duplicates: Sequence[Duplicate], dataset_id: int) -> list[Finding]:
    """Findings on ties of a dataset's batteries, one per other dataset and kind of tie."""
    groups: dict[tuple[int, str, str], list[Duplicate]] = {}
    for item in duplicates:
        kind: str = "continues" if item.kind == "follows" else item.kind
        groups.setdefault((item.other_dataset_id, item.other_dataset, kind), []).append(item)
    findings = []
    for (other_id, other, tie), items in groups.items():
        inside = other_id == dataset_id
        where = "this dataset under another name" if inside else f"{other!r}"
        sign = "=" if tie == "same" else "with"
        names = joined([f"{item.battery_code} {sign} {item.other_code}" for item in items])
        codes = tuple(dict.fromkeys(item.battery_code for item in items))
        apart = inside and any(item.role != item.other_role for item in items)
        doubtful = tie == "alike"
        severity: Severity = "warn" if (apart or not inside) and not doubtful else "info"
        text = {
            "same": f"{counted(len(codes)).capitalize()} also in {where}: {names}.",
            "overlap": f"Some cycles of {counted(len(codes))} are in {where}, too: {names}.",
            "continues": f"Of {counted(len(codes))} the record seems to go on, or to have begun, "
            f"in {where}: {names}.",
            "alike": f"{counted(len(codes)).capitalize()} {'fades' if len(codes) == 1 else 'fade'} "
            f"like cells of {where}: {names}. {_basis(items[0].basis)}",
        }[tie]
        marks = "mark it" if tie == "same" else "warn of it"
        remedy = (
            " Give both the same role."
            if inside
            else f" A model trained on the one has seen the other; tests {marks}."
        )
        if doubtful:
            remedy = " They are taken for different cells."
        findings.append(Finding(f"duplicate {tie}", severity, text + remedy, codes))
    return findings


def _pairs(
    ties: Sequence[Relative], roles: Mapping[str, str] | None = None, sign: str = "="
) -> str:
    def named(battery: SketchedBattery) -> str:
        role = f" ({ROLE_WORDS[roles[battery.code]]})" if roles else ""
        return f"{battery.code}{role}"

    return joined([f"{named(tie.battery)} {sign} {named(tie.other)}" for tie in ties])


def _basis(words: str) -> str:
    """What a hint rests on, as a sentence; of several pairs the first speaks."""
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _codes(ties: Sequence[Relative]) -> tuple[str, ...]:
    codes = [code for tie in ties for code in (tie.battery.code, tie.other.code)]
    return tuple(dict.fromkeys(codes))
