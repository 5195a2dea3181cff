"""Unit, scale and nominal capacity are judged on all rows; what is open is asked."""

from dataclasses import replace

import numpy as np
import pytest

from core.base.errors import BadFile, InvalidInput
from core.ingest.recognition.nominal_capacity import usual_capacity
from core.ingest.recognition.questions import answered, open_questions, require_answers
from tests.core.ingest.recognition.fleets import fleet, look, read, renamed

CAPACITY = fleet()["discharge_capacity_ah"]


@pytest.mark.parametrize(
    ("measured", "usual"),
    [(1.07, 1.1), (1.12, 1.1), (2.05, 2.0), (278.4, 280.0), (134.85, 135.0), (0.04, 0.04)],
)
def test_a_guess_moves_by_no_more_than_three_percent(measured: float, usual: float) -> None:
    assert usual_capacity(measured) == usual


@pytest.mark.parametrize(
    ("factor", "unit", "nominal", "asked"),
    [
        (1.0, "Ah", 1.1, False),
        (1000.0, "mAh", 1.1, False),
        (4.0, "Ah", 4.4, True),
        (0.5, "Ah", 0.55, True),
        (250.0, "Ah", 275.0, True),
    ],
)
def test_a_unit_is_asked_where_the_size_does_not_tell_it(
    factor: float, unit: str, nominal: float, asked: bool
) -> None:
    found = look(renamed("capacity", factor * CAPACITY))
    assert found.mapping.capacity_unit == unit
    assert found.mapping.nominal_capacity_ah == pytest.approx(nominal, rel=0.03)
    assert [q.key for q in found.questions] == (["capacity_unit"] if asked else [])


def test_the_answer_about_the_unit_moves_the_guessed_nominal_capacity() -> None:
    found = look(renamed("capacity", 4.0 * CAPACITY))
    mapping = answered(found.mapping, "capacity_unit", "mAh")
    assert mapping.capacity_unit == "mAh"
    assert mapping.nominal_capacity_ah == pytest.approx(0.0044, rel=0.03)


def test_the_command_line_names_the_option_that_answers() -> None:
    questions = look(renamed("capacity", 4.0 * CAPACITY)).questions
    with pytest.raises(InvalidInput, match=r"is it Ah or mAh\? Answer with --capacity-unit"):
        require_answers(questions, {"eol_threshold"})
    require_answers(questions, {"capacity_unit"})
    assert open_questions(questions, {"soh_column"}) == ()


@pytest.mark.parametrize(
    ("column", "factor", "unit"),
    [
        ("capacity", 1 / 1.096, "fraction"),
        ("capacity", 100 / 1.096, "percent"),
        ("Capacity (%)", 80 / 1.1, "percent"),
    ],
)
def test_a_capacity_as_a_share_is_taken_as_soh(column: str, factor: float, unit: str) -> None:
    frame = fleet(codes=("C1",)).rename(columns={"discharge_capacity_ah": column})
    frame[column] *= factor
    mapping = look(frame).mapping
    assert (mapping.capacity_column, mapping.soh_column) == (None, column)
    assert mapping.soh_unit == unit


def test_a_loss_in_percent_that_starts_below_one_is_percent() -> None:
    assert look(renamed("PCL", 100 * (1 - CAPACITY / 1.1))).mapping.pcl_unit == "percent"
    assert look(renamed("PCL", 1 - CAPACITY / 1.1)).mapping.pcl_unit == "fraction"
    small = look(renamed("PCL", 0.01 * (1 - CAPACITY / 1.1)))
    assert [question.key for question in small.questions] == ["pcl_unit"]


def test_capacity_per_mass_is_refused() -> None:
    with pytest.raises(BadFile, match="capacity per mass"):
        look(renamed("Discharge capacity (mAh/g)", 140 * CAPACITY))


def test_low_formation_cycles_and_row_order_do_not_move_the_guess() -> None:
    frame = fleet()
    frame.loc[frame["cycle"] <= 3, "discharge_capacity_ah"] = 0.7
    assert look(frame[::-1].reset_index(drop=True)).mapping.nominal_capacity_ah == 1.1


