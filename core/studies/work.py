"""Carrying out a study: compute everything, then store the result with one last transaction."""

from collections.abc import Callable
from typing import Any

from core.access.actor import load_user
from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.jobs.context import TaskContext
from core.jobs.states import move
from core.studies.early_life import KIND as EARLY_LIFE
from core.studies.early_life_fit import study_early_life
from core.studies.row_split import KIND as ROW_SPLIT
from core.studies.row_split_fit import study_row_split
from core.studies.studies import StudyAssignment, load_assignment
from db.tables import Study
from db.tables.columns import StudyKind, utc_now

Carry = Callable[[StudyAssignment, Callable[[str, float], None]], dict[str, Any]]
STUDIES: dict[StudyKind, Carry] = {EARLY_LIFE: study_early_life, ROW_SPLIT: study_row_split}


def work(context: TaskContext) -> None:
    """Compute the study of its kind and make its result visible with the last statement."""
    with read_scope() as session:
        user = load_user(session, context.user_id)
        assignment = load_assignment(session, user, context.subject_id)
    if assignment.kind not in STUDIES:
        raise TaskFailed(f"Studies of the kind {assignment.kind!r} are not known any more.")
    result = STUDIES[assignment.kind](assignment, context.report)
    context.flush()
    with session_scope() as session:
        context.finish(session)
        values = {"result": result, "finished_at": utc_now()}
        if not move(session, Study, context.subject_id, "SUCCEEDED", **values):
            raise TaskFailed("The study was ended while its result was being stored.")
