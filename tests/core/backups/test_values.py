"""Values of every kind survive as JSON, bit by bit."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Interval

from core.backups.values import Kind, kind_of, pack_row, unpack_row

STRATEGIES: dict[Kind, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False),
    "text": st.text(),
    "json": st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps),
    "time": st.datetimes(),
    "date": st.dates(),
    "bytes": st.binary(),
}
VALUES = st.one_of(*[st.tuples(st.just(kind), STRATEGIES[kind]) for kind in STRATEGIES])


def round_trip(kind: Kind, value: Any) -> Any:
    packed = json.loads(json.dumps(pack_row([kind], [value]), allow_nan=False))
    return unpack_row([kind], packed)[0]


@given(VALUES)
def test_every_value_comes_back(case: tuple[Kind, Any]) -> None:
    kind, value = case
    back = round_trip(kind, value)
    assert type(back) is type(value) and back == value
    if kind == "float":
        assert math.copysign(1, back) == math.copysign(1, value)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_null_is_null(kind: Kind) -> None:
    assert round_trip(kind, None) is None


def test_json_null_is_not_null() -> None:
    assert round_trip("json", "null") == "null"


def test_not_a_number_comes_back() -> None:
    assert math.isnan(round_trip("float", math.nan))


def test_whole_numbers_that_a_driver_gives_for_others_are_what_the_column_holds() -> None:
    assert round_trip("bool", 1) is True
    assert isinstance(round_trip("float", 1), float)
    assert round_trip("json", 5) == "5"


def test_a_type_that_nobody_thought_of_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be backed up"):
        kind_of(Interval())
