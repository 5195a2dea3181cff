"""Where a model comes from: the batteries of its training and their roles."""

from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from db.tables import TrainingJob, TrainingJobBattery
from db.tables.columns import Role


def get_job_roles(session: Session, user: CurrentUser, job_id: int) -> dict[int, Role]:
    """Role (train, val, test) of each battery of a training job, by battery id."""
    rows = session.execute(
        guard.visible_jobs(user)
        .where(TrainingJob.id == job_id)
        .join(TrainingJobBattery, TrainingJobBattery.job_id == TrainingJob.id)
        .with_only_columns(TrainingJobBattery.battery_id, TrainingJobBattery.split_role)
    ).all()
    if not rows:
        guard.get_job(session, user, job_id)
    return {row.battery_id: row.split_role for row in rows}
