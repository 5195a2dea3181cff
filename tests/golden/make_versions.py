"""Trains every algorithm on a tiny fleet; what the models say belongs to the algorithm's version.

`python -m tests.golden.make_versions` adds to `versions.json` what is new or has another version
than before. Run it after adding an algorithm, or raising the version in its entry
(models/settings/catalogue.py).
"""

import json
from typing import Any

from models.inputs.series import make_task
from models.model.checkpoint import TrainedModel
from models.model.ensemble import combine
from models.model.fitting import fit
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import resolve
from tests.golden.make_checkpoints import CASES, SMALL, Case, batteries, with_targets
from tests.models.fleet import FEATURES, make_fleet
from tests.paths import ROOT

FILE = ROOT / "tests" / "golden" / "versions.json"
QUIET: dict[str, Any] = {
    "threads": 1,
    "on_epoch": lambda report: None,
    "on_stage": lambda stage: None,
}


def train(case: Case) -> TrainedModel:
    """Train one case, without what surrounds a model."""
    fleet = [with_targets(series, case.targets) for series in make_fleet(7, first=20)]
    train, val = fleet[:5], fleet[5:]

    def question(algorithm: str) -> Any:
        hp = resolve(algorithm, SMALL | case.settings)
        return train, val, make_task(case.targets, FEATURES, hp), hp

    if not case.members:
        return fit(case.algorithm, *question(case.algorithm), **QUIET).model
    members = {name: fit(name, *question(name), **QUIET).model for name in case.members}
    return combine(members, *question(case.algorithm), **QUIET).model


def predictions(case: Case) -> dict[str, Any]:
    """What the trained model says about each battery, at its largest horizon."""
    model = train(case)
    asked = {s.code: with_targets(s, case.targets) for s in batteries()}
    return {
        code: model.predict(series, model.task.max_horizon).y_pred.tolist()
        for code, series in asked.items()
    }


def main() -> None:
    """Write the predictions of new cases and of new versions; others stay as they are."""
    stored = json.loads(FILE.read_text())
    for case in CASES:
        version = ALGORITHMS[case.algorithm].version
        if case.name not in stored or stored[case.name]["version"] != version:
            stored[case.name] = {
                "algorithm": case.algorithm,
                "version": version,
                "predictions": predictions(case),
            }
    FILE.write_text(json.dumps(stored, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
