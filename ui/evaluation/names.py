"""Names of compared tests: the model's, and what distinguishes equal names."""

from collections import Counter
from collections.abc import Sequence

from core.evaluation.evaluations import TestInfo
from ui.shared.overruled import MARK, marked


def names_of(tests: Sequence[TestInfo]) -> list[str]:
    """Model titles, told apart by horizon, dataset or number, with a mark where one is due."""
    titles = [test.model_title for test in tests]
    for extra in ("horizon", "dataset_name", "id"):
        counts = Counter(titles)
        titles = [
            title if counts[title] == 1 else f"{title}, {_told(test, extra)}"
            for title, test in zip(titles, tests, strict=True)
        ]
    return [marked(title, test.overruled) for title, test in zip(titles, tests, strict=True)]


def notes_by_name(tests: Sequence[TestInfo], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What was overruled for each of the tests that have the mark, by name without it."""
    return {
        name.removesuffix(f" {MARK}"): test.overruled
        for test, name in zip(tests, names, strict=True)
        if test.overruled
    }


def _told(test: TestInfo, extra: str) -> str:
    words = {
        "horizon": f"{test.horizon:,} cycles ahead" if test.horizon != 1 else "1 cycle ahead",
        "dataset_name": test.dataset_name,
        "id": f"test {test.id}",
    }
    return words[extra]
