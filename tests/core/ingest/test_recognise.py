"""Columns are recognised by the names that files in the field use."""

import pandas as pd
import pytest
from core.ingest.recognise import propose_mapping, round_to_usual_capacity, split_unit


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("Discharge_Capacity(Ah)", ("Discharge_Capacity", "Ah")),
        ("Discharge_Capacity (Ah)", ("Discharge_Capacity", "Ah")),
        ("capacity_mah", ("capacity", "mAh")),
        ("temperature_avg_degc", ("temperature_avg", "degC")),
        ("Temperature [C]", ("Temperature", "degC")),
        ("temp_c", ("temp", "degC")),
        ("charge_time_min", ("charge_time", "min")),
        ("dqdv_min", ("dqdv_min", "")),
        ("Cycle C", ("Cycle C", "")),
        ("U/V", ("U", "V")),
        ("dV/dt(V/s)", ("dV/dt", "V/s")),
        ("cycle_count", ("cycle_count", "")),
        ("Ah", ("Ah", "")),
        ("", ("", "")),
    ],
)
def test_unit_is_split_off(column: str, expected: tuple[str, str]) -> None:
    assert split_unit(column) == expected


def _sample(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({name: [value, value] for name, value in columns.items()})


@pytest.mark.parametrize(
    "names",
    [
        ("battery_code", "cycle", "discharge_capacity_ah"),
        ("Cell ID", "Cycle_Index", "Discharge_Capacity(Ah)"),
        ("BARCODE", "cycle_count", "cycle_discharging_capacity_ah"),
        ("cell", "Cycle Number", "QD"),
    ],
)
def test_usual_names(names: tuple[str, str, str]) -> None:
    battery, cycle, capacity = names
    sample = _sample(**{battery: "a1", cycle: 1, capacity: 1.07, "IR": 0.017})
    mapping = propose_mapping(list(sample.columns), [sample]).mapping
    assert (mapping.battery_column, mapping.cycle_column) == (battery, cycle)
    assert (mapping.capacity_column, mapping.capacity_unit) == (capacity, "Ah")
    assert mapping.nominal_capacity_ah == 1.1
    assert [feature.source_column for feature in mapping.features] == ["IR"]


def test_columns_that_are_finite_in_the_sample_come_first() -> None:
    names = [f"reading {number}" for number in range(9)]
    sample = _sample(cycle=1, **dict.fromkeys(names, 0.5))
    sample.loc[1, "reading 3"] = -float("inf")
    mapping = propose_mapping(list(sample.columns), [sample]).mapping
    assert [feature.source_column for feature in mapping.features] == names[:3] + names[4:]


def test_capacity_in_mah_and_soh_in_percent() -> None:
    sample = _sample(cycle=1, capacity=1072.0, SOH=97.4, ir=0.1)
    proposal = propose_mapping(list(sample.columns), [sample])
    assert proposal.mapping.capacity_unit == "mAh"
    assert proposal.mapping.soh_unit == "percent"
    assert proposal.mapping.nominal_capacity_ah == 1.1
    assert any("mAh" in guess for guess in proposal.guesses)
    assert any("guess" in guess for guess in proposal.guesses)


def test_text_columns_and_other_labels_never_become_features() -> None:
    sample = _sample(cycle=1, capacity=1.0, qd=1.0, note="ok", discharge_energy_wh=3.2, ir=0.1)
    mapping = propose_mapping(list(sample.columns), [sample]).mapping
    assert [feature.source_column for feature in mapping.features] == ["ir"]


def test_time_series_gets_no_nominal_capacity() -> None:
    sample = _sample(Cycle_Index=1, Discharge_Capacity=2.5e-11, Voltage=3.2)
    proposal = propose_mapping(list(sample.columns), [sample])
    assert proposal.mapping.nominal_capacity_ah is None
    assert "time series" in proposal.guesses[0]


@pytest.mark.parametrize(
    ("measured", "usual"), [(1.07, 1.1), (1.12, 1.1), (1.9, 2.0), (2.05, 2.0), (4.8, 5.0)]
)
def test_rounding_to_usual_capacity(measured: float, usual: float) -> None:
    assert round_to_usual_capacity(measured) == usual


def test_large_cells_keep_two_digits() -> None:
    assert round_to_usual_capacity(278.4) == 280.0
