"""What the rows are: parts of a test, charge and discharge, blanks below a name, time series."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.base.errors import BadFile
from tests.core.ingest.recognition.fleets import fleet, look, read

ONE = fleet(codes=("C1",))


def _reset() -> pd.DataFrame:
    return ONE.assign(cycle=np.where(ONE["cycle"] > 25, ONE["cycle"] - 25, ONE["cycle"]))


def test_a_counter_that_starts_again_is_joined_on_the_users_word() -> None:
    found = look(_reset())
    assert found.mapping.parts == "join"
    assert [q.key for q in found.questions] == ["parts"]
    assert (
        "starts again at 1 after cycle 25 with its capacity going on" in found.questions[0].sentence
    )
    joined = read(_reset(), found.mapping)
    assert list(joined.frame["cycle"]) == list(range(1, 61))
    assert any("continues the count" in note for note in joined.notes)


def test_parts_can_be_batteries_of_their_own() -> None:
    mapping = replace(look(_reset()).mapping, parts="split")
    counts = read(_reset(), mapping).frame["battery_code"].value_counts()
    assert counts.to_dict() == {"C1 part 1": 25, "C1 part 2": 35}


def test_parts_that_nobody_spoke_of_refuse_the_file_and_name_the_option() -> None:
    mapping = replace(look(_reset()).mapping, parts="ask")
    with pytest.raises(BadFile, match=r"starts again at 1 .* --parts join"):
        read(_reset(), mapping)


@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_repeated_cycles_of_a_continued_test_are_kept_once(shift: float) -> None:
    again = ONE[ONE["cycle"].between(20, 25)]
    again = again.assign(discharge_capacity_ah=again["discharge_capacity_ah"] + shift)
    frame = pd.concat([ONE[:25], again, ONE[25:]], ignore_index=True)
    found = look(frame)
    assert found.questions == ()
    assert any("of the 6 repeated cycles the first one is kept" in g for g in found.guesses)
    kept = read(frame, found.mapping).frame
    assert list(kept["cycle"]) == list(range(1, 61))
    np.testing.assert_array_equal(kept["capacity"], ONE["discharge_capacity_ah"])


def test_rows_out_of_order_are_no_parts() -> None:
    found = look(fleet().sample(frac=1, random_state=0).reset_index(drop=True))
    assert found.mapping.parts == "ask"
    assert found.questions == ()


def test_charge_rows_are_left_aside() -> None:
    charge = ONE.assign(
        **{"ox/red": 1, "discharge_capacity_ah": ONE["discharge_capacity_ah"] + 0.01}
    )
    both = pd.concat([charge, ONE.assign(**{"ox/red": 0})]).sort_values("cycle", kind="stable")
    both = both.reset_index(drop=True)
    found = look(both)
    assert (found.mapping.direction_column, found.mapping.discharge_value) == ("ox/red", "0")
    raw = read(both, found.mapping)
    np.testing.assert_array_equal(raw.frame["capacity"], ONE["discharge_capacity_ah"])
    assert raw.notes == ("60 of 120 rows are read: those with 'ox/red' = '0', the discharge.",)


def test_a_name_in_the_first_row_alone_is_filled_down() -> None:
    frame = fleet()
    frame["cell"] = frame["cell"].where(frame["cycle"] == 1, "")
    found = look(frame)
    assert found.mapping.fill_down
    counts = read(frame, found.mapping).frame["battery_code"].value_counts()
    assert counts.to_dict() == {"C1": 60, "C2": 60, "C3": 60}


def test_a_time_series_is_refused_by_name() -> None:
    frame = ONE.loc[ONE.index.repeat(12)].reset_index(drop=True)
    with pytest.raises(BadFile, match=r"time series with about 12 rows a cycle.*one row per cycle"):
        look(frame)
    voltage = pd.DataFrame({"test_time_s": range(50), "Voltage(V)": 3.3, "Current(A)": -1.0})
    with pytest.raises(BadFile, match="time series of voltage and current without a cycle number"):
        look(voltage)


def test_equivalent_cycles_are_no_cycle_numbers() -> None:
    with pytest.raises(BadFile, match="'EFC' counts equivalent full cycles"):
        look(ONE.drop(columns="cycle").assign(EFC=0.93 * ONE["cycle"]))


def test_dates_beside_rows_without_a_number_are_said() -> None:
    dates = pd.date_range("2023-01-02", periods=60).strftime("%Y-%m-%d")
    found = look(ONE.drop(columns="cycle").assign(Date=dates))
    assert found.mapping.cycle_column is None
    assert any("no cycle number but dates ('Date')" in guess for guess in found.guesses)


def test_text_where_a_number_belongs_names_its_cell_and_a_date_its_cause() -> None:
    mapping = look(ONE).mapping
    frame = ONE.astype({"discharge_capacity_ah": object})
    frame.loc[4, "discharge_capacity_ah"] = "Jan 10"
    from core.ingest.formats.preview import make_preview
    from core.ingest.limits import DEFAULT_LIMITS
    from core.ingest.raw_frame import raw_frame
    from tests.core.ingest.recognition.fleets import file_of

    file = file_of(frame)
    table = file.tables[0]
    columns = tuple(
        replace(c, examples=((6, "Jan 10"),)) if c.n_texts else c for c in table.columns
    )
    file = replace(file, tables=(replace(table, columns=columns),))
    assert make_preview(file).mapping.capacity_column == "discharge_capacity_ah"
    with pytest.raises(BadFile, match=r"row 6: column .* turned a number into a date"):
        raw_frame(file, mapping, DEFAULT_LIMITS)
