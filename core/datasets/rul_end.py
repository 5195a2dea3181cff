"""At which SOH the RUL of a dataset's file ends, as its owner states it."""

from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.ingest.feature_schema import FeatureSchema
from core.ingest.mapping import EOL_RANGE


def state_rul_end_of_life(
    session: Session, user: CurrentUser, dataset_id: int, threshold: float | None
) -> None:
    """Keep the SOH (fraction) at which the RUL of the file ends; None = unknown.

    No label changes by it: it tells with which other RUL this one may be compared.

    Raises
    ------
    InvalidInput
        The RUL is not from the file, or the threshold is out of range.
    """
    dataset = guard.get_owned_dataset(session, user, dataset_id, lock=True)
    schema = FeatureSchema.from_json(dataset.feature_schema)
    if schema.origin_of("RUL") != "file":
        raise InvalidInput(
            "The RUL of this dataset is computed, so it ends at the dataset's own end of life. "
            "Change that instead."
        )
    low, high = EOL_RANGE
    if threshold is not None and not low <= threshold <= high:
        raise InvalidInput(
            f"The end of life of the file's RUL must lie between {low:.0%} and {high:.0%} of the "
            "nominal capacity."
        )
    dataset.feature_schema = schema.changed(rul_eol_threshold=threshold).to_json()
    session.flush()
