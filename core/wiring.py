"""Which kinds of background work there are, and what is swept: the one module that knows all.

`core.jobs` knows tasks, processes and their states, and nothing of what they are about. Every
process that starts, watches or does background work calls `wire` first: the app, the command line
and `core.worker`.
"""

from core import builtin, exports, studies, sweeping, testing, training, uploads
from core.jobs.kinds import Kind, Sweep, wire_work

KINDS = {
    "UPLOAD": Kind(uploads.begin, uploads.settle, "core.upload_work", "short"),
    "TRAIN": Kind(training.begin, training.settle, "core.training_work", "train"),
    "TEST": Kind(testing.begin, testing.settle, "core.test_work", "short"),
    "EXPORT": Kind(exports.begin, exports.settle, "core.export_work", "short"),
    "STUDY": Kind(studies.begin, studies.settle, "core.study_work", "short"),
    "BUILTIN": Kind(builtin.begin, builtin.settle, "core.builtin_work", "short"),
}


def wire() -> None:
    """Tell `core.jobs` what there is; doing it again changes nothing."""
    wire_work(KINDS, Sweep(sweeping.is_needed, sweeping.sweep))
