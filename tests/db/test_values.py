"""Values come back as they went in, on every server alike."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from db.engine import make_engine
from db.tables import Base, BatteryUnit, CycleData, TrainingJob
from tests.db.rows import insert_row, insert_values, table_named, valid_values

NAMES = [
    "Äpfel & Öl",
    "储能电池",
    "🔋 Zelle №1",
    "e\u0301 decomposed",
    "'; DROP TABLE x; --",
    'a"b\\c%d',
]
DOUBLES = [0.1, -1e-300, 1.7976931348623157e308, 5e-324, 1 / 3, -0.0, 123456789.123456789]


def read_back(connection: Connection, table: str, column: str, row_id: int) -> Any:
    """One value of one row."""
    kind = table_named(table)
    return connection.scalar(select(kind.c[column]).where(kind.c.id == row_id))


@pytest.mark.parametrize("name", NAMES)
def test_unicode_names(connection: Connection, name: str) -> None:
    row_id = insert_row(connection, table_named("dataset"), name=name)
    assert read_back(connection, "dataset", "name", row_id) == name
    found = select(table_named("dataset").c.id).where(table_named("dataset").c.name == name)
    assert connection.scalars(found).all() == [row_id]


def test_the_longest_names_fit(connection: Connection) -> None:
    for column in ("original_filename", "stored_path", "error_message"):
        length = table_named("data_upload").c[column].type.length
        row_id = insert_row(connection, table_named("data_upload"), **{column: "🔋" * length})
        assert len(read_back(connection, "data_upload", column, row_id)) == length


@pytest.mark.parametrize("value", DOUBLES)
def test_doubles_keep_every_digit(connection: Connection, value: float) -> None:
    row_id = insert_row(connection, table_named("battery_unit"), nominal_capacity=value)
    assert read_back(connection, "battery_unit", "nominal_capacity", row_id) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_non_finite_numbers_become_null(connection: Connection, value: float) -> None:
    row_id = insert_row(connection, table_named("battery_unit"), nominal_capacity=value)
    assert read_back(connection, "battery_unit", "nominal_capacity", row_id) is None
    for table, column in (("cycle_data", "feature_3"), ("test_job_prediction", "y_pred")):
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_row(connection, table_named(table), **{column: value})


def test_non_finite_numbers_become_null_in_bulk_inserts(connection: Connection) -> None:
    table = CycleData.__table__
    first = valid_values(connection, table, cycle_num=1, pcl=math.nan)
    rows = [first | {"cycle_num": number, "pcl": math.inf} for number in range(2, 50)]
    connection.execute(insert(CycleData), [first, *rows])
    assert set(connection.scalars(select(CycleData.pcl))) == {None}


def test_json_keeps_structure_and_unicode(connection: Connection) -> None:
    value = {
        "名称": ["电压 🔋", "µΩ·h"],
        "nested": {"list": [1, 2.5, -1e-12, True, False, None, "", [], {}]},
        "quotes": "\"'\\ \n\t\u0000",
        "large": 2**53,
    }
    row_id = insert_row(connection, table_named("training_job"), hyperparams=value)
    assert read_back(connection, "training_job", "hyperparams", row_id) == value


def test_json_holds_no_nan(connection: Connection) -> None:
    value = {"r2": math.nan, "all": [math.inf, (-math.inf, 1.5)], "rmse": np.float32("nan")}
    value |= {"count": np.int64(7), "flag": np.bool_(True), "curve": np.array([1.0, math.nan])}
    row_id = insert_row(connection, table_named("test_job_metric_overall"), metrics=value)
    stored = read_back(connection, "test_job_metric_overall", "metrics", row_id)
    expected = {"r2": None, "all": [None, [None, 1.5]], "rmse": None}
    assert stored == expected | {"count": 7, "flag": True, "curve": [1.0, None]}


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if str(column.type) == "JSON"
    ],
)
def test_an_absent_document_is_null_not_the_word(
    connection: Connection, table: str, column: str
) -> None:
    kind = table_named(table)
    values = valid_values(connection, kind) | {column: None}
    if not kind.c[column].nullable:
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(kind), values)
        return
    connection.execute(insert(kind), values)
    assert connection.scalar(select(kind.c.id).where(kind.c[column].is_(None))) is not None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_an_array_of_finite_numbers_holds_no_other(connection: Connection, number: float) -> None:
    """As NULL it would come back as a number that was never measured."""
    with pytest.raises(StatementError, match="not finite"), connection.begin_nested():
        insert_row(connection, table_named("cycle_feature"), further=[0.5, number])
    exact = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1.0]
    given = np.array(exact)
    row_id = insert_row(connection, table_named("cycle_feature"), further=given)
    assert read_back(connection, "cycle_feature", "further", row_id) == exact


def test_numpy_integers_are_integers(connection: Connection) -> None:
    """sqlite3 alone would store their eight bytes as a blob, and find nothing by them."""
    battery = np.int64(insert_row(connection, table_named("battery_unit")))
    row_id = insert_row(
        connection, table_named("cycle_data"), battery_id=battery, cycle_num=np.uint16(7)
    )
    assert read_back(connection, "cycle_data", "cycle_num", np.int64(row_id)) == 7
    found = select(CycleData.cycle_num).where(CycleData.battery_id.in_([battery]))
    assert connection.scalars(found).all() == [7]


@pytest.mark.parametrize(
    ("given", "stored"), [(5.0, 5), (np.float64(12.0), 12), (math.nan, None), (math.inf, None)]
)
def test_whole_numbers_in_float_columns_of_a_frame(
    connection: Connection, given: float, stored: int | None
) -> None:
    row_id = insert_row(connection, table_named("cycle_data"), rul=given)
    assert read_back(connection, "cycle_data", "rul", row_id) == stored


def test_fractions_are_no_whole_numbers(connection: Connection) -> None:
    with pytest.raises(Exception, match="whole number"):
        insert_row(connection, table_named("cycle_data"), rul=12.5)


def test_progress_keeps_five_digits(connection: Connection) -> None:
    row_id = insert_row(connection, table_named("training_job"), progress=0.12345)
    progress = connection.scalar(select(TrainingJob.progress).where(TrainingJob.id == row_id))
    assert progress == 0.12345 and isinstance(progress, float)


@pytest.mark.parametrize("table", ["training_job", "training_job_run", "test_job", "data_upload"])
def test_defaults_of_the_server(connection: Connection, table: str) -> None:
    """A row written by somebody else's SQL gets the seed's defaults."""
    kind = table_named(table)
    defaults = {c.name for c in kind.columns if c.server_default is not None}
    values = valid_values(connection, kind)
    names = [name for name in values if name not in defaults]
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(
        text(
            f"INSERT INTO {quote(table)} ({', '.join(quote(name) for name in names)}) "
            f"VALUES ({', '.join(f':{name}' for name in names)})"
        ),
        {name: values[name] for name in names},
    )
    row = connection.execute(select(kind).order_by(kind.c.id.desc())).mappings().first()
    assert row is not None and row["status"] == "PENDING"
    assert row.get("progress", 0) == 0 and row.get("horizon", 1) == 1
    assert row.get("current_epoch", 0) == row.get("total_epochs", 0) == 0


def _far_from_utc(url: str) -> str:
    """`url` of sessions that would be nine hours ahead if the product let them."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "mysql":
        parsed = parsed.update_query_dict({"init_command": "SET time_zone='+09:00'"})
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.update_query_dict({"options": "-c timezone=Asia/Tokyo"})
    return parsed.render_as_string(hide_password=False)


