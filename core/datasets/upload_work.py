"""Reading an uploaded file into a dataset."""

from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.datasets.uploads import read_limits
from core.datasets.writing import create_loading_dataset, publish, write_rows
from core.ingest.build import IngestResult, build_dataset
from core.ingest.checks import UnusableRows
from core.ingest.limited import memory_limit
from core.ingest.mapping import ColumnMapping
from core.jobs.context import TaskContext
from core.jobs.states import move
from core.removal import sweeping
from db.tables import DataUpload
from db.tables.columns import utc_now

# Share of the progress bar that reading takes; writing the rows takes the rest.
READING_SHARE = 0.5


def work(context: TaskContext) -> None:
    """Read, label and store; the dataset becomes visible with the last statement."""
    sweeping.remove_unfinished_dataset(context.subject_id)
    with read_scope() as session:
        upload = session.get_one(DataUpload, context.subject_id)
    stored = upload.mapping or {}
    result = _read(context, upload, ColumnMapping.from_json(stored["columns"]))
    with session_scope() as session:
        dataset_id = create_loading_dataset(
            session, stored["dataset_name"], upload.user_id, upload.id
        )
    write_rows(
        dataset_id,
        result,
        lambda share: context.report("Storing cycles", READING_SHARE + (1 - READING_SHARE) * share),
    )
    with session_scope() as session:
        context.finish(session)
        publish(session, dataset_id, result)
        moved = move(
            session,
            DataUpload,
            upload.id,
            "SUCCEEDED",
            report=result.report,
            processed_at=utc_now(),
        )
        if not moved:
            raise TaskFailed("Reading was ended while the dataset was being stored.")


def _read(context: TaskContext, upload: DataUpload, mapping: ColumnMapping) -> IngestResult:
    try:
        with (
            storage.local_path(upload.stored_path) as path,
            memory_limit(upload.original_filename),
        ):
            return build_dataset(
                path,
                upload.original_filename,
                mapping,
                read_limits(),
                lambda share, stage: context.report(stage, READING_SHARE * share),
            )
    except UnusableRows as error:
        # The page lists them, so that the user can choose between dropping and correcting.
        problems = [problem.to_json() for problem in error.problems.listed]
        with session_scope() as session:
            session.get_one(DataUpload, upload.id).report = {
                "problems": problems,
                "problem_counts": dict(error.problems.counts),
                "may_drop": error.problems.may_drop,
            }
        raise
