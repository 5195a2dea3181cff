"""The list of all kinds of background work, and of what is removed afterwards.

`core.jobs` handles tasks and processes without importing any of these modules; `wire` hands them
over. Every process that starts, watches or does background work calls `wire` first: the app, the
command line and `core.worker`.
"""

from core.datasets import builtin, uploads
from core.evaluation import evaluations, exports
from core.jobs.kinds import Kind, Sweep, wire_work
from core.removal import sweeping
from core.studies import studies
from core.training import trainings
from db.tables.columns import TaskKind

KINDS: dict[TaskKind, Kind] = {
    "UPLOAD": Kind(uploads.begin, uploads.settle, "core.datasets.upload_work", "short"),
    "TRAIN": Kind(trainings.begin, trainings.settle, "core.training.work", "train"),
    "TEST": Kind(evaluations.begin, evaluations.settle, "core.evaluation.work", "short"),
    "EXPORT": Kind(exports.begin, exports.settle, "core.evaluation.export_work", "short"),
    "STUDY": Kind(studies.begin, studies.settle, "core.studies.work", "short"),
    "BUILTIN": Kind(builtin.begin, builtin.settle, "core.datasets.builtin_work", "short"),
}


def wire() -> None:
    """Pass all kinds of work and the sweep to `core.jobs`; a second call changes nothing."""
    wire_work(KINDS, Sweep(sweeping.is_needed, sweeping.sweep))
