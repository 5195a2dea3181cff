"""The MATLAB file of the Severson study, whose columns are known."""

from collections.abc import Sequence

from core.ingest.mapping import ColumnMapping, FeatureColumn

BATTERY_COLUMN = "battery"
SPLIT_COLUMN = "split"
CYCLES, PCL, RUL, FEATURES = "Cycles_Flt", "PCL_Flt", "RUL_Flt", "Features_mov_Flt"
NOMINAL_CAPACITY_AH = 1.1
FEATURE_NAMES = (
    ("slope", "Ah"),
    ("intercept", "1/Ah"),
    ("temperature_avg", "degC"),
    ("internal_resistance", "ohm"),
    ("charge_time", "min"),
    ("dqdv_max", "Ah/V"),
    ("dqdv_min", "Ah/V"),
    ("dqdv_variance", "(Ah/V)^2"),
)


def severson_mapping(columns: Sequence[str]) -> ColumnMapping | None:
    """The mapping of this file; None for a file with other columns."""
    features = [name for name in columns if name.startswith(FEATURES)]
    if CYCLES not in columns or BATTERY_COLUMN not in columns or not features:
        return None
    return ColumnMapping(
        battery_column=BATTERY_COLUMN,
        cycle_column=CYCLES,
        pcl_column=PCL if PCL in columns else None,
        rul_column=RUL if RUL in columns else None,
        split_column=SPLIT_COLUMN if SPLIT_COLUMN in columns else None,
        features=tuple(
            FeatureColumn(name, unit, source)
            for (name, unit), source in zip(FEATURE_NAMES, features, strict=False)
        ),
        nominal_capacity_ah=NOMINAL_CAPACITY_AH,
    )
