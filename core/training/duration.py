"""Estimates how long a training takes: each algorithm, and all of them together."""

from collections.abc import Mapping

from core.base.settings import get_settings
from core.datasets.datasets import LoadedDataset
from core.training.ensembles import ENSEMBLE
from core.training.features import chosen_features
from core.training.request import TrainingRequest
from core.training.start import checked_roles, checked_settings
from models.settings.resolving import estimate_seconds
from models.uncertainty.intervals import choose_method, fits_of

# Time of a run besides fitting: a process starts, cycles are read, the model and its floors are
# scored and stored. Algorithms without epochs took 7 to 10 s in all (74,845 cycles, two cores).
SECONDS_AROUND_A_TRAINING = 8.0


def estimate_duration_s(request: TrainingRequest, dataset: LoadedDataset) -> dict[str, float]:
    """Rough seconds of each algorithm if every epoch is run, from measured throughput.

    The models that only serve the intervals count too. `dataset` is the one of the request.
    Raises `InvalidInput` as `core.training.start.plan_training`.
    """
    settings = checked_settings(request)
    roles = checked_roles(request, dataset)
    chosen_features(request.features, dataset.summary.features)
    cycles = dataset.batteries.set_index("battery_id")
    rows = int(
        cycles.loc[[i for i, role in roles.items() if role == "train"], "total_cycles"].sum()
    )
    threads = get_settings().threads_per_process
    n_train, n_val = (list(roles.values()).count(role) for role in ("train", "val"))
    return {
        algorithm: SECONDS_AROUND_A_TRAINING
        + estimate_seconds(algorithm, hp, rows, threads)
        * fits_of(algorithm, choose_method(n_train, n_val))
        for algorithm, hp in settings.items()
    }


def total_duration_s(durations_s: Mapping[str, float]) -> float:
    """Seconds until the last of these runs ends, with as many at a time as the settings allow."""
    busy_until = [0.0] * get_settings().max_processes
    for algorithm, seconds in durations_s.items():
        if algorithm != ENSEMBLE:
            first_free = busy_until.index(min(busy_until))
            busy_until[first_free] += seconds
    return max(busy_until) + durations_s.get(ENSEMBLE, 0.0)
