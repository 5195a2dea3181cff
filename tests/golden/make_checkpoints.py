"""Makes one tiny checkpoint of every algorithm and question, in the format of today.

`python -m tests.golden.make_checkpoints FOLDER` writes `format<N>_<algorithm>_<question>.pt.gz`
and `format<N>.json`: the batteries that are asked about, and what each checkpoint answers. Run it
when the format of model files has changed, or an algorithm is new; what is there already stays.
"""

import gzip
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.model_versions.evidence import add_evidence, interval_facts, predict_floor
from models.inputs.predictor import facts_of
from models.inputs.series import BatterySeries, make_task
from models.model.checkpoint import FORMAT_VERSION, TrainedModel
from models.model.ensemble import combine
from models.model.fitting import fit
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_battery, make_fleet

BOTH = ("PCL", "RUL")
# Ten batteries to train on and three to validate give intervals by five folds ("cv+"), nine to
# validate by those alone ("split"), and with fewer there are none.
FOLDS, SPLIT, NONE = (10, 3), (5, 9), (5, 2)
AHEAD = {"max_horizon": 5}
HISTORY = AHEAD | {"use_capacity_history": True}
SMALL = {
    "device": "cpu",
    "epochs": 3,
    "hidden_size": 4,
    "num_layers": 1,
    "window_length": 4,
    "batch_size": 64,
    "boosting_rounds": 2,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 20,
}


@dataclass(frozen=True)
class Case:
    """One checkpoint: what it is asked, its settings, and on how many batteries it was made.

    counts : batteries for training and for validation, which decide how intervals come about
    members : the algorithms that an ensemble combines
    """

    algorithm: str
    question: str
    targets: tuple[str, ...] = BOTH
    settings: dict[str, Any] = field(default_factory=dict)
    counts: tuple[int, int] = SPLIT
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.algorithm.lower()}_{self.question}"


CASES = (
    Case("BASELINE", "estimate", counts=FOLDS, settings={"num_layers": 2}),
    Case("BASELINE", "forecast", settings=HISTORY | {"dropout": 0.1, "schedule": "STEP"}),
    Case("BILSTM", "estimate", ("PCL",)),
    Case("BILSTM", "forecast", settings=HISTORY),
    Case(
        "DEEPHPM",
        "estimate",
        settings={"loss_mode": "ADPBAL", "physics_inputs": ["s", "t", "u", "u_s"]},
    ),
    Case("DEEPHPM", "forecast", ("PCL",), settings=HISTORY | {"physics_weight": 0.5}),
    Case("VERHULST", "estimate"),
    Case("VERHULST", "forecast", ("RUL",), settings=AHEAD | {"loss_mode": "ADPBAL"}),
    Case("TREES", "estimate"),
    Case("TREES", "forecast", ("PCL",), settings=HISTORY),
    Case("LINEAR", "estimate", ("RUL",), settings={"ridge_alpha": 0.5}),
    Case("LINEAR", "forecast", settings=HISTORY, counts=NONE),
    Case("ENSEMBLE", "estimate", counts=FOLDS, members=("BASELINE", "VERHULST")),
    Case("ENSEMBLE", "forecast", ("PCL",), settings=HISTORY, members=("BILSTM", "DEEPHPM")),
    Case("MEAN", "estimate", counts=NONE),
    Case("MEAN", "forecast", settings=AHEAD),
    Case("LAST_VALUE", "forecast", ("PCL",), settings=AHEAD),
    Case("LAST_SLOPE", "forecast", ("PCL",), settings=AHEAD),
)


def make_model(case: Case) -> TrainedModel:
    """Train one case and surround it with intervals, range of applicability and floors."""
    n_train, n_val = case.counts
    fleet = [with_targets(s, case.targets) for s in make_fleet(n_train + n_val, first=20)]
    # One battery has not reached its end of life, so that nobody knows its RUL.
    fleet[1] = _censored(fleet[1], case.targets)
    train, val = fleet[:n_train], fleet[n_train:]
    if case.members:
        members = {name: _surrounded(name, case, train, val) for name in case.members}
        return _surrounded(case.algorithm, case, train, val, members)
    return _surrounded(case.algorithm, case, train, val)


