"""Columns are known by the names that files in the field use, and by nothing less."""

import pytest

from core.ingest.recognition.column_names import (
    columns_by_role,
    hint_of,
    role_of,
    speaks_of_label,
    split_unit,
    unit_in_name,
)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("Discharge_Capacity(Ah)", ("Discharge_Capacity", "Ah")),
        ("Discharge_Capacity (Ah)", ("Discharge_Capacity", "Ah")),
        ("capacity_mah", ("capacity", "mAh")),
        ("capacity_ahr", ("capacity", "Ah")),
        ("Capacity/mA.h", ("Capacity", "mAh")),
        ("放电容量/mAh", ("放电容量", "mAh")),
        ("平均温度(℃)", ("平均温度", "degC")),
        ("内阻(Ω)", ("内阻", "ohm")),
        ("capacity_%", ("capacity", "percent")),
        ("Discharge capacity (mAh/g)", ("Discharge capacity", "mAh/g")),
        ("temperature_avg_degc", ("temperature_avg", "degC")),
        ("Temperature [C]", ("Temperature", "degC")),
        ("temp_c", ("temp", "degC")),
        ("charge_time_min", ("charge_time", "min")),
        ("dqdv_min", ("dqdv_min", "")),
        ("Cycle C", ("Cycle C", "")),
        ("capacity (2)", ("capacity (2)", "")),
        ("U/V", ("U", "V")),
        ("dV/dt(V/s)", ("dV/dt", "V/s")),
        ("cycle_count", ("cycle_count", "")),
        ("Ah", ("Ah", "")),
        ("", ("", "")),
    ],
)
def test_unit_is_split_off(column: str, expected: tuple[str, str]) -> None:
    assert split_unit(column) == expected


@pytest.mark.parametrize(
    ("column", "role"),
    [
        ("Cell ID", "battery"),
        ("BARCODE", "battery"),
        ("电池编号", "battery"),
        ("Zellen-ID", "battery"),
        ("Cycle_Index", "cycle"),
        ("Cyc#", "cycle"),
        ("循环序号", "cycle"),
        ("Zyklusnummer", "cycle"),
        ("Discharge_Capacity(Ah)", "capacity"),
        ("DChg. Cap.(Ah)", "capacity"),
        ("Cap_DChg(mAh)", "capacity"),
        ("Q discharge/mA.h", "capacity"),
        ("cycle_discharging_capacity_ah", "capacity"),
        ("capacityAh", "capacity"),
        ("Entladekapazität [Ah]", "capacity"),
        ("容量保持率", "soh"),
        ("Capacity fade (%)", "pcl"),
        ("remaining useful life", "rul"),
        ("cycle_life", "life"),
        ("Nominal Capacity (Ah)", "nominal"),
        ("额定容量", "nominal"),
        ("ox/red", "direction"),
        ("Charge_Capacity(Ah)", None),
        ("cap_copy", None),
        ("internal resistance", None),
    ],
)
def test_usual_names_have_a_role(column: str, role: str | None) -> None:
    assert role_of(column) == role


def test_discharge_capacity_goes_before_capacity() -> None:
    found = columns_by_role(["capacity", "QD", "Discharge_Capacity(Ah)", "ir"])
    assert found == {"capacity": ["Discharge_Capacity(Ah)", "QD", "capacity"]}


def test_a_unit_may_be_glued_to_the_name() -> None:
    assert (unit_in_name("capacityAh"), unit_in_name("capacitymAh")) == ("Ah", "mAh")


def test_a_misspelt_name_gives_a_hint_and_no_role() -> None:
    assert (role_of("Dischagre Capacity"), hint_of("Dischagre Capacity")) == (None, "capacity")
    assert hint_of("Charge_Capacity(Ah)") is None
    assert hint_of("internal resistance") is None


@pytest.mark.parametrize("column", ["cap_copy", "capacity (2)", "CycleLife", "my SOH", "容量2"])
def test_a_name_with_a_word_of_a_label_speaks_of_one(column: str) -> None:
    assert speaks_of_label(column)


@pytest.mark.parametrize("column", ["ir_ohm", "CC Q", "voltage_mean", "escape rate", "ruler"])
def test_other_names_do_not(column: str) -> None:
    assert not speaks_of_label(column)
