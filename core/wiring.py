"""Which kinds of background work there are, and what is swept: the one module that knows all.

`core.jobs` knows tasks, processes and their states, and nothing of what they are about. Every
process that starts, watches or does background work calls `wire` first: the app, the command line
and `core.worker`.
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
    """Tell `core.jobs` what there is; doing it again changes nothing."""
    wire_work(KINDS, Sweep(sweeping.is_needed, sweeping.sweep))
