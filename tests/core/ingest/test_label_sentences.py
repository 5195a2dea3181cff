"""What is said about the labels of tables as people have them, and the lives they give."""

import numpy as np
import pandas as pd
import pytest

from core.base.errors import BadFile
from core.ingest.checks import apply_checks
from core.ingest.labels import LabelledData, label_cycles
from core.ingest.mapping import ColumnMapping
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data
CAPACITY = "discharge_capacity_ah"
LIVES = [201, 221, 241, 261]


def labelled(name: str, nominal_ah: float | None = 1.1, **columns: str) -> LabelledData:
    """A table of the field, read without the product's own reader; columns by role."""
    table = pd.read_csv(SHARED_DATA / "field" / name)
    roles = {"capacity": CAPACITY, **columns}
    frame = pd.DataFrame(
        {
            "battery_code": pd.Categorical(table["cell_id"].astype(str)),
            "file_row": np.arange(2, len(table) + 2),
            "cycle": table["cycle"].astype(float),
            **{role: table[column].astype(float) for role, column in roles.items()},
        }
    )
    named = {f"{role}_column": column for role, column in roles.items()}
    mapping = ColumnMapping(
        battery_column="cell_id",
        cycle_column="cycle",
        nominal_capacity_ah=nominal_ah,
        **named,  # type: ignore[arg-type]
    )
    return label_cycles(apply_checks(frame, mapping)[0], mapping)


def lives(data: LabelledData) -> list[int | None]:
    return [None if pd.isna(life) else int(life) for life in data.batteries["cycle_life"]]


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("base.csv", LIVES, ""),
        ("rounded_3_decimals.csv", LIVES, ""),
        ("rounded_2_decimals.csv", [203, 223, 244, 264], ""),
        ("blank_capacity_midlife.csv", LIVES, ""),
        ("capacity_only_at_rpt.csv", [201, 251, 251, None], ""),
        ("sparse_checkups.csv", [2000, 2100, 2200, 2300], ""),
        ("never_eol.csv", [None] * 4, ""),
        ("isolated_dip_at_90.csv", LIVES, "C1 in cycle 90 (SOH 77.3%)"),
        ("zero_capacity_midlife.csv", LIVES, "C1 in cycle 77 (SOH 0.0%)"),
        ("zero_capacity_cycles.csv", LIVES, "8 isolated low readings in 4 batteries"),
        ("formation_first3_low.csv", LIVES, "12 isolated low readings in 4 batteries"),
        ("navani31_every_other_halved.csv", [None] * 4, "C1: 149 of 300 rows, every other cycle"),
        ("rpt_mixed_rates.csv", [2] * 4, "C1 every 50 cycles"),
        ("recovery_crossings.csv", [205, 221, 241, 261], "after the end of life: C2, C3."),
    ],
)
def test_lives_by_capacity(name: str, expected: list[int | None], said: str) -> None:
    data = labelled(name)
    assert lives(data) == expected
    if said:
        assert said in " ".join(data.warnings)
    else:
        assert data.warnings == ()


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("rul_given_ok.csv", LIVES, ""),
        ("rul_negative_after_eol.csv", LIVES, ""),
        ("rul_zero_after_eol.csv", LIVES, "C1 99"),
        ("rul_off_by_one.csv", [202, 222, 242, 262], "by up to 1 cycle: C1 202 in the file, 201"),
        ("batterylife13_negative_life.csv", LIVES, "no RUL above 0 in the file (C2)"),
        ("rul_clipped_125.csv", LIVES, "C4 by up to 135 cycles in 135 rows, held at 125"),
        ("rul_zero_long_tail.csv", [151, 161], "Z1 349, Z2 339 rows"),
    ],
)
def test_lives_of_the_file(name: str, expected: list[int], said: str) -> None:
    data = labelled(name, rul="RUL")
    assert lives(data) == expected
    assert not data.batteries["censored"].any()
    assert said in " ".join(data.warnings)
    if not said:
        assert data.warnings == ()
    life = (
        data.cycles["battery_code"]
        .astype(object)
        .map(dict(zip(data.batteries["battery_code"], expected, strict=True)))
    )
    assert data.cycles.loc[data.cycles["cycle_num"] > life, "rul"].isna().all()


@pytest.mark.parametrize(
    ("name", "column"),
    [("rul_percent_whole_numbers.csv", "RUL (%)"), ("rul_normalised.csv", "RUL")],
)
def test_rul_that_counts_no_cycles_is_refused(name: str, column: str) -> None:
    with pytest.raises(BadFile, match="not RUL in cycles"):
        labelled(name, rul=column)


def test_a_column_of_lives_is_taken_where_capacity_stops_at_the_threshold() -> None:
    name = "rdbraatz9_cycle_life_column.csv"
    assert lives(labelled(name)) == [None] * 4
    data = labelled(name, life="cycle_life")
    assert lives(data) == LIVES
    assert data.origins.life_batteries == {"C1", "C2", "C3", "C4"}
    assert "by capacity 4 of them would have none" in data.warnings[0]
    assert data.cycles["rul"].tolist()[:2] == [200, 199]


def test_nominal_capacity_by_battery_goes_before_the_number() -> None:
    for nominal in (None, 1.1):
        data = labelled("nominal_per_cell_column.csv", nominal, nominal="nominal_capacity")
        assert lives(data) == [201, 221, 201, 221]
        assert data.batteries["nominal_capacity"].nunique() == 2


def test_soh_that_disagrees_with_capacity_is_said() -> None:
    table = pd.DataFrame(
        {
            "battery_code": pd.Categorical(["a"] * 3),
            "cycle": [1.0, 2.0, 3.0],
            "capacity": [1.1, 1.0, 0.9],
            "soh": [1.0, 0.91, 0.70],
        }
    )
    mapping = ColumnMapping(capacity_column="q", soh_column="s", nominal_capacity_ah=1.1)
    (said,) = (w for w in label_cycles(table, mapping).warnings if "SOH of the file differs" in w)
    assert "a by up to 11.8% in cycle 3" in said
