"""What each kind of background work does, and how its subject follows the end of the task."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from sqlalchemy.orm import Session

from core import builtin, exports, studies, testing, training, uploads
from core.jobs.tasks import end_task
from db.tables import BackgroundTask


@dataclass(frozen=True)
class Kind:
    """One kind of work.

    begin, settle : move the subject along with the task, in the task's transaction
    work_module : imported only in the process that does the work (it may import torch)
    lane : tasks of one lane share FADEBENCH_MAX_PROCESSES, so that a long training never keeps
        an upload waiting
    """

    begin: Callable[[Session, int], None]
    settle: Callable[[Session, int, str, str], None]
    work_module: str
    lane: str

    def load_work(self) -> Callable[..., None]:
        """The function that does the work."""
        work: Callable[..., None] = import_module(self.work_module).work
        return work


KINDS = {
    "UPLOAD": Kind(uploads.begin, uploads.settle, "core.jobs.upload_work", "short"),
    "TRAIN": Kind(training.begin, training.settle, "core.jobs.train_work", "train"),
    "TEST": Kind(testing.begin, testing.settle, "core.jobs.test_work", "short"),
    "EXPORT": Kind(exports.begin, exports.settle, "core.jobs.export_work", "short"),
    "STUDY": Kind(studies.begin, studies.settle, "core.jobs.study_work", "short"),
    "BUILTIN": Kind(builtin.begin, builtin.settle, "core.jobs.builtin_work", "short"),
}


def settle_task(session: Session, task: BackgroundTask, status: str, message: str) -> bool:
    """End a task without success, together with its subject; False if it had ended before."""
    if not end_task(session, task.id, status, message):
        return False
    KINDS[task.kind].settle(session, task.subject_id, status, message)
    return True
