"""Small fleets with more features than `cycle_data` has columns for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.uploads import confirm_mapping, get_upload_info, receive_upload
from core.ingest.formats.readers import preview
from core.ingest.mapping import ColumnMapping
from tests.core.seeding import work_off, write_csv

# The first two are those of `write_csv`; x11 follows the loss of capacity, the others are noise.
NAMES = ("resistance", "temperature", *(f"x{number}" for number in range(3, 12)))


def write_wide(path: Path) -> pd.DataFrame:
    """Five batteries with eleven features; returns what the file holds, number by number."""
    frame = pd.read_csv(write_csv(path))
    random = np.random.default_rng(7)
    for name in NAMES[2:]:
        frame[name] = random.normal(0, 1, len(frame)) * 10.0 ** random.integers(-12, 12)
    noise = random.normal(0, 0.01, len(frame))
    frame["x11"] = (1.1 - frame["capacity"]) / 1.1 + noise
    frame.to_csv(path, index=False)
    return pd.read_csv(path)


def import_features(
    user: CurrentUser, path: Path, names: Sequence[str] = NAMES, name: str = "Wide fleet"
) -> int:
    """Read a file with these columns as features; returns the id of the dataset."""
    proposed = preview(path, path.name).mapping.to_json()
    features = [{"source_column": column} for column in names]
    mapping = ColumnMapping.from_json(
        {**proposed, "features": features, "nominal_capacity_ah": 1.1}
    )
    with path.open("rb") as stream, session_scope() as session:
        upload_id = receive_upload(session, user, path.name, stream)
        confirm_mapping(session, user, upload_id, mapping, name)
    work_off()
    with read_scope() as session:
        info = get_upload_info(session, user, upload_id)
    assert info.dataset_id is not None, info.error_message
    return info.dataset_id
