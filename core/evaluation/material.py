"""Loads what every question about a test needs: model, dataset, and the batteries it knows.

It is loaded once and passed to the page, the leakage check and the test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.datasets.battery_sketches import SketchedBattery, load_records, load_sketches
from core.datasets.datasets import DatasetSummary, LoadedDataset
from core.evaluation.evaluations import UNSEEN
from core.leakage.relatives import KNOWN_ROLES, KnownRole, Relative, seen_relatives
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import ModelInfo
from db.tables.columns import Exposure


@dataclass(frozen=True)
class TestMaterial:
    """A model and a dataset to test it on.

    exposure : "train", "val" or "unseen" by battery id; a copy of a known battery counts as known
    seen : by id of a battery that the model does not know by its id but that is related to a known
        one: the role of the known one, and their closest relation
    """

    __test__ = False
    model: ModelInfo
    dataset: LoadedDataset
    exposure: dict[int, Exposure]
    seen: dict[int, tuple[KnownRole, Relative]]


def load_test_material(
    session: Session, user: CurrentUser, model: ModelInfo, dataset: LoadedDataset
) -> TestMaterial:
    """Compare the batteries of a dataset with the training and validation batteries of a model."""
    roles = get_job_roles(session, user, model.job_id)
    here = load_sketches(session, user, dataset.summary.id)
    own = model.dataset_id == dataset.summary.id
    there = here if own else load_sketches(session, user, model.dataset_id)
    read = partial(load_records, session, user)
    seen = seen_relatives(known_batteries(roles, there), here, read)
    known = {battery_id: role for battery_id, role in roles.items() if role != "test"}
    known |= copied_exposures(seen)
    exposure: dict[int, Exposure] = {
        battery_id: known.get(battery_id, UNSEEN) for battery_id in dataset.codes
    }
    return TestMaterial(model, dataset, exposure, seen)


def known_batteries(
    roles: Mapping[int, str], batteries: Sequence[SketchedBattery]
) -> dict[KnownRole, list[SketchedBattery]]:
    """Return the batteries that a model was fitted on ("train") or selected by ("val").

    roles : by battery id, in the model's training
    """
    return {
        role: [item for item in batteries if roles.get(item.battery_id) == role]
        for role in KNOWN_ROLES
    }


def copied_exposures(seen: Mapping[int, tuple[KnownRole, Relative]]) -> dict[int, KnownRole]:
    """Return the training role of batteries that the model knows under another code."""
    return {battery_id: role for battery_id, (role, tie) in seen.items() if tie.kind == "same"}


def without_recognition(material: TestMaterial) -> TestMaterial:
    """The same where recognised batteries count as unseen, because the owner says so."""
    copied = copied_exposures(material.seen)
    exposure = {i: UNSEEN if i in copied else known for i, known in material.exposure.items()}
    return replace(material, exposure=exposure)


def matched_columns(model: ModelInfo, dataset: DatasetSummary) -> list[str]:
    """Return the columns (feature_1, ...) of a dataset in the order of the model's features.

    Features are matched by name.

    Raises
    ------
    InvalidInput
        The dataset lacks features of the model.
    """
    columns = {feature.name.casefold(): feature.column for feature in dataset.features}
    missing = [name for name in model.config.features if name.casefold() not in columns]
    if missing:
        raise InvalidInput(
            f"{dataset.name!r} lacks {len(missing)} of the features that {model.title!r} needs: "
            f"{', '.join(missing)}. Choose a dataset with the same features, or upload it again "
            "with these names in the column mapping."
        )
    return [columns[name.casefold()] for name in model.config.features]


def default_batteries(material: TestMaterial) -> list[str]:
    """Return the codes that a test takes by default.

    On the dataset that the model was trained on: its test batteries that the model never saw.
    On another dataset, and where there are none: all batteries that the model never saw. If there
    are none of these, all.
    """
    frame = material.dataset.batteries
    unseen = frame[frame["battery_id"].map(material.exposure) == UNSEEN]
    own = material.model.dataset_id == material.dataset.summary.id
    tagged = unseen[(unseen["group_tag"] == "test") & own]
    chosen = next(part for part in (tagged, unseen, frame) if len(part) or part is frame)
    return [str(code) for code in chosen["battery_code"]]