@pytest.fixture
def tokyo(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A connection from a machine and to a server in Tokyo, rolled back afterwards."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    engine = make_engine(_far_from_utc(migrated_url))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()
    monkeypatch.undo()
    time.tzset()


def test_times_are_utc_wherever_the_server_is(tokyo: Connection) -> None:
    user = insert_row(tokyo, table_named("user"))
    tokyo.execute(
        text("INSERT INTO auth_session (user_id, token_hash, expires_at) VALUES (:id, 'x', :at)"),
        {"id": user, "at": "2026-01-01 00:00:00"},
    )
    from_server = tokyo.scalar(text("SELECT created_at FROM auth_session WHERE token_hash = 'x'"))
    if isinstance(from_server, str):
        from_server = datetime.fromisoformat(from_server)
    name = {"user_name": "tokyo", "email": "t@example.org", "password_hash": "x"}
    from_python = read_back(
        tokyo, "user", "created_at", insert_values(tokyo, table_named("user"), name)[0]
    )
    present = datetime.now(UTC).replace(tzinfo=None)
    assert abs(from_server - present) < timedelta(minutes=2)
    assert abs(from_python - present) < timedelta(minutes=2)


def test_a_battery_code_counts_letters_apart(connection: Connection) -> None:
    first = insert_row(connection, table_named("battery_unit"), battery_code="b1C0")
    dataset = read_back(connection, "battery_unit", "dataset_id", first)
    second = insert_row(
        connection, table_named("battery_unit"), dataset_id=dataset, battery_code="b1c0"
    )
    found = select(BatteryUnit.id).where(BatteryUnit.battery_code == "b1c0")
    assert connection.scalars(found).all() == [second]