def _surrounded(
    algorithm: str,
    case: Case,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    members: dict[str, TrainedModel] | None = None,
) -> TrainedModel:
    hp = resolve(algorithm, SMALL | case.settings)
    task = make_task(case.targets, FEATURES, hp)
    quiet: Any = {"threads": 1, "on_epoch": lambda report: None, "on_stage": lambda stage: None}
    if members:
        result = combine(members, train, val, task, hp, **quiet)
    else:
        result = fit(algorithm, train, val, task, hp, **quiet)
    return add_evidence(result.model, train, val, threads=1, report=lambda stage, share: None)


def with_targets(series: BatterySeries, targets: Sequence[str]) -> BatterySeries:
    columns = [BOTH.index(target) for target in targets]
    return replace(series, targets=series.targets[:, columns])


def _censored(series: BatterySeries, targets: Sequence[str]) -> BatterySeries:
    known = [np.nan if target == "RUL" else 1.0 for target in targets]
    return replace(series, targets=series.targets * known)


def batteries() -> list[BatterySeries]:
    """The batteries that every checkpoint is asked about: one with a gap, and a very short one."""
    return [make_battery("gap", 30, gap=5, seed=1), make_battery("short", 7, seed=1)]


def answers(model: TrainedModel, battery: BatterySeries) -> dict[str, Any]:
    """What a model says about a battery with both targets; a forecast at its largest horizon."""
    horizon, series = model.task.max_horizon, with_targets(battery, model.task.targets)
    found = model.predict(series, horizon)
    return {
        "cycle_num": found.cycle_num.tolist(),
        "y_pred": found.y_pred.tolist(),
        "y_lower": found.y_lower.tolist(),
        "y_upper": found.y_upper.tolist(),
        "floors": {
            name: predict_floor(floor, model.task, series, horizon).y_pred.tolist()
            for name, floor in model.floors.items()
        },
        "distance_ratio": model.applicability and model.applicability.distance_ratio(series),
    }


def facts(model: TrainedModel) -> dict[str, Any]:
    """What else must survive: the question, the settings that matter, and what was learned."""
    return {
        "algorithm": model.algorithm,
        "targets": list(model.task.targets),
        "feature_names": list(model.task.feature_names),
        "max_horizon": model.task.max_horizon,
        "use_capacity_history": model.task.use_capacity_history,
        "settings": model.hp.to_json(),
        "intervals": interval_facts(model),
        "folds": len(model.folds),
        "learned": facts_of(model.predictor),
    }


def main(folder: Path) -> None:
    """Write the checkpoints that are not there yet, and add them to the questions and answers."""
    asked, facts_file = batteries(), folder / f"format{FORMAT_VERSION}.json"
    known = json.loads(facts_file.read_text())["models"] if facts_file.exists() else {}
    for case in CASES:
        path = folder / f"format{FORMAT_VERSION}_{case.name}.pt.gz"
        if path.exists():
            continue
        saved = io.BytesIO()
        make_model(case).save(saved)
        # Four times smaller for trees; without a date, that the file may be made again.
        path.write_bytes(gzip.compress(saved.getvalue(), mtime=0))
        model = TrainedModel.load(io.BytesIO(saved.getvalue()))
        by_battery = {series.code: answers(model, series) for series in asked}
        known[path.name] = facts(model) | {"answers": by_battery}
    stored = {"batteries": [_plain(series) for series in asked], "models": known}
    # Numbers are written so that reading them gives the same float64 again; unknown ones are NaN.
    facts_file.write_text(json.dumps(stored, separators=(",", ":")) + "\n")


def _plain(series: BatterySeries) -> dict[str, Any]:
    arrays: dict[str, npt.NDArray[Any]] = {
        name: getattr(series, name) for name in ("cycle_num", "features", "targets", "soh")
    }
    return {"code": series.code} | {name: array.tolist() for name, array in arrays.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
