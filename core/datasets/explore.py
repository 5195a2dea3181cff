"""Data for exploring a dataset: curves of all batteries, distributions, correlations."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.datasets.cycles import load_cycles
from core.datasets.datasets import battery_ids, features_of, list_batteries
from core.ingest.feature_schema import FeatureSchema
from core.ingest.isolated_readings import isolated_mask, isolated_rows
from core.measures.curves import downsample


@dataclass(frozen=True)
class Quantity:
    """Something that can be drawn against the cycle number.

    factor turns stored values into `unit` (PCL and SOH are stored as fractions, shown in %).
    """

    column: str
    label: str
    unit: str
    factor: float = 1.0


def list_quantities(session: Session, user: CurrentUser, dataset_id: int) -> list[Quantity]:
    """Quantities of a dataset that can be drawn: labels first, then its features."""
    schema = FeatureSchema.from_json(guard.get_dataset(session, user, dataset_id).feature_schema)
    return [
        Quantity("soh", "State of health (SOH)", "%", 100.0),
        Quantity("pcl", "Percentage capacity loss (PCL)", "%", 100.0),
        Quantity("capacity_ah", "Discharge capacity", "Ah"),
        Quantity("rul", "Remaining useful life (RUL)", "cycles"),
        *(Quantity(f.column, f.name, f.unit) for f in features_of(schema)),
    ]


def fleet_curves(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    column: str,
    points_per_battery: int = 60,
) -> pd.DataFrame:
    """One quantity of every battery against cycle number, thinned for the screen.

    Returns
    -------
    battery_code, cycle_num, value (storage units), group_tag, cycle_life
    """
    _require_quantity(session, user, dataset_id, column)
    source = "pcl" if column == "soh" else column
    frame = load_cycles(session, user, dataset_id, [source])
    frame["value"] = 1.0 - frame[source] if column == "soh" else frame[source]
    if column == "capacity_ah" and frame["value"].isna().all():
        frame = _capacity_from_pcl(session, user, dataset_id)
    frame = frame[["battery_code", "cycle_num", "value"]].dropna(subset=["value"])
    thin = downsample(frame, "battery_code", "value", points_per_battery)
    batteries = list_batteries(session, user, dataset_id)
    known = batteries[["battery_code", "group_tag", "cycle_life"]]
    return thin.astype({"battery_code": "object"}).merge(known, on="battery_code", how="left")


def battery_cycles(
    session: Session, user: CurrentUser, dataset_id: int, battery_code: str
) -> pd.DataFrame:
    """Every cycle of one battery with all features and labels, `soh`, and `isolated` (bool)."""
    ids = battery_ids(session, user, dataset_id, [battery_code])
    frame = load_cycles(session, user, dataset_id, battery_ids=list(ids.values()))
    soh = 1.0 - frame["pcl"]
    return frame.assign(soh=soh, isolated=isolated_mask(soh.to_numpy(np.float64)))


def isolated_readings(session: Session, user: CurrentUser, dataset_id: int) -> pd.DataFrame:
    """The isolated low readings of a dataset: battery_code, cycle_num, soh (fraction)."""
    frame = load_cycles(session, user, dataset_id, ["pcl"])
    found = frame.loc[isolated_rows(frame)]
    return pd.DataFrame(
        {
            "battery_code": found["battery_code"].astype(object),
            "cycle_num": found["cycle_num"],
            "soh": 1.0 - found["pcl"],
        }
    ).reset_index(drop=True)


def feature_values(
    session: Session, user: CurrentUser, dataset_id: int, column: str, max_points: int = 6000
) -> pd.DataFrame:
    """Values of one quantity with each battery's split role, for box plots; evenly thinned."""
    _require_quantity(session, user, dataset_id, column)
    source = "pcl" if column == "soh" else column
    frame = load_cycles(session, user, dataset_id, [source])
    frame["value"] = 1.0 - frame[source] if column == "soh" else frame[source]
    frame = frame.dropna(subset=["value"])
    thin = frame.iloc[:: max(1, -(-len(frame) // max_points))]
    roles = list_batteries(session, user, dataset_id)[["battery_code", "group_tag"]]
    return (
        thin[["battery_code", "value"]]
        .astype({"battery_code": "object"})
        .merge(roles, on="battery_code", how="left")
    )


def correlations(session: Session, user: CurrentUser, dataset_id: int) -> pd.DataFrame:
    """Spearman rank correlation of features and targets over all cycles; names as labels.

    Ranks are used because one glitch of an instrument can decide a Pearson correlation.
    """
    schema = FeatureSchema.from_json(guard.get_dataset(session, user, dataset_id).feature_schema)
    features = features_of(schema)
    frame = load_cycles(session, user, dataset_id, [*(f.column for f in features), "pcl", "rul"])
    names = {f.column: f.name for f in features} | {"pcl": "PCL", "rul": "RUL"}
    numbers = frame[list(names)].rename(columns=names)
    return numbers.dropna(axis=1, how="all").corr(method="spearman")


def _capacity_from_pcl(session: Session, user: CurrentUser, dataset_id: int) -> pd.DataFrame:
    frame = load_cycles(session, user, dataset_id, ["pcl"])
    batteries = list_batteries(session, user, dataset_id)
    nominal = batteries.set_index("battery_code")["nominal_capacity"]
    per_row = frame["battery_code"].astype(object).map(nominal).to_numpy(np.float64)
    return frame.assign(value=(1.0 - frame["pcl"]) * per_row)


def _require_quantity(session: Session, user: CurrentUser, dataset_id: int, column: str) -> None:
    offered = {quantity.column for quantity in list_quantities(session, user, dataset_id)}
    if column not in offered:
        raise InvalidInput("The dataset has no such column. Pick one from the list.")
