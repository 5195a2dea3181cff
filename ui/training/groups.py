"""Links to a training, or to the model whose twins an entry of the list stands for."""

from core.training.entries import TrainingEntry
from ui.shared.links import go, link

# The tab of the model page that shows the twins.
PHYSICS_VIEW = "Does physics help?"


def link_to(entry: TrainingEntry, icon: str | None = None) -> None:
    """A link to a training, or to the model whose twins it stands for."""
    if entry.origin is None:
        link(entry.job.name, "runs", icon=icon, job=entry.job.id)
    else:
        model_id = entry.origin.id
        link(entry.job.name, "models", icon=icon, model=model_id, model_view=PHYSICS_VIEW)


def open_entry(entry: TrainingEntry) -> None:
    """Leave for a training, or for the model whose twins it stands for."""
    if entry.origin is None:
        go("runs", job=entry.job.id)
    else:
        go("models", model=entry.origin.id, model_view=PHYSICS_VIEW)
