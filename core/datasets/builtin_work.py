"""Filling a built-in dataset: simulated cells, or a file that the administrator registered."""

from core.base import storage
from core.base.database import read_scope, session_scope
from core.datasets.builtin import builtin_path
from core.datasets.demo_fleet import make_demo_fleet
from core.datasets.uploads import read_limits
from core.datasets.writing import publish, write_rows
from core.ingest.build import IngestResult, build_dataset
from core.ingest.feature_schema import FeatureSchema
from core.ingest.formats.readers import preview
from core.ingest.recognition.questions import require_answers
from core.jobs.context import TaskContext
from db.tables import Dataset


def work(context: TaskContext) -> None:
    """Read or simulate, store, and make visible with the last statement."""
    with read_scope() as session:
        stored = session.get_one(Dataset, context.subject_id).feature_schema
    source = FeatureSchema.from_json(stored).source_file
    result = _read(context, source) if source else make_demo_fleet()
    write_rows(
        context.subject_id,
        result,
        lambda share: context.report("Storing cycles", 0.5 + 0.5 * share),
    )
    with session_scope() as session:
        context.finish(session)
        publish(session, context.subject_id, result)


def _read(context: TaskContext, original_name: str) -> IngestResult:
    limits = read_limits()
    with storage.local_path(builtin_path(context.subject_id, original_name)) as path:
        seen = preview(path, original_name, limits)
        require_answers(seen.questions, ())
        mapping = seen.mapping
        return build_dataset(
            path,
            original_name,
            mapping,
            limits,
            lambda share, stage: context.report(stage, 0.5 * share),
        )