def test_two_sizes_are_said_and_asked_and_kept_per_battery() -> None:
    frame = fleet()
    frame.loc[frame["cell"] == "C3", "discharge_capacity_ah"] *= 3 / 1.1
    found = look(frame)
    assert [question.key for question in found.questions] == ["nominal_capacity_ah"]
    assert "C3 start at about" in found.questions[0].sentence
    assert found.mapping.nominal_by_battery == {"C1": 1.1, "C2": 1.1, "C3": 3.0}
    nominal = read(frame, found.mapping).frame.groupby("battery_code", observed=True)["nominal"]
    assert nominal.first().to_dict() == {"C1": 1.1, "C2": 1.1, "C3": 3.0}
    one = answered(found.mapping, "nominal_capacity_ah", "one")
    assert not one.has_nominal


def test_a_column_of_nominal_capacities_is_taken_and_no_feature() -> None:
    found = look(fleet(nominal_capacity=1100.0))
    assert (found.mapping.nominal_column, found.mapping.nominal_unit) == ("nominal_capacity", "mAh")
    assert [f.source_column for f in found.mapping.features] == ["ir"]
    assert set(read(fleet(nominal_capacity=1100.0), found.mapping).frame["nominal"]) == {1.1}


def test_nominal_capacity_follows_from_capacity_over_soh() -> None:
    found = look(fleet(SOH=CAPACITY / 1.05))
    assert found.mapping.nominal_capacity_ah == pytest.approx(1.05)


@pytest.mark.parametrize("unit", [1.0, 100.0])
def test_rul_that_is_no_count_of_cycles_is_not_read(unit: float) -> None:
    lengths = {"C1": 60, "C2": 50, "C3": 40}
    frame = fleet()
    frame = frame[frame["cycle"] <= frame["cell"].map(lengths)]
    left = (frame["cell"].map(lengths) - frame["cycle"] + 1) / frame["cell"].map(lengths)
    found = look(
        frame.assign(RUL=np.ceil(unit * left) if unit > 1 else left).reset_index(drop=True)
    )
    assert any("not in cycles. Map no RUL" in guess for guess in found.guesses)


def test_a_counter_that_is_never_reset_gives_differences() -> None:
    frame = fleet()
    total = frame.groupby("cell")["discharge_capacity_ah"].cumsum()
    found = look(renamed("Discharge_Capacity(Ah)", total))
    assert found.mapping.cumulative
    assert found.mapping.nominal_capacity_ah == 1.1
    capacity = read(renamed("Discharge_Capacity(Ah)", total), found.mapping).frame["capacity"]
    np.testing.assert_allclose(capacity, frame["discharge_capacity_ah"])


def test_a_file_without_discharge_capacity_is_refused_by_what_it_has() -> None:
    with pytest.raises(BadFile, match=r"no discharge capacity: 'Charge_Capacity\(Ah\)'"):
        look(renamed("Charge_Capacity(Ah)"))
    with pytest.raises(BadFile, match="is an energy"):
        look(renamed("Discharge_Energy(Wh)"))


def test_a_life_is_offered_and_not_taken() -> None:
    found = look(fleet(cycle_life=50))
    assert found.mapping.life_column is None
    assert any("map it to take it as the label" in guess for guess in found.guesses)


def test_numbers_in_doubt_are_asked_and_refused_until_they_are_accepted() -> None:
    from core.ingest.formats.preview import make_preview
    from core.ingest.limits import DEFAULT_LIMITS
    from core.ingest.raw_frame import raw_frame
    from tests.core.ingest.recognition.fleets import file_of

    file = file_of(fleet())
    table = file.tables[0]
    columns = tuple(
        replace(c, doubt="'1,100' beside '998'.") if c.name.startswith("disch") else c
        for c in table.columns
    )
    file = replace(file, tables=(replace(table, columns=columns),))
    found = make_preview(file)
    assert [question.key for question in found.questions] == ["accept_doubt"]
    with pytest.raises(BadFile, match="'1,100' beside '998'"):
        raw_frame(file, found.mapping, DEFAULT_LIMITS)
    accepted = answered(found.mapping, "accept_doubt", "as read")
    assert len(raw_frame(file, accepted, DEFAULT_LIMITS).frame) == 180
